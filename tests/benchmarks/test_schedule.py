from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from portraitlite.benchmarks.latency import LoadedModel
from portraitlite.benchmarks.schedule import Rule, Schedule, take_turns
from portraitlite.runtime.errors import InputError


def contestant(name: str, times_ms: list[float], calls: list[str]) -> Callable[[], float]:
    waiting = iter(times_ms)

    def run() -> float:
        calls.append(name)
        return next(waiting)

    return run


def test_contestants_take_turns_and_warm_ups_are_left_out() -> None:
    calls: list[str] = []
    a, b = contestant("a", [90, 1, 2, 3], calls), contestant("b", [80, 4, 5, 6], calls)
    taken = take_turns([a, b], Schedule(runs=3, warmup=1))
    assert "".join(calls) == "abababab"
    assert taken == ((1, 2, 3), (4, 5, 6))


def test_all_run_until_the_fastest_has_its_time() -> None:
    fast, slow = contestant("f", [10.0] * 99, []), contestant("s", [200.0] * 99, [])
    taken = take_turns([fast, slow], Schedule(runs=2, warmup=0, min_seconds=0.095))
    assert [len(values) for values in taken] == [10, 10]


def test_progress_expects_more_runs_where_time_is_what_is_missing() -> None:
    seen: list[tuple[int, int, float]] = []
    schedule = Schedule(runs=2, warmup=1, min_seconds=0.04)
    take_turns([contestant("a", [10.0] * 9, [])], schedule, first_ms=7, progress=lambda *call: seen.append(call))
    assert seen == [(1, 3, 7), (2, 5, 7), (3, 5, 7), (4, 5, 7), (5, 5, 7)]


def test_the_rule_of_mlperf_mobile() -> None:
    schedule = Schedule.mlperf(warmup=2)
    assert (schedule.rule, schedule.runs, schedule.min_seconds, schedule.warmup) == (Rule.MLPERF, 1024, 60, 2)


@pytest.mark.parametrize("values", [{"runs": 0}, {"warmup": -1}, {"min_seconds": -1.0}])
def test_counts_out_of_range(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="at least 1 run"):
        Schedule(**values)


class Spinning:
    """An interpreter that keeps the CPU busy for 5 ms."""

    def invoke(self) -> None:
        end = time.perf_counter() + 0.005
        while time.perf_counter() < end:
            pass


def test_the_harness_costs_less_than_two_percent() -> None:
    """The wall time of a whole measurement is almost that of the inferences; the best of three, as others may run."""
    costs = []
    for _ in range(3):
        one, other = (LoadedModel(Spinning(), "x", "fake", "0", 0.0, 0.0) for _ in range(2))
        start = time.perf_counter()
        taken = take_turns([one.run_ms, other.run_ms], Schedule(runs=20, warmup=0))
        wall_ms = 1e3 * (time.perf_counter() - start)
        costs.append(1 - sum(map(sum, taken)) / wall_ms)
    assert min(costs) < 0.02
