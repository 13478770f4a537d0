"""Grain for the blurred part: a disc averages the photo's noise away, and a smooth background looks pasted in.

The strength is measured on the flattest parts of the photo, the grain itself is a fixed tile of integers. Both are
exact in every language; the tile repeats with the apply graph's tiles, so that they join as any other pixels do.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["GRAIN_UNIT", "noise_level", "noise_tile"]

GRAIN_UNIT = 32  # standard deviation of the tile's values

BLOCK = 8
BLOCKS = 64  # looked at along each side of the photo
LEAST_BLOCKS = 16
DARKEST, BRIGHTEST = 8, 247  # blocks that reach beyond have their noise clipped
# 49 differences of variance 4 each, times 0.84: the lower quartile of white noise lies so far below its mean.
QUARTILE = 164
ROUNDING = 22  # 256 / 12 and a little: variance of rounding to bytes
LEAST_VARIANCE = 24  # below it lie smooth made pictures
LARGEST_VARIANCE = 160**2  # beyond ten byte steps it is texture: the photo has no flat parts


def noise_level(pixels: npt.NDArray[np.uint8]) -> int:
    """Standard deviation of the photo's noise, in sixteenths of a byte step; 0 without noise or flat parts.

    Up to 64 x 64 blocks of 8 x 8 green values are looked at, spread evenly. In each, the squares of all mixed
    differences p00 - p01 - p10 + p11 are summed, which no even slope of brightness adds to. A quarter of the way up
    the sorted sums stands the photo's noise; everything above has texture. Integer arithmetic.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    height, width = pixels.shape[:2]
    rows, columns = _starts(height), _starts(width)
    if len(rows) * len(columns) < LEAST_BLOCKS:
        return 0
    inside = np.arange(BLOCK)
    at = (rows[:, None, None, None] + inside[:, None], columns[:, None, None] + inside)
    blocks = pixels[at[0], at[1], 1].reshape(-1, BLOCK, BLOCK).astype(np.int32)
    usable = (blocks.min((1, 2)) >= DARKEST) & (blocks.max((1, 2)) <= BRIGHTEST)
    if usable.sum() < LEAST_BLOCKS:
        return 0
    mixed = np.diff(np.diff(blocks[usable], axis=1), axis=2)
    sums = np.sort((mixed * mixed).sum((1, 2)))
    variance = int(sums[len(sums) // 4]) * 256 // QUARTILE - ROUNDING
    return math.isqrt(variance) if LEAST_VARIANCE <= variance <= LARGEST_VARIANCE else 0


def noise_tile(height: int, width: int, seed: int) -> npt.NDArray[np.int8]:
    """(height, width) int8, standard deviation `GRAIN_UNIT`: the same for every photo.

    Pixel (y, x) hashes the number 1024 y + x + seed * 0x9E3779B9 with the 32-bit finaliser of MurmurHash3 (Appleby,
    public domain); the hash's four bytes are summed, less their mean of 510, and scaled by 7/32.
    """
    first = 1024 * np.arange(height, dtype=np.uint64)[:, None] + np.arange(width, dtype=np.uint64)
    x: npt.NDArray[np.uint32] = (first + np.uint64(seed * 0x9E3779B9 % 2**32)).astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    total = x.view(np.uint8).reshape(height, width, 4).sum(-1, dtype=np.int32) - 510
    tile: npt.NDArray[np.int8] = ((total * 7 + 16) >> 5).clip(-127, 127).astype(np.int8)
    return tile


def _starts(side: int) -> npt.NDArray[np.int64]:
    """First pixels of the blocks along one side."""
    count = min(BLOCKS, side // BLOCK)
    return np.arange(count) * (side - BLOCK) // max(1, count - 1)
