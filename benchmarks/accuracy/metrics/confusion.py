"""The confusion matrix and what follows from it, as `tf.metrics.mean_iou` in the official evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.label_map import IGNORED

__all__ = ["confusion_matrix", "mean_ratio", "reference_mean_iou"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


def confusion_matrix(labels: npt.NDArray[np.uint8], predicted: npt.NDArray[np.uint8], classes: int) -> Int64:
    """(C, C) pixel counts, label by prediction; pixels labelled `IGNORED` do not count."""
    known = labels != IGNORED
    pairs = labels[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def mean_ratio(parts: npt.NDArray[Any], wholes: npt.NDArray[Any]) -> Float64:
    """Mean of parts / wholes along the last axis over the entries with a whole above 0; NaN where there are none.

    With intersections and unions this is the official mean IoU: a class that is neither labelled nor predicted is left
    out; one that is only predicted counts as 0.
    """
    present = wholes > 0
    ratios = np.divide(parts, wholes, out=np.zeros(wholes.shape, np.float64), where=present)
    count = present.sum(-1)
    mean: Float64 = np.divide(ratios.sum(-1), count, out=np.full(count.shape, np.nan), where=count > 0)
    return mean


def reference_mean_iou(reference: npt.NDArray[Any], other: npt.NDArray[Any], classes: int) -> float:
    """Mean IoU of two label maps over the classes that the reference contains: how near a file is to its original."""
    pairs = reference.astype(np.int64).ravel() * classes + other.astype(np.int64).ravel()
    matrix = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    present = matrix.sum(1) > 0
    hits = np.diag(matrix)
    unions = matrix.sum(0) + matrix.sum(1) - hits
    return float((hits[present] / unions[present]).mean())
