"""The TFLite graphs of the blur, made of stock ops that CPU and GPU delegates take.

    plan   rgb [1,h,w,3], mask [1,h,w,1], coc [1,h,w,1], boost [1,h,w,3]  ->  plan [1,h,w,12], all float32
    apply  rgb [1,th,tw,3], noise [1,th,tw,4], plan [1,th/s+2,tw/s+2,12]  ->  picture [1,th,tw,3], uint8 or float32
    fill   the same without rgb, for tiles that hold nothing but blurred background

Rules that delegates impose: constants of rank 4, channel sums as 1x1 convolutions (multi-axis SUM goes wrong on
phones without an error), half-pixel centres alone in every resize, depthwise kernels of at most 25 taps and of
multiplier 1. Everything is fp32: the determinant below needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from portraitlite.convert.blur.disc import DiscKernel, fit_disc
from portraitlite.convert.blur.ops import along_rows, alpha_of, channels_of, clip, constant, mix, pick, resize, turn
from portraitlite.convert.blur.refine import refine
from portraitlite.runtime.blur.spec import PLAN_CHANNELS, BlurSpec, Orientation, PixelType

__all__ = ["apply_function", "fill_function", "plan_function"]

Tensor = Any  # tf.Tensor, of which mypy knows nothing

LEAST_WEIGHT = 1e-3
LEAST_LIGHT = 1e-6


def plan_function(spec: BlurSpec, orientation: Orientation) -> Any:
    """The plan as a tf.function.

    rgb and mask in 0..1, coc in layer units 0..K-1 (0 sharp), boost is light to add to rgb squared. Output channels:
    aR aG aB b of alpha = clip(a . rgb + b, 0, 1), the blurred background R G B in 0..1, fade in 0..1, and rim R G B in
    -1..1, by how much the subject's colour differs from what lies behind it.
    """
    height, width = spec.plan_size(orientation)
    channels = {"rgb": 3, "mask": 1, "coc": 1, "boost": 3}
    signature = [tf.TensorSpec([1, height, width, n], tf.float32, name) for name, n in channels.items()]

    def plan(rgb: Tensor, mask: Tensor, coc: Tensor, boost: Tensor) -> dict[str, Tensor]:
        low = refine(rgb, mask, spec, orientation)
        coefficients = channels_of(low, 0, 4)
        alpha = alpha_of(rgb, channels_of(low, 0, 3), channels_of(low, 3, 4))
        # Trust clean background only: half-covered rim pixels would tint the surroundings with the subject's colour.
        clean = tf.nn.relu(constant(1.0) - alpha * constant(1 / (1 - spec.trust)))
        weight = tf.maximum(clean * clean, constant(spec.floor))
        background = _blurred_background(rgb * rgb + boost, weight, coc, spec)
        fade = tf.minimum(coc * constant(spec.fade), constant(1.0))
        return {"plan": tf.concat([coefficients, background, fade, channels_of(low, 4, 8)], -1)}

    return tf.function(plan, input_signature=signature)


def apply_function(spec: BlurSpec, scale: int, pixel_type: PixelType) -> Any:
    """One tile of the finished picture as a tf.function.

        photo + (1 - alpha) * fade * (background + noise - (photo - alpha * rim))

    In brackets on the right: what lies behind a half-covered pixel, which is the photo without the subject's share.
    The plan tile has one plan pixel more than the photo tile on every side, so that tiles join without a seam.
    """
    height, width = spec.tile_size(scale)
    dtype = tf.as_dtype(str(pixel_type))
    unit = _unit(pixel_type)
    photo_of = tf.TensorSpec([1, height, width, 3], dtype, "rgb")

    def apply(rgb: Tensor, noise: Tensor, plan: Tensor) -> dict[str, Tensor]:
        # Always four channels of the same size: mixing one channel into three costs five times as much on CPUs.
        photo = mix(tf.cast(rgb, tf.float32), np.eye(3, 4) / unit, (0, 0, 0, 1))
        coefficients, background, rim = (channels_of(plan, i, i + 4) for i in (0, 4, 8))
        weight = clip(mix(photo * _full(coefficients, spec, scale), -np.ones((4, 4)), (1,) * 4), 0.0, 1.0)
        behind = _full(background + rim, spec, scale)  # `background` has fade as its fourth channel, `rim` nothing
        change = behind + noise - photo - weight * _full(rim, spec, scale)
        out = photo + weight * pick(behind, (3,) * 4) * change
        return {"picture": _stored(out, pixel_type)}

    return tf.function(apply, input_signature=[photo_of, *_tile_inputs(spec, scale)])


def fill_function(spec: BlurSpec, scale: int, pixel_type: PixelType) -> Any:
    """What `apply_function` gives where alpha is 0 and fade is 1, for a fraction of its time: background + noise."""

    def fill(noise: Tensor, plan: Tensor) -> dict[str, Tensor]:
        return {"picture": _stored(_full(channels_of(plan, 4, 8), spec, scale) + noise, pixel_type)}

    return tf.function(fill, input_signature=_tile_inputs(spec, scale))


def _tile_inputs(spec: BlurSpec, scale: int) -> list[Any]:
    return [
        tf.TensorSpec([1, *spec.tile_size(scale), 4], tf.float32, "noise"),
        tf.TensorSpec([1, *spec.plan_tile_size(scale), PLAN_CHANNELS], tf.float32, "plan"),
    ]


def _full(part: Tensor, spec: BlurSpec, scale: int) -> Tensor:
    """Four channels of the plan over the tile. Slicing before the resize moves less memory."""
    height, width = spec.tile_size(scale)
    plan_height, plan_width = spec.plan_tile_size(scale)
    part = part if scale == 1 else resize(part, plan_height * scale, plan_width * scale)
    return part[:, scale : scale + height, scale : scale + width]


def _unit(pixel_type: PixelType) -> int:
    """What stands for white."""
    return 255 if pixel_type is PixelType.UINT8 else 1


def _stored(out: Tensor, pixel_type: PixelType) -> Tensor:
    """Four channels in 0..1, the last unused -> pixels."""
    unit, half = _unit(pixel_type), 0.5 if pixel_type is PixelType.UINT8 else 0.0
    out = clip(mix(out, np.eye(4, 3) * unit, (half,) * 3), half, unit + half)
    return tf.cast(out, tf.uint8) if pixel_type is PixelType.UINT8 else out


def _blurred_background(light: Tensor, weight: Tensor, coc: Tensor, spec: BlurSpec) -> Tensor:
    """Discs in linear light, premultiplied by the trusted background, near layers over far ones."""
    total = None
    for k in range(spec.layers - 1, -1, -1):
        hat = tf.nn.relu(constant(1.0) - tf.abs(coc - constant(k))) * weight
        layer = tf.concat([light * hat, hat], -1)
        layer = _turned_disc(layer, fit_disc(spec.radii[k], spec.components)) if k else turn(layer)
        total = layer if total is None else total * (constant(1.0) - clip(channels_of(layer, 3, 4), 0.0, 1.0)) + layer
    assert total is not None
    total = turn(total)
    mean = channels_of(total, 0, 3) / tf.maximum(channels_of(total, 3, 4), constant(LEAST_WEIGHT))
    return tf.sqrt(clip(mean, LEAST_LIGHT, 1.0))


def _turned_disc(x: Tensor, kernel: DiscKernel) -> Tensor:
    """Four premultiplied channels: copy once per pass pair, one pass along rows, one along columns, sum.

    The result has rows and columns exchanged. Between the passes the picture is turned, because XNNPACK keeps a table
    of one pointer per tap and pixel for a kernel that reaches over rows: 100 MB for the whole bank. Copying by concat
    is three times faster than a depth multiplier above 1.
    """
    pairs = len(kernel.passes)
    rows, columns = (np.stack(side, 1).repeat(4, 1) for side in zip(*kernel.passes, strict=True))
    x = along_rows(tf.concat([x] * pairs, -1), rows)
    x = along_rows(turn(x), columns)
    return mix(x, np.tile(np.eye(4), (pairs, 1)))
