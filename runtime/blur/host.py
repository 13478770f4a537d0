"""The blur's steps outside the graphs: what a phone repeats to feed the same numbers.

    photo   area reduction by s      out = ((sum + n / 2) * (2^24 / n)) >> 24, integer divisions, n pixels in the block
    mask    8-bit bilinear resize    Pillow's two-pass fixed-point BILINEAR with a box
    both    edges repeated to the right and the bottom up to the plan grid, times 1/255 in float32

Blocks at the right and bottom rim average the pixels that exist. All of it is integer arithmetic up to the last
multiplication, so C and Java get the same bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.blur.levels import level_of_radius
from portraitlite.runtime.blur.sizing import PlanChoice, disc_radius
from portraitlite.runtime.blur.spec import BlurSpec

__all__ = ["area_reduce", "place_map", "plan_inputs"]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]

STRIP_BLOCKS = 16  # rows of blocks reduced at once; bounds the copy that Pillow makes
TO_UNIT = np.float32(1 / 255)


def area_reduce(pixels: Bytes, scale: int) -> Bytes:
    """(H, W, 3) uint8 -> (ceil(H/s), ceil(W/s), 3) uint8, the rounded mean of every s x s block."""
    height, width, channels = pixels.shape
    out = np.empty((math.ceil(height / scale), math.ceil(width / scale), channels), np.uint8)
    for row in range(0, len(out), STRIP_BLOCKS):
        strip = Image.fromarray(pixels[row * scale : (row + STRIP_BLOCKS) * scale])
        out[row : row + STRIP_BLOCKS] = np.asarray(strip.reduce(scale))
    return out


def place_map(values: npt.NDArray[Any], size: tuple[int, int], choice: PlanChoice, box: Box | None = None) -> Any:
    """A mask or blur map of any resolution -> the used part of the plan grid.

    Args:
        values: (mh, mw), uint8 or float32.
        size: (height, width) of the photo in pixels.
        choice: the photo's place on the plan.
        box: the part of `values` that shows the photo: left, top, right, bottom in its pixels (0, 0, mw, mh is all of
            it). Beyond the map its edge is repeated.

    Returns:
        (used_height, used_width) of the same dtype.
    """
    left, top, right, bottom = box or (0.0, 0.0, float(values.shape[1]), float(values.shape[0]))
    # The last plan pixels reach over the photo's rim; the box must reach as far, or the map would be squeezed.
    right = left + (right - left) * (choice.used_width * choice.scale / size[1])
    bottom = top + (bottom - top) * (choice.used_height * choice.scale / size[0])
    before_x, before_y = max(0, math.ceil(-left)), max(0, math.ceil(-top))
    after_x, after_y = (max(0, math.ceil(right - values.shape[1])), max(0, math.ceil(bottom - values.shape[0])))
    padded = np.pad(values, ((before_y, after_y), (before_x, after_x)), mode="edge")
    moved = (left + before_x, top + before_y, right + before_x, bottom + before_y)
    used = (choice.used_width, choice.used_height)
    return np.asarray(Image.fromarray(padded).resize(used, Image.Resampling.BILINEAR, box=moved))


def plan_inputs(
    pixels: Bytes,
    mask: Bytes,
    choice: PlanChoice,
    spec: BlurSpec,
    *,
    strength: float,
    mask_box: Box | None = None,
    coc: Floats | None = None,
) -> dict[str, Floats]:
    """Photo, mask and strength -> the inputs of the plan graph by name.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (mh, mw) uint8, 255 = subject.
        strength: 0..1.
        mask_box: see `place_map`.
        coc: (h, w) float32 in 0..1, blur relative to `strength` (0 = in focus); None blurs everything equally.

    Returns:
        rgb (1, ph, pw, 3) and mask (1, ph, pw, 1) in 0..1, coc (1, ph, pw, 1) in 0..K-1; all float32.
    """
    height, width = pixels.shape[:2]
    radius = disc_radius(height, width, choice.scale, strength, spec)
    relative = np.ones((1, 1), np.float32) if coc is None else place_map(coc, (height, width), choice)
    level = level_of_radius(relative.astype(np.float64) * radius, spec)
    if coc is None:
        level = np.broadcast_to(level, (choice.used_height, choice.used_width))
    return {
        "rgb": _to_plan(area_reduce(pixels, choice.scale) * TO_UNIT, choice),
        "mask": _to_plan(place_map(mask, (height, width), choice, mask_box)[..., None] * TO_UNIT, choice),
        "coc": _to_plan(level[..., None], choice),
    }


def _to_plan(used: Floats, choice: PlanChoice) -> Floats:
    """(used_height, used_width, C) -> (1, plan_height, plan_width, C), the rim repeated."""
    after = (choice.plan_height - choice.used_height, choice.plan_width - choice.used_width)
    return np.pad(used, ((0, after[0]), (0, after[1]), (0, 0)), mode="edge")[None]
