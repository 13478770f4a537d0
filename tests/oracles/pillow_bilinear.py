"""Pillow's 8-bit BILINEAR in whole numbers, as docs/host-steps.md tells it: what C and Java repeat.

Load with `runpy.run_path`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any

PRECISION_BITS = 22


def weights(size: int, source: int, start: float, end: float) -> list[tuple[int, list[int]]]:
    """(first sample, fixed-point weights) of each of `size` outputs over the samples `start`..`end` of `source`.

    Pillow keeps the box in single precision, and all that follows in double.
    """
    step = float(np.float32(end) - np.float32(start)) / size
    start = float(np.float32(start))
    reach = max(step, 1.0)  # half the triangle's base
    rows = []
    for index in range(size):
        centre = start + (index + 0.5) * step
        first = max(0, int(centre - reach + 0.5))
        last = min(source, int(centre + reach + 0.5))
        triangle = [max(0.0, 1 - abs((x - centre + 0.5) * (1 / reach))) for x in range(first, last)]
        total = 0.0
        for value in triangle:
            total += value
        rows.append((first, [math.floor(0.5 + value / total * (1 << PRECISION_BITS)) for value in triangle]))
    return rows


def one_pass(pixels: Array, size: int, start: float, end: float) -> Array:
    """Along the first axis; rounded and clipped to bytes."""
    out = np.empty((size, *pixels.shape[1:]), np.uint8)
    for index, (first, row) in enumerate(weights(size, pixels.shape[0], start, end)):
        total = np.full(pixels.shape[1:], 1 << (PRECISION_BITS - 1), np.int64)
        for offset, weight in enumerate(row):
            total += weight * pixels[first + offset].astype(np.int64)
        out[index] = np.clip(total >> PRECISION_BITS, 0, 255)
    return out


def resize(pixels: Array, height: int, width: int, box: tuple[float, float, float, float] | None = None) -> Array:
    """(h, w) or (h, w, C) uint8 -> (height, width) or (height, width, C) uint8.

    Columns first, then rows. A pass that would change nothing is left out.
    """
    left, top, right, bottom = box or (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    if (width, left, right) != (pixels.shape[1], 0, pixels.shape[1]):
        pixels = one_pass(pixels.swapaxes(0, 1), width, left, right).swapaxes(0, 1)
    if (height, top, bottom) != (pixels.shape[0], 0, pixels.shape[0]):
        pixels = one_pass(pixels, height, top, bottom)
    return pixels
