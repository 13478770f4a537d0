"""Trimap IoU (Kohli et al., IJCV 2009; DeepLab's papers): the confusion in a band along the labels' borders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.label_map import IGNORED
from portraitlite.benchmarks.accuracy.metrics.boundary_f import outline
from portraitlite.benchmarks.accuracy.metrics.neighbourhood import dilate_square, pixels_of_diagonal

__all__ = ["trimap_labels"]

REACH_SHARE = 0.01  # of the diagonal to each side

UInt8 = npt.NDArray[np.uint8]


def trimap_labels(labels: UInt8) -> UInt8:
    """The label map with `IGNORED` everywhere but within 1 % of the diagonal of a border between labels.

    A border to ignored pixels is one, too: on VOC these lie along every object.
    """
    near = dilate_square(outline(labels), pixels_of_diagonal(REACH_SHARE, *labels.shape))
    result: UInt8 = np.where(near, labels, np.uint8(IGNORED))
    return result
