"""Wait until the phone is as cool as it was at the start, but not for ever."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from portraitlite.android_harness.facts import PhoneState

__all__ = ["Cooled", "cool_down"]

MAX_ABOVE_START_CELSIUS = 1.0
PAUSE_S = 5.0
DEFAULT_CAP_S = 120.0


@dataclasses.dataclass(frozen=True)
class Cooled:
    """How the wait ended.

    Attributes:
        state: of the phone at its end.
        waited_s: how long it took.
        remark: why the phone is not cool, or not known to be; None for a cool one.
    """

    state: PhoneState
    waited_s: float
    remark: str | None


def cool_down(
    read: Callable[[], PhoneState],
    start: PhoneState,
    *,
    cap_s: float = DEFAULT_CAP_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Cooled:
    """Read the state until its thermal status is 0 and skin or battery is at most 1 degree above `start`.

    Args:
        read: asks the phone.
        start: the state before anything ran.
        cap_s: longest wait; 0 reads once.
        clock, sleep: of this machine.

    Returns:
        The last state. A phone that shows neither status nor temperature is not waited for; the remark says so.
    """
    begin = clock()
    while True:
        state = read()
        waited_s = clock() - begin
        problem = _too_warm(state, start)
        if problem is None:
            shown = state.thermal_status is not None or state.warmth_celsius is not None
            return Cooled(state, waited_s, None if shown else "the phone shows neither thermal status nor temperature")
        if waited_s + PAUSE_S > cap_s:
            return Cooled(state, waited_s, f"{problem} after waiting {waited_s:.0f} s")
        sleep(PAUSE_S)


def _too_warm(state: PhoneState, start: PhoneState) -> str | None:
    if state.thermal_status:
        return f"thermal status {state.thermal_status}"
    now, before = state.warmth_celsius, start.warmth_celsius
    if now is not None and before is not None and now > before + MAX_ABOVE_START_CELSIUS:
        return f"{now:.1f} degrees, {now - before:.1f} above the start"
    return None
