"""Figures that stand for a list of latencies."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

import numpy as np

__all__ = [
    "PERCENTILE_METHOD",
    "LatencyStatistics",
    "RatioInterval",
    "Stability",
    "nearest_rank",
    "paired_ratio",
    "stability",
    "summarize",
]

PERCENTILE_METHOD = "nearest_rank"
BLOCKS = 10  # of consecutive runs, see `Stability`
LEAST_BAND = 0.02  # what an idle machine does between two processes
SPREADS_OF_DIFFERENCE = 1.645 * math.sqrt(2)  # of two equal normal values, 9 differences in 10 are smaller
RESAMPLES = 1000


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


@dataclasses.dataclass(frozen=True)
class Stability:
    """How steady a run was.

    Attributes:
        first_quarter_p50_ms, last_quarter_p50_ms: median of the first and of the last quarter of the runs.
        drift_ratio: last / first; above 1 the machine got slower, as a hot phone does.
        band_ratio: the medians of two such runs of the same model differ by less than this share in 9 of 10 cases.
            The runs are cut into blocks of consecutive ones, because noise lasts longer than a run; another whole run
            is taken to be as different as these blocks are from each other, but never by less than 2 %. What lasts
            longer than the whole run cannot be seen in it.
    """

    first_quarter_p50_ms: float
    last_quarter_p50_ms: float
    drift_ratio: float
    band_ratio: float


@dataclasses.dataclass(frozen=True)
class RatioInterval:
    """Median of a ratio of latencies, and its 95 % bootstrap interval."""

    ratio: float
    low: float
    high: float


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


def stability(latency_ms: Sequence[float]) -> Stability:
    """Of at least one latency, in the order they ran."""
    quarter = max(1, len(latency_ms) // 4)
    first, last = (statistics.median(part) for part in (latency_ms[:quarter], latency_ms[-quarter:]))
    blocks = [float(np.median(block)) for block in np.array_split(latency_ms, min(BLOCKS, len(latency_ms)))]
    spread = statistics.stdev(blocks) if len(blocks) > 1 else 0.0
    band = SPREADS_OF_DIFFERENCE * spread / statistics.median(latency_ms)
    return Stability(float(first), float(last), float(last / first), max(LEAST_BAND, band))


def paired_ratio(this_ms: Sequence[float], other_ms: Sequence[float], *, seed: int = 0) -> RatioInterval:
    """Median over pairs of this / other, where the two took turns.

    Whole stretches of consecutive pairs are drawn again, not single ones: noise lasts longer than one run, and an
    interval from single pairs would be too narrow.
    """
    ratios = np.asarray(this_ms, np.float64) / np.asarray(other_ms, np.float64)
    length = max(1, round(math.sqrt(len(ratios))))
    generator = np.random.default_rng(seed)
    starts = generator.integers(len(ratios), size=(RESAMPLES, math.ceil(len(ratios) / length)))
    picks = (starts[:, :, None] + np.arange(length)).reshape(RESAMPLES, -1)[:, : len(ratios)] % len(ratios)
    low, high = np.percentile(np.median(ratios[picks], axis=1), [2.5, 97.5])
    return RatioInterval(float(np.median(ratios)), float(low), float(high))
