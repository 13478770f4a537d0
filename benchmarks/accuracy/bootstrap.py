"""95 % intervals by resampling photos (clips stay whole), drawn alike for every model, so that differences pair."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.figures import METRICS, Tally

__all__ = ["PERCENTILES", "RESAMPLES", "Interval", "Totals", "bootstrap_totals", "difference_interval", "interval"]

RESAMPLES, SEED = 1000, 7
PERCENTILES = (2.5, 97.5)
CHUNK = 100  # draws whose weights are in memory at a time

Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Interval:
    """A figure of all photos and the middle 95 % of its values over resampled photos."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Totals:
    """Sums over all units, and over each resample: by tally name (K,) and (RESAMPLES, K)."""

    all: Mapping[str, Float64]
    drawn: Mapping[str, Float64]


def bootstrap_totals(tallies: Sequence[Tally]) -> Totals:
    """Add up, in the order given, and resample.

    Args:
        tallies: of the units, at least one; all with the same names.
    """
    rng = np.random.default_rng(SEED)
    rows = {name: np.stack([tally[name] for tally in tallies]) for name in tallies[0]}
    drawn: dict[str, list[Float64]] = {name: [] for name in rows}
    units = len(tallies)
    for _ in range(0, RESAMPLES, CHUNK):
        picks = rng.integers(units, size=(CHUNK, units)) + units * np.arange(CHUNK)[:, None]
        weights = np.bincount(picks.ravel(), minlength=CHUNK * units).reshape(CHUNK, units).astype(np.float64)
        for name, values in rows.items():
            drawn[name].append(weights @ values)
    return Totals(
        {name: values.sum(axis=0) for name, values in rows.items()},
        {name: np.concatenate(parts) for name, parts in drawn.items()},
    )


def interval(totals: Totals, metric: str) -> Interval | None:
    """The metric and its interval; None where it is not defined (no such pixels)."""
    key, formula = METRICS[metric]
    if key not in totals.all:
        return None
    return _interval(float(formula(totals.all)), formula(totals.drawn))


def difference_interval(totals: Totals, reference: Totals, metric: str) -> Interval | None:
    """The metric minus the reference's, photo by photo drawn alike; None where one is not defined."""
    key, formula = METRICS[metric]
    if key not in totals.all or key not in reference.all:
        return None
    value = float(formula(totals.all)) - float(formula(reference.all))
    return _interval(value, formula(totals.drawn) - formula(reference.drawn))


def _interval(value: float, drawn: Float64) -> Interval | None:
    if not np.isfinite(value):
        return None
    low, high = np.percentile(drawn[np.isfinite(drawn)], PERCENTILES)
    return Interval(value, float(low), float(high))
