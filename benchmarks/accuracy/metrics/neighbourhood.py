"""Erosion and dilation of masks by squares and discs, exact, in time that does not grow with a square's size."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["dilate_disc", "dilate_square", "erode_square", "pixels_of_diagonal"]

Mask = npt.NDArray[np.bool_]


def pixels_of_diagonal(share: float, height: int, width: int) -> int:
    """A share of the photo's diagonal in whole pixels, at least 1."""
    return max(1, round(share * math.hypot(height, width)))


def dilate_square(mask: Mask, reach: int) -> Mask:
    """Pixels with a set pixel within `reach` rows and columns; (H, W) bool."""
    return _any_along(_any_along(mask, reach).T, reach).T


def erode_square(mask: Mask, reach: int) -> Mask:
    """Pixels all of whose neighbours within `reach` are set; beyond the photo nothing is."""
    padded = np.pad(mask, reach)
    return ~dilate_square(~padded, reach)[reach:-reach, reach:-reach]


def dilate_disc(mask: Mask, radius: int) -> Mask:
    """Pixels with a set pixel at a distance of at most `radius` pixels; (H, W) bool."""
    result = np.zeros_like(mask)
    height = mask.shape[0]
    for offset in range(-min(radius, height - 1), min(radius, height - 1) + 1):
        wide = _any_along(mask, math.isqrt(radius**2 - offset**2))
        top, bottom = max(0, offset), min(height, height + offset)
        result[top:bottom] |= wide[top - offset : bottom - offset]
    return result


def _any_along(mask: Mask, reach: int) -> Mask:
    """Whether any pixel within `reach` columns is set."""
    width = mask.shape[1]
    count = np.zeros((mask.shape[0], width + 1), np.int32)
    np.cumsum(mask, axis=1, out=count[:, 1:])
    columns = np.arange(width)
    result: Mask = count[:, np.minimum(columns + reach + 1, width)] > count[:, np.maximum(columns - reach, 0)]
    return result
