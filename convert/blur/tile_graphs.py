"""The graphs that make a tile of the finished picture from the plan.

    apply  rgb [1,th,tw,3], noise [1,th,tw,3], plan [1,th/s+2,tw/s+2,12]  ->  picture [1,th,tw,3], all float32
    fill   the same without rgb, for tiles that hold nothing but blurred background

`byte_pixels` makes the variants whose photo and picture are bytes. Pixels travel in blocks: BLOCK neighbours of a row
are the channels of one position, colours innermost. CPUs then do with three or one channels what would need four, and
the plan is made taller whole rows at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from portraitlite.convert.blur.ops import clip, constant, mix
from portraitlite.runtime.blur.spec import PLAN_CHANNELS, BlurSpec

__all__ = ["apply_function", "fill_function"]

Tensor = Any  # tf.Tensor, of which mypy knows nothing
Floats = npt.NDArray[np.float32]

BLOCK = 8  # pixels at most; measured best
SLOPE, OFFSET, BACKGROUND, FADE, RIM = (0, 1, 2), (3,), (4, 5, 6), (7,), (8, 9, 10)  # channels of the plan


def apply_function(spec: BlurSpec, scale: int) -> Any:
    """One tile of the finished picture as a tf.function.

        photo + (1 - alpha) * fade * (background + noise - (photo - alpha * rim))

    In brackets on the right: what lies behind a half-covered pixel, which is the photo without the subject's share.
    The plan tile has one plan pixel more than the photo tile on every side, so that tiles join without a seam.
    """
    height, width = spec.tile_size(scale)
    block = _block(width)
    add_up = np.kron(np.eye(block), np.ones((3, 1)))  # the three colours of every pixel
    spread = add_up.T

    def apply(rgb: Tensor, noise: Tensor, plan: Tensor) -> dict[str, Tensor]:
        photo = _in_blocks(rgb)
        slope, offset, background, fade, rim = (
            _full(plan, part, spec, scale) for part in (SLOPE, OFFSET, BACKGROUND, FADE, RIM)
        )
        alpha = clip(mix(photo * slope, add_up) + offset, 0.0, 1.0)
        change = background + _in_blocks(noise) - photo + mix(alpha, spread) * rim
        out = photo + mix((constant(1.0) - alpha) * fade, spread) * change
        return {"picture": _finished(out, spec, scale)}

    photo_of = tf.TensorSpec([1, height, width, 3], tf.float32, "rgb")
    return tf.function(apply, input_signature=[photo_of, *_tile_inputs(spec, scale)])


def fill_function(spec: BlurSpec, scale: int) -> Any:
    """What `apply_function` gives where alpha is 0 and fade is 1, for a fraction of its time: background + noise."""

    def fill(noise: Tensor, plan: Tensor) -> dict[str, Tensor]:
        return {"picture": _finished(_full(plan, BACKGROUND, spec, scale) + _in_blocks(noise), spec, scale)}

    return tf.function(fill, input_signature=_tile_inputs(spec, scale))


def _tile_inputs(spec: BlurSpec, scale: int) -> list[Any]:
    return [
        tf.TensorSpec([1, *spec.tile_size(scale), 3], tf.float32, "noise"),
        tf.TensorSpec([1, *spec.plan_tile_size(scale), PLAN_CHANNELS], tf.float32, "plan"),
    ]


def _block(width: int) -> int:
    """The largest divisor of `width` up to BLOCK."""
    return max(n for n in range(1, BLOCK + 1) if width % n == 0)


def _in_blocks(x: Tensor) -> Tensor:
    """(1, h, w, channels) -> (1, h, w / block, block * channels): the same bytes."""
    _, height, width, channels = x.shape
    block = _block(width)
    return tf.reshape(x, [1, height, width // block, block * channels])


def _full(plan: Tensor, part: Sequence[int], spec: BlurSpec, scale: int) -> Tensor:
    """Some channels of the plan over the tile, in blocks: bilinear, with half-pixel centres."""
    height, width = spec.tile_size(scale)
    x = mix(plan, np.eye(PLAN_CHANNELS)[:, part])
    if scale == 1:
        return _in_blocks(x[:, 1 : 1 + height, 1 : 1 + width])
    first = (scale + 1) // 2  # of the new pixels between the plan pixel beyond the tile and its own first one
    x = _in_blocks(_wider(x, scale)[:, :, first : first + width])
    return _taller(x, scale)[:, first : first + height]


def _between(scale: int) -> Floats:
    """(scale,): where the photo pixels lie between a plan pixel (0) and the next (1)."""
    at: Floats = ((np.arange(scale) + (0 if scale % 2 else 0.5)) / scale).astype(np.float32)
    return at


def _wider(x: Tensor, scale: int) -> Tensor:
    """The photo pixels between all neighbours of a row, as the channels of a convolution with both."""
    _, height, width, channels = x.shape
    at = _between(scale)[None]
    taps = np.stack([np.kron(1 - at, np.eye(channels)), np.kron(at, np.eye(channels))])[None]
    x = tf.nn.conv2d(x, taps.astype(np.float32), 1, "VALID")
    return tf.reshape(x, [1, height, (width - 1) * scale, channels])


def _taller(x: Tensor, scale: int) -> Tensor:
    """The same along the columns, a row at a time. RESIZE_BILINEAR would take twice as long for both."""
    _, height, blocks, channels = x.shape
    x = tf.reshape(x, [1, height, 1, blocks * channels])
    above = x[:, :-1]
    x = above + (x[:, 1:] - above) * tf.constant(_between(scale)[None, None, :, None])
    return tf.reshape(x, [1, (height - 1) * scale, blocks, channels])


def _finished(out: Tensor, spec: BlurSpec, scale: int) -> Tensor:
    return tf.reshape(clip(out, 0.0, 1.0), [1, *spec.tile_size(scale), 3])
