"""Masks of network size become masks of photo size whose edges follow the photo.

The blur's plan graph holds a guided filter: for every place, alpha as a linear function of the photo's colour. The same
coefficients serve here, so that a layer's edge lies where the portrait's edge lies.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.blur.host import Box
from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.blur.sizing import choose_scale

__all__ = ["refined_mask"]

STRIP = 16  # plan rows that are enlarged at once; bounds the memory
TO_UNIT = np.float32(1 / 255)

Bytes = npt.NDArray[np.uint8]


def refined_mask(pixels: Bytes, mask: Bytes, box: Box, renderer: BlurRenderer) -> Bytes:
    """A soft mask at photo size.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (h, w) uint8, 255 = inside, at any resolution.
        box: the photo's rim in pixel-edge coordinates of `mask`: left, top, right, bottom.
        renderer: whose plan graph is used.

    Returns:
        (H, W) uint8, 255 = inside.
    """
    height, width = pixels.shape[:2]
    choice = choose_scale(height, width, renderer.spec)
    scale = choice.scale
    plan = renderer.plan(pixels, mask, choice, strength=0.0, mask_box=box)[..., :4]
    out = np.empty((height, width), np.uint8)
    columns = np.arange(-1, choice.used_width + 1)
    for first in range(0, choice.used_height, STRIP):
        rows = np.arange(first - 1, min(first + STRIP, choice.used_height) + 1)
        # The rim repeated, as the apply graph's tiles have it.
        cut = plan.take(rows, 0, mode="clip").take(columns, 1, mode="clip")
        place = slice(first * scale, (first + len(rows) - 2) * scale)
        strip = pixels[place]
        inside = (slice(scale, scale + strip.shape[0]), slice(scale, scale + width))
        alpha = _enlarge(cut[..., 3], scale)[inside]
        for channel in range(3):
            alpha = alpha + _enlarge(cut[..., channel], scale)[inside] * (strip[..., channel] * TO_UNIT)
        out[place] = (alpha.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return out


def _enlarge(plane: npt.NDArray[np.float32], scale: int) -> npt.NDArray[np.float32]:
    """Pillow's BILINEAR enlarges with half-pixel centres, as the apply graph does."""
    size = (plane.shape[1] * scale, plane.shape[0] * scale)
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BILINEAR))
