"""The blur's steps outside the graphs: what a phone repeats to feed the same numbers.

    photo   area reduction by s      see `reduce`
    lights  clipped bytes by area    see `highlights`
    mask    8-bit bilinear resize    Pillow's two-pass fixed-point BILINEAR with a box
    grain   a fixed tile of noise    see `grain`
    all     edges repeated to the right and the bottom up to the plan grid, times a constant in float32

Blocks at the right and bottom rim average the pixels that exist. All of it is integer arithmetic up to the last
multiplication, so C and Java get the same bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.bilinear import bilinear
from portraitlite.runtime.blur.grain import GRAIN_UNIT, noise_level, noise_tile
from portraitlite.runtime.blur.highlights import light_boost
from portraitlite.runtime.blur.levels import level_of_radius
from portraitlite.runtime.blur.reduce import area_reduce
from portraitlite.runtime.blur.sizing import PlanChoice, disc_radius
from portraitlite.runtime.blur.spec import BlurSpec

__all__ = ["area_reduce", "noise_input", "place_map", "plan_inputs"]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]

TO_UNIT = np.float32(1 / 255)


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
    return bilinear(padded, choice.used_height, choice.used_width, moved)


def plan_inputs(
    pixels: Bytes,
    mask: Bytes,
    choice: PlanChoice,
    spec: BlurSpec,
    *,
    strength: float,
    mask_box: Box | None = None,
    coc: Floats | None = None,
    highlights: float = 0.0,
    threads: int = 1,
) -> dict[str, Floats]:
    """Photo, mask and strength -> the inputs of the plan graph by name.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (mh, mw) uint8, 255 = subject.
        strength: 0..1.
        mask_box: see `place_map`.
        coc: (h, w) float32 in 0..1, blur relative to `strength` (0 = in focus); None blurs everything equally.
        highlights: 0..1, how far clipped lights are taken to be brighter than white.
        threads: that read the photo; the result is the same for any number.

    Returns:
        rgb (1, ph, pw, 3) and mask (1, ph, pw, 1) in 0..1, coc (1, ph, pw, 1) in 0..K-1, boost (1, ph, pw, 3) in units
        of white; all float32.
    """
    height, width = pixels.shape[:2]
    radius = disc_radius(height, width, choice.scale, strength, spec)
    relative = np.ones((1, 1), np.float32) if coc is None else place_map(coc, (height, width), choice)
    level = level_of_radius(relative.astype(np.float64) * radius, spec)
    if coc is None:
        level = np.broadcast_to(level, (choice.used_height, choice.used_width))
    return {
        "rgb": _to_plan(area_reduce(pixels, choice.scale, threads) * TO_UNIT, choice),
        "mask": _to_plan(place_map(mask, (height, width), choice, mask_box)[..., None] * TO_UNIT, choice),
        "coc": _to_plan(level[..., None], choice),
        "boost": _to_plan(light_boost(pixels, choice.scale, highlights, threads), choice),
    }


def noise_input(pixels: Bytes, scale: int, spec: BlurSpec, *, grain: float) -> Floats:
    """The apply graph's `noise`, the same for every tile of a photo.

    Args:
        pixels: (H, W, 3) uint8 RGB, whose own noise sets the strength.
        scale: photo pixels per plan pixel.
        grain: 0..1, times the photo's noise.

    Returns:
        (1, tile_height, tile_width, 3) float32, the same value in all channels.
    """
    height, width = spec.tile_size(scale)
    level = noise_level(pixels) if grain > 0 else 0
    if level == 0:
        return np.zeros((1, height, width, 3), np.float32)
    noise = noise_tile(height, width, spec.noise_seed) * np.float32(grain * level / (16 * 255 * GRAIN_UNIT))
    return noise[None, :, :, None].repeat(3, -1)


def _to_plan(used: Floats, choice: PlanChoice) -> Floats:
    """(used_height, used_width, C) -> (1, plan_height, plan_width, C), the rim repeated."""
    after = (choice.plan_height - choice.used_height, choice.plan_width - choice.used_width)
    return np.pad(used, ((0, after[0]), (0, after[1]), (0, 0)), mode="edge")[None]
