"""Colours for pixels that nobody has seen: what may lie behind an object, from the surroundings by pull and push.

Gortler et al., "The Lumigraph" (1996), section 3.4: average the known colours into coarser and coarser grids, then fill
the gaps of each grid from the next coarser one. Smooth, without invented detail, and nothing of the object stays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.blur.host import area_reduce

__all__ = ["extend_colours", "pull_push"]

GRID_SIDE = 512  # pixels of the longer side at which gaps are filled; the fill is smooth anyway
STRIP_ROWS = 256

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def extend_colours(pixels: Bytes, known: npt.NDArray[np.bool_], unknown: npt.NDArray[np.bool_]) -> Bytes:
    """`pixels` with the unknown ones replaced by what lies around them.

    Args:
        pixels: (H, W, 3) uint8.
        known: (H, W), whose colours may be used.
        unknown: (H, W), which pixels get new colours.

    Returns:
        (H, W, 3) uint8: a new array, or `pixels` itself where nothing is unknown or nothing is known.
    """
    if not unknown.any():
        return pixels
    height, width = pixels.shape[:2]
    scale = math.ceil(max(height, width) / GRID_SIDE)
    share = np.asarray(Image.fromarray(known.astype(np.uint8) * np.uint8(255)).reduce(scale))
    # A block that is mostly unknown would give its colour with a large rounding error.
    weight = np.where(share >= 128, share, 0).astype(np.float32) / np.float32(255)
    if not weight.any():
        return pixels
    sums = area_reduce(_only(pixels, known), scale).astype(np.float32)
    colours = (sums / np.maximum(share, 1)[..., None] * np.float32(255)).astype(np.float32)
    small = (pull_push(colours, weight) + 0.5).clip(0, 255).astype(np.uint8)
    # The last blocks reach over the photo's rim; the box must end where the photo does.
    box = (0.0, 0.0, width / scale, height / scale)
    filled = np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR, box=box))
    keep = ~unknown
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        np.copyto(filled[rows], pixels[rows], where=keep[rows, :, None])
    return filled


def pull_push(values: Floats, weight: Floats) -> Floats:
    """Fill the gaps of a small grid.

    Args:
        values: (h, w, C) float32; of no matter where `weight` is 0.
        weight: (h, w) float32 in 0..1, how well a value is known.

    Returns:
        (h, w, C) float32; values of weight 1 are unchanged. Zeros if nothing is known at all.
    """
    height, width, channels = values.shape
    if max(height, width) == 1:
        return np.where(weight[..., None] > 0, values, np.float32(0))
    even = ((0, height % 2), (0, width % 2), (0, 0))
    weighted = np.pad(np.dstack([values * weight[..., None], weight]), even)
    sums: Any = weighted.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, channels + 1).sum((1, 3))
    total = sums[..., -1]
    coarse = pull_push(sums[..., :-1] / np.maximum(total, 1e-6)[..., None], np.minimum(total, 1))
    below = _enlarge(coarse, height, width)
    return np.asarray(below + (values - below) * weight[..., None], np.float32)


def _enlarge(grid: Floats, height: int, width: int) -> Floats:
    box = (0.0, 0.0, width / 2, height / 2)
    planes = (
        Image.fromarray(np.ascontiguousarray(grid[..., c])).resize((width, height), Image.Resampling.BILINEAR, box=box)
        for c in range(grid.shape[2])
    )
    return np.dstack([np.asarray(plane) for plane in planes])


def _only(pixels: Bytes, known: npt.NDArray[np.bool_]) -> Bytes:
    return np.multiply(pixels, known[..., None], dtype=np.uint8)
