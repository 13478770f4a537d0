"""Bilinear resize of float maps with TensorFlow's sampling conventions.

Host-side counterpart of RESIZE_BILINEAR, for class scores that a model leaves at network size. Photos are resized by
Pillow instead (`network_input`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.types import ResizeConvention

__all__ = ["resize_bilinear", "sample_positions"]


def sample_positions(
    size: int, source: int, convention: ResizeConvention
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """(low index, high index, weight of high) of each of `size` outputs over `source` inputs."""
    index = np.arange(size, dtype=np.float64)
    if convention is ResizeConvention.ALIGN_CORNERS:
        at = index * ((source - 1) / (size - 1) if size > 1 else 0.0)
    elif convention is ResizeConvention.LEGACY:
        at = index * (source / size)
    else:
        at = np.maximum((index + 0.5) * (source / size) - 0.5, 0.0)
    low = np.minimum(at.astype(np.intp), source - 1)
    return low, np.minimum(low + 1, source - 1), (at - low).astype(np.float32)


def resize_bilinear(
    scores: npt.NDArray[np.float32], height: int, width: int, convention: ResizeConvention
) -> npt.NDArray[np.float32]:
    """(h, w, C) float32 -> (height, width, C) float32."""
    low, high, fraction = sample_positions(height, scores.shape[0], convention)
    scores = _mix(scores[low], scores[high], fraction[:, None, None])
    low, high, fraction = sample_positions(width, scores.shape[1], convention)
    return _mix(scores[:, low], scores[:, high], fraction[None, :, None])


def _mix(
    low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], fraction: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    return np.asarray(low + (high - low) * fraction, np.float32)
