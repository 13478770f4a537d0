"""Lights that the camera clipped: how much brighter than white they are taken for, so that they blur to bokeh balls.

A lamp is a hundred times brighter than the white that the photo's bytes end at. Blurred as white it would vanish among
its surroundings. The boost gives back some of that light where it was clipped, before the discs are drawn. White walls
and skies are clipped too, but over a large area: there it would only bloom, so the boost keeps to small lights.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.bilinear import bilinear
from portraitlite.runtime.blur.reduce import area_reduce, by_strips

__all__ = ["FULL_BOOST", "clipped_light", "light_boost"]

Bytes = npt.NDArray[np.uint8]

CLIPPED_FROM = 239  # bytes up to here are taken for what they are
WIDE = 16  # side, in plan pixels, of the neighbourhood in which a light must be small
FULL_BOOST = 16.0  # light added to a clipped plan pixel at `highlights` 1, in units of white


def clipped_light(pixels: Bytes, scale: int, threads: int = 1) -> Bytes:
    """How much of every plan pixel is a small clipped light.

    A pixel counts by its darkest channel: leaves in the sun, of which only one channel is clipped, are no lamps, and
    would change their colour.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        scale: photo pixels per plan pixel.

    Returns:
        (ceil(H/s), ceil(W/s)) uint8: the share of clipped pixels in the block (255: all), less where much of the
        neighbourhood is clipped too.
    """

    def reduced(strip: Bytes) -> Bytes:
        flat = strip.ravel()
        darkest = np.minimum(np.minimum(flat[:-2], flat[1:-1]), flat[2:])  # of any three bytes in a row
        if darkest.max() <= CLIPPED_FROM:
            return np.zeros((math.ceil(strip.shape[0] / scale), math.ceil(strip.shape[1] / scale)), np.uint8)
        beyond = np.maximum(darkest[::3], CLIPPED_FROM) - np.uint8(CLIPPED_FROM)  # 0..16; every third is a pixel's
        curve = (beyond << 4) - (beyond >> 4)  # 16 times as much, but 255 for 16
        return np.asarray(Image.fromarray(curve.reshape(strip.shape[:2])).reduce(scale))

    clipped = by_strips(pixels, scale, reduced, threads)
    wide = area_reduce(clipped, WIDE)
    height, width = clipped.shape
    near = bilinear(wide, height, width, (0, 0, width / WIDE, height / WIDE))
    alone = 255 - np.minimum(255, 2 * near.astype(np.int32))
    out: Bytes = ((clipped * alone + 127) // 255).astype(np.uint8)
    return out


def light_boost(pixels: Bytes, scale: int, highlights: float, threads: int = 1) -> npt.NDArray[np.float32]:
    """The plan graph's `boost`: `clipped_light` times FULL_BOOST * highlights^2 / 255 in three channels, float32."""
    if highlights == 0:
        return np.zeros((math.ceil(pixels.shape[0] / scale), math.ceil(pixels.shape[1] / scale), 3), np.float32)
    boost = clipped_light(pixels, scale, threads) * np.float32(FULL_BOOST * highlights**2 / 255)
    return boost[..., None].repeat(3, -1)
