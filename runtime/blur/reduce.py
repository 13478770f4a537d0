"""The block mean that brings a photo to the plan grid: integer arithmetic, bit-exact in every language.

out = ((sum + n / 2) * (2^24 / n)) >> 24, integer divisions, n pixels in the block
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.in_threads import in_threads

__all__ = ["area_reduce", "by_strips"]

Bytes = npt.NDArray[np.uint8]

STRIP_BLOCKS = 16  # rows of blocks reduced at once


def area_reduce(pixels: Bytes, scale: int, threads: int = 1) -> Bytes:
    """(H, W, 3) or (H, W) uint8 -> (ceil(H/s), ceil(W/s), ...) uint8, the rounded mean of every s x s block."""

    def reduced(strip: Bytes) -> Bytes:
        return np.asarray(Image.fromarray(strip).reduce(scale))

    return by_strips(pixels, scale, reduced, threads)


def by_strips(pixels: Bytes, scale: int, reduced: Callable[[Bytes], Bytes], threads: int) -> Bytes:
    """What `reduced` makes of the whole picture, in strips of whole blocks: bounds the copies that it makes."""
    step = STRIP_BLOCKS * scale
    strips = (pixels[row : row + step] for row in range(0, pixels.shape[0], step))
    return np.concatenate(list(in_threads(reduced, strips, threads)))
