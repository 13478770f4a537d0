"""Expected calibration error of confidences (Naeini et al., AAAI 2015): of one class, or of the class that wins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "calibration_counts", "calibration_error"]

BINS = 15  # of equal width, as in Guo et al., ICML 2017


def calibration_counts(
    confidence: npt.NDArray[np.uint8], right: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """[pixels, sum of confidence, right pixels] of each bin: (3 * BINS,).

    Args:
        confidence: (H, W) uint8, 255 is certainty.
        right: (H, W) what the confidence is about: the pixel is the subject, or of the class that won.
        known: (H, W) pixels that count.
    """
    level = np.bincount(confidence[known], minlength=256)
    hits = np.bincount(confidence[known & right], minlength=256)
    values = np.arange(256)
    bins = np.minimum(values * BINS // 255, BINS - 1)
    sums = [np.bincount(bins, weights, BINS) for weights in (level, level * values / 255, hits)]
    return np.concatenate(sums).astype(np.float64)


def calibration_error(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """|mean confidence - share of right pixels| of bins, weighted by pixels, along the last axis; NaN without any."""
    pixels, confidence, hits = np.split(counts, 3, axis=-1)
    total = pixels.sum(-1)
    gap = np.abs(confidence - hits).sum(-1)
    error: npt.NDArray[np.float64] = np.divide(gap, total, out=np.full(total.shape, np.nan), where=total > 0)
    return error
