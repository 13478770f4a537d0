"""Boundary F: how well two outlines meet (F of DAVIS, Perazzi et al., CVPR 2016)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.metrics.neighbourhood import dilate_disc, pixels_of_diagonal

__all__ = ["boundary_f", "outline"]

TOLERANCE_SHARE = 0.008  # of the diagonal, as in DAVIS

Mask = npt.NDArray[np.bool_]


def outline(labels: npt.NDArray[np.uint8] | Mask) -> Mask:
    """(H, W) labels or mask -> pixels that differ from their right, lower or lower right neighbour: (H, W) bool.

    The photo's rim is no outline.
    """
    result = np.zeros(labels.shape, np.bool_)
    result[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    result[:-1] |= labels[:-1] != labels[1:]
    result[:-1, :-1] |= labels[:-1, :-1] != labels[1:, 1:]
    return result


def boundary_f(truth: Mask, found: Mask) -> float:
    """Harmonic mean of precision and recall of the outline pixels within 0.8 % of the diagonal; 1 without outlines."""
    want, got = outline(truth), outline(found)
    if not want.any() or not got.any():
        return float(want.any() == got.any())
    radius = pixels_of_diagonal(TOLERANCE_SHARE, *truth.shape)
    precision = float((got & dilate_disc(want, radius)).sum() / got.sum())
    recall = float((want & dilate_disc(got, radius)).sum() / want.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
