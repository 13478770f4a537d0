"""Depth samples that a phone does not know or does not trust, filled from their neighbours.

Push-pull: the known samples are averaged into ever smaller maps, and every hole takes the value of the finest map that
knows something there. Source: Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["fill_depth_holes"]

Floats = npt.NDArray[np.float32]


def fill_depth_holes(values: Floats, trust: Floats) -> Floats:
    """Replace what is not trusted at all, keep the rest.

    Args:
        values: (h, w) float32, anything but NaN.
        trust: (h, w) float32 in 0..1; 0 is a hole, at least one sample is none.

    Returns:
        (h, w) float32, a new array.
    """
    holes = trust <= 0
    if not holes.any():
        return values.copy()
    height, width = ((side + 1) // 2 for side in values.shape)
    # Of a cell the mean of what is known; a cell of holes is a hole of the smaller map.
    weight = _halved(trust)
    mean = _halved(values * trust) / np.maximum(weight, np.float32(1e-12))
    smaller = fill_depth_holes(mean.astype(np.float32), np.minimum(4 * weight, 1).astype(np.float32))
    pulled = Image.fromarray(smaller).resize((2 * width, 2 * height), Image.Resampling.BILINEAR)
    return np.where(holes, np.asarray(pulled)[: values.shape[0], : values.shape[1]], values).astype(np.float32)


def _halved(values: Floats) -> Floats:
    """Means of 2 x 2 samples; an odd last row or column counts once more."""
    padded = np.pad(values, ((0, values.shape[0] % 2), (0, values.shape[1] % 2)), mode="edge")
    mean: Floats = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).mean((1, 3), dtype=np.float32)
    return mean
