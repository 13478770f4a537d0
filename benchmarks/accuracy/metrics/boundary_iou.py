"""Boundary IoU (Cheng et al., CVPR 2021): IoU of the parts of two masks that lie near their own outlines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.metrics.neighbourhood import erode_square, pixels_of_diagonal

__all__ = ["boundary_band", "boundary_overlap"]

WIDTH_SHARE = 0.02  # of the diagonal, as in the paper

Mask = npt.NDArray[np.bool_]


def boundary_band(mask: Mask, reach: int) -> Mask:
    """The pixels of a mask within `reach` of its outline; the photo's rim is one, as in the authors' code."""
    return mask & ~erode_square(mask, reach)


def boundary_overlap(truth: Mask, found: Mask) -> tuple[int, int]:
    """(intersection, union) in pixels of the two bands, whose width is 2 % of the diagonal."""
    reach = pixels_of_diagonal(WIDTH_SHARE, *truth.shape)
    want, got = boundary_band(truth, reach), boundary_band(found, reach)
    return int((want & got).sum()), int((want | got).sum())
