"""When to stop measuring, and whose turn it is."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import Callable, Sequence

from portraitlite.runtime.errors import InputError

__all__ = ["MLPERF_QUERIES", "MLPERF_SECONDS", "Progress", "Rule", "Schedule", "take_turns", "timed"]

# MLPerf Mobile's single stream: one query after the other, at least so many and at least so long; p90 is the score.
MLPERF_QUERIES, MLPERF_SECONDS = 1024, 60.0

Progress = Callable[[int, int, float], None]


class Rule(enum.StrEnum):
    """How long to measure.

    `quick`: as many runs as asked for. `mlperf`: the single-stream rule of MLPerf Mobile; without its LoadGen and its
    data set the figure is comparable in kind, but it is no MLPerf result.
    """

    QUICK = "quick"
    MLPERF = "mlperf"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long to measure each contestant.

    Attributes:
        rule: as asked for.
        runs: least number of timed runs.
        warmup: untimed runs before them.
        min_seconds: least sum of the timed runs.
    """

    rule: Rule = Rule.QUICK
    runs: int = 50
    warmup: int = 5
    min_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.runs < 1 or self.warmup < 0 or self.min_seconds < 0:
            raise InputError(f"bench needs at least 1 run and 0 warm-ups; it got {self.runs} and {self.warmup}")

    @classmethod
    def mlperf(cls, *, warmup: int = 5) -> Schedule:
        """At least 1024 runs and 60 s."""
        return cls(Rule.MLPERF, MLPERF_QUERIES, warmup, MLPERF_SECONDS)


def timed(run: Callable[[], object]) -> Callable[[], float]:
    """`run` as a contestant of `take_turns`: it returns its time in ms."""

    def run_ms() -> float:
        start_ns = time.perf_counter_ns()
        run()
        return (time.perf_counter_ns() - start_ns) / 1e6

    return run_ms


def take_turns(
    contestants: Sequence[Callable[[], float]],
    schedule: Schedule,
    *,
    first_ms: float = 0.0,
    progress: Progress | None = None,
) -> tuple[tuple[float, ...], ...]:
    """Run A B C A B C ..., so that whatever else the machine does meets all of them.

    Args:
        contestants: each runs once and returns its time in ms.
        schedule: when to stop; all run equally often, until the fastest has its least time.
        first_ms: time of a whole round, handed on to `progress`.
        progress: called between rounds with (rounds done, rounds expected, first_ms). What it does is not timed, but
            it can empty the caches, so it should be short and mostly idle.

    Returns:
        The timed runs of each contestant in ms, in the order they ran; equally many for all.
    """
    taken_ms: list[list[float]] = [[] for _ in contestants]
    for done in range(schedule.warmup):
        for run in contestants:
            run()
        if progress is not None:
            progress(done + 1, schedule.warmup + schedule.runs, first_ms)
    rounds, seconds = 0, [0.0 for _ in contestants]
    while rounds < schedule.runs or min(seconds) < schedule.min_seconds:
        for i, run in enumerate(contestants):
            elapsed_ms = run()
            taken_ms[i].append(elapsed_ms)
            seconds[i] += elapsed_ms / 1e3
        rounds += 1
        if progress is not None:
            share = min(seconds) / schedule.min_seconds if schedule.min_seconds else 1.0
            expected = schedule.runs if share >= rounds / schedule.runs else round(rounds / share)
            progress(schedule.warmup + rounds, schedule.warmup + max(rounds, expected), first_ms)
    return tuple(tuple(values) for values in taken_ms)
