"""The metrics by name, as functions of sums that photos add to.

A `Tally` is what one unit (a photo or clip) adds: arrays by name, described at `score`. Because every metric is a
function of sums, photos can be scored in any order by any number of processes, and resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.metrics.calibration import calibration_error
from portraitlite.benchmarks.accuracy.metrics.confusion import mean_ratio

__all__ = ["METRICS", "PER_CLASS", "Metric", "Sums", "Tally", "overlap"]

Float64 = npt.NDArray[np.float64]
Tally = Mapping[str, Float64]
Sums = Mapping[str, Float64]
Metric = Callable[[Sums], Float64]
"""Sums with any leading axes -> values with these axes; NaN where the metric is not defined."""


def overlap(counts: Float64) -> tuple[Float64, Float64]:
    """[hits, labelled, predicted] by class along the last axis -> intersections and unions."""
    hits, labelled, predicted = np.split(counts, 3, axis=-1)
    return hits, labelled + predicted - hits


def _halves(sums: Float64) -> tuple[Float64, Float64]:
    """[parts, wholes] by class along the last axis."""
    parts, wholes = np.split(sums, 2, axis=-1)
    return parts, wholes


def _ratio(key: str, part: int, whole: int) -> Metric:
    """One entry of a tally over another."""
    return lambda sums: mean_ratio(sums[key][..., part : part + 1], sums[key][..., whole : whole + 1])


def _pixel_accuracy(sums: Sums) -> Float64:
    hits, labelled, _ = np.split(sums["pixels"], 3, axis=-1)
    return mean_ratio(hits.sum(-1, keepdims=True), labelled.sum(-1, keepdims=True))


METRICS: dict[str, tuple[str, Metric]] = {
    "mean_iou": ("pixels", lambda sums: mean_ratio(*overlap(sums["pixels"]))),
    "pixel_accuracy": ("pixels", _pixel_accuracy),
    "subject_iou": ("subject", _ratio("subject", 0, 1)),
    "subject_iou_photo_mean": ("subject", _ratio("subject", 2, 3)),
    "boundary_iou": ("boundary", lambda sums: mean_ratio(*_halves(sums["boundary"]))),
    "boundary_f": ("boundary_f", lambda sums: mean_ratio(*_halves(sums["boundary_f"]))),
    "trimap_iou": ("trimap", lambda sums: mean_ratio(*overlap(sums["trimap"]))),
    "calibration_error": ("calibration", lambda sums: calibration_error(sums["calibration"])),
    "calibration_error_winner": ("winner", lambda sums: calibration_error(sums["winner"])),
    "matte_mse": ("matte", _ratio("matte", 0, 1)),
    "matte_sad": ("matte", _ratio("matte", 2, 4)),
    "matte_grad": ("matte", _ratio("matte", 3, 4)),
    "matte_dtssd": ("matte", _ratio("matte", 5, 6)),
    "agreement": ("reference", _ratio("reference", 0, 2)),
    "mean_iou_to_reference": ("reference", _ratio("reference", 1, 2)),
}
"""Name -> (tally, metric). Lower is better for `calibration_error*` and `matte_*`."""

PER_CLASS: dict[str, tuple[str, Callable[[Float64], tuple[Float64, Float64]]]] = {
    "iou": ("pixels", overlap),
    "boundary_iou": ("boundary", _halves),
    "boundary_f": ("boundary_f", _halves),
    "trimap_iou": ("trimap", overlap),
}
"""Name -> (tally, sums -> parts and wholes by class)."""
