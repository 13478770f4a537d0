"""How long a phone is waited for."""

from __future__ import annotations

import itertools

import pytest
from fake_phone import battery_text, thermal_text

from portraitlite.android_harness.cooling import PAUSE_S, Cooled, cool_down
from portraitlite.android_harness.facts import PhoneState, parse_state

START = parse_state({"thermal": thermal_text(skin_celsius=30.0)})


def _cool(states: list[PhoneState], cap_s: float = 120.0) -> Cooled:
    """Each reading takes no time, each pause what it says."""
    now = itertools.count(0.0, PAUSE_S)
    seconds = [next(now)]
    readings = iter(states)
    return cool_down(
        lambda: next(readings, states[-1]),
        START,
        cap_s=cap_s,
        clock=lambda: seconds[0],
        sleep=lambda pause: seconds.__setitem__(0, seconds[0] + pause),
    )


def test_a_cool_phone_is_not_waited_for() -> None:
    found = _cool([parse_state({"thermal": thermal_text(skin_celsius=31.0)})])
    assert (found.waited_s, found.remark) == (0.0, None)


def test_a_warm_phone_is_waited_for() -> None:
    warm, cool = (parse_state({"thermal": thermal_text(skin_celsius=value)}) for value in (34.0, 30.5))
    found = _cool([warm, warm, cool])
    assert (found.waited_s, found.remark, found.state) == (2 * PAUSE_S, None, cool)


@pytest.mark.parametrize("cap_s", [0.0, 20.0])
def test_the_wait_is_capped_and_told(cap_s: float) -> None:
    found = _cool([parse_state({"thermal": thermal_text(skin_celsius=30.0, status=2)})], cap_s)
    assert found.waited_s <= cap_s
    assert found.remark == f"thermal status 2 after waiting {found.waited_s:.0f} s"


def test_the_battery_stands_in_for_the_skin() -> None:
    start = parse_state({"battery": battery_text(tenths=300)})
    warm = parse_state({"battery": battery_text(tenths=350)})
    found = cool_down(lambda: warm, start, cap_s=0)
    assert found.remark is not None
    assert "5.0 above the start" in found.remark


def test_a_phone_that_shows_nothing_is_not_called_cool() -> None:
    assert "neither" in (_cool([parse_state({})]).remark or "")
