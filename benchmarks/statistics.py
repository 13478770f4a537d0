"""Figures that stand for a list of latencies."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

__all__ = ["PERCENTILE_METHOD", "LatencyStatistics", "nearest_rank", "summarize"]

PERCENTILE_METHOD = "nearest_rank"


@dataclasses.dataclass(frozen=True)
class LatencyStatistics:
    """All in ms.

    Attributes:
        percentile_method: always `nearest_rank`: a percentile is one of the measured values, never between two.
            With fewer than 100 runs p99 is therefore the slowest run.
        min_ms, p50_ms, p90_ms, p99_ms, mean_ms: as named.
        std_ms: population standard deviation (divided by the number of runs).
        mad_ms: median (nearest rank) of the absolute distances from p50; unlike std it ignores a few hiccups.
    """

    percentile_method: str
    min_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    std_ms: float
    mad_ms: float


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The smallest value of ascending `ordered` with at least `percent` (1..100) of the values at or below it."""
    return ordered[math.ceil(percent * len(ordered) / 100) - 1]


def summarize(latency_ms: Sequence[float]) -> LatencyStatistics:
    """Statistics of at least one latency, in any order."""
    ordered = sorted(latency_ms)
    median = nearest_rank(ordered, 50)
    return LatencyStatistics(
        percentile_method=PERCENTILE_METHOD,
        min_ms=ordered[0],
        p50_ms=median,
        p90_ms=nearest_rank(ordered, 90),
        p99_ms=nearest_rank(ordered, 99),
        mean_ms=statistics.fmean(ordered),
        std_ms=statistics.pstdev(ordered),
        mad_ms=nearest_rank(sorted(abs(value - median) for value in ordered), 50),
    )
