"""The two TFLite graphs of the blur, made of stock ops that CPU and GPU delegates take.

    plan   rgb [1,h,w,3], mask [1,h,w,1], coc [1,h,w,1]  ->  plan [1,h,w,8], all float32
    apply  rgb [1,th,tw,3], plan [1,th/s+2,tw/s+2,8]     ->  picture [1,th,tw,3], uint8 or float32

Rules that delegates impose: constants of rank 4, channel sums as 1x1 convolutions (multi-axis SUM goes wrong on
phones without an error), half-pixel centres alone in every resize, depthwise kernels of at most 25 taps and of
multiplier 1. Everything is fp32: the determinant below needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from portraitlite.convert.blur.disc import DiscKernel, fit_disc
from portraitlite.runtime.blur.spec import BlurSpec, Orientation, PixelType

__all__ = ["apply_function", "plan_function"]

Tensor = Any  # tf.Tensor, of which mypy knows nothing

LEAST_WEIGHT = 1e-3
LEAST_LIGHT = 1e-6


def plan_function(spec: BlurSpec, orientation: Orientation) -> Any:
    """The plan as a tf.function.

    rgb and mask in 0..1, coc in layer units 0..K-1 (0 sharp). Output channels: aR aG aB b of
    alpha = clip(a . rgb + b, 0, 1), the blurred background R G B in 0..1, fade in 0..1.
    """
    height, width = spec.plan_size(orientation)
    channels = {"rgb": 3, "mask": 1, "coc": 1}
    signature = [tf.TensorSpec([1, height, width, n], tf.float32, name) for name, n in channels.items()]

    def plan(rgb: Tensor, mask: Tensor, coc: Tensor) -> dict[str, Tensor]:
        coefficients = _alpha_coefficients(rgb, mask, spec, orientation)
        alpha = _alpha(rgb, _channels(coefficients, 0, 3), _channels(coefficients, 3, 4))
        # Trust clean background only: half-covered rim pixels would tint the surroundings with the subject's colour.
        clean = tf.maximum(_constant(1.0) - alpha * _constant(1 / (1 - spec.trust)), _constant(spec.floor))
        background = _blurred_background(rgb, clean, coc, spec)
        fade = tf.minimum(coc * _constant(spec.fade), _constant(1.0))
        return {"plan": tf.concat([coefficients, background, fade], -1)}

    return tf.function(plan, input_signature=signature)


def apply_function(spec: BlurSpec, scale: int, pixel_type: PixelType) -> Any:
    """One tile of the finished picture as a tf.function: photo + (1 - alpha) * fade * (background - photo).

    The plan tile has one plan pixel more than the photo tile on every side, so that tiles join without a seam.
    """
    height, width = spec.tile_size(scale)
    plan_height, plan_width = spec.plan_tile_size(scale)
    dtype = tf.as_dtype(str(pixel_type))
    signature = [
        tf.TensorSpec([1, height, width, 3], dtype, "rgb"),
        tf.TensorSpec([1, plan_height, plan_width, 8], tf.float32, "plan"),
    ]

    def apply(rgb: Tensor, plan: Tensor) -> dict[str, Tensor]:
        photo = tf.cast(rgb, tf.float32) * _constant(1 / 255) if pixel_type is PixelType.UINT8 else rgb

        def full(first: int, last: int) -> Tensor:
            """Channels first..last-1 of the plan over the tile. Slicing before the resize moves less memory."""
            part = _channels(plan, first, last)
            part = part if scale == 1 else _resize(part, plan_height * scale, plan_width * scale)
            return part[:, scale : scale + height, scale : scale + width]

        weight = (_constant(1.0) - _alpha(photo, full(0, 3), full(3, 4))) * full(7, 8)
        out = photo + weight * (full(4, 7) - photo)
        if pixel_type is PixelType.UINT8:
            out = tf.cast(out * _constant(255.0) + _constant(0.5), tf.uint8)
        return {"picture": out}

    return tf.function(apply, input_signature=signature)


def _constant(value: float) -> Tensor:
    return tf.constant([[[[value]]]], tf.float32)


def _resize(x: Tensor, height: int, width: int) -> Tensor:
    return tf.raw_ops.ResizeBilinear(images=x, size=[height, width], half_pixel_centers=True)


def _box(x: Tensor, radius: int) -> Tensor:
    """Box mean. SAME average pooling divides by the taps inside the image, so borders are right."""
    n = 2 * radius + 1
    x = tf.nn.avg_pool2d(x, [1, n], [1, 1], "SAME")
    return tf.nn.avg_pool2d(x, [n, 1], [1, 1], "SAME")


def _channel_sum(x: Tensor, weight: float = 1.0) -> Tensor:
    return tf.nn.conv2d(x, np.full((1, 1, x.shape[-1], 1), weight, np.float32), 1, "SAME")


def _clip(x: Tensor, low: float, high: float) -> Tensor:
    return tf.minimum(tf.maximum(x, _constant(low)), _constant(high))


def _channels(x: Tensor, first: int, last: int) -> Tensor:
    return x[..., first:last]


def _alpha(rgb: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return _clip(_channel_sum(rgb * a) + b, 0.0, 1.0)


def _alpha_coefficients(rgb: Tensor, mask: Tensor, spec: BlurSpec, orientation: Orientation) -> Tensor:
    """Fast guided filter (He and Sun 2015, arXiv 1505.00996): (aR, aG, aB, b) with alpha = a . rgb + b."""
    height, width = spec.guide_size(orientation)
    # Centring halves the magnitudes that cancel in the covariances.
    guide = _resize(rgb, height, width) - _constant(0.5)
    target = _resize(mask, height, width) - _constant(0.5)
    solved = _solve(guide, target, spec.box_radius, spec.eps)
    # alpha = (q - 0.5) * contrast + 0.5 with q = a . (rgb - 0.5) + b + 0.5, folded into the coefficients.
    a = _channels(solved, 0, 3) * _constant(spec.contrast)
    b = _channels(solved, 3, 4) * _constant(spec.contrast) + (_constant(0.5) - _channel_sum(a, 0.5))
    smooth = _box(tf.concat([a, b], -1), spec.box_radius)
    return _resize(smooth, *spec.plan_size(orientation))


def _solve(guide: Tensor, target: Tensor, radius: int, eps: float) -> Tensor:
    """Per-window regression of the target on the guide's three channels; 3x3 inverse by cofactors."""
    r, g, b = (_channels(guide, i, i + 1) for i in range(3))
    # Thirteen means in four pools of up to four channels each: GPUs store channels in slices of four.
    m1 = _box(tf.concat([guide, target], -1), radius)
    m2 = _box(tf.concat([r * r, r * g, r * b, g * g], -1), radius)
    m3 = _box(tf.concat([g * b, b * b, r * target, g * target], -1), radius)
    m4 = _box(b * target, radius)
    mr, mg, mb, mp = (_channels(m1, i, i + 1) for i in range(4))
    ridge = _constant(eps)
    err, erg, erb, egg = (_channels(m2, i, i + 1) for i in range(4))
    egb, ebb, erp, egp = (_channels(m3, i, i + 1) for i in range(4))
    rr, rg, rb = err - mr * mr + ridge, erg - mr * mg, erb - mr * mb
    gg, gb, bb = egg - mg * mg + ridge, egb - mg * mb, ebb - mb * mb + ridge
    cr, cg, cb = erp - mr * mp, egp - mg * mp, m4 - mb * mp
    i11, i12, i13 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i22, i23, i33 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    det = rr * i11 + rg * i12 + rb * i13
    ar = (i11 * cr + i12 * cg + i13 * cb) / det
    ag = (i12 * cr + i22 * cg + i23 * cb) / det
    ab = (i13 * cr + i23 * cg + i33 * cb) / det
    return tf.concat([ar, ag, ab, mp - ar * mr - ag * mg - ab * mb], -1)


def _blurred_background(rgb: Tensor, clean: Tensor, coc: Tensor, spec: BlurSpec) -> Tensor:
    """Discs in linear light, premultiplied by the trusted background, near layers over far ones."""
    light = rgb * rgb  # gamma 2.0: cheap on every delegate
    total = None
    for k in range(spec.layers - 1, -1, -1):
        hat = tf.nn.relu(_constant(1.0) - tf.abs(coc - _constant(k))) * clean
        layer = tf.concat([light * hat, hat], -1)
        if k:
            layer = _disc(layer, fit_disc(spec.radii[k], spec.components))
        total = layer if total is None else total * (_constant(1.0) - _clip(_channels(layer, 3, 4), 0.0, 1.0)) + layer
    assert total is not None
    mean = _channels(total, 0, 3) / tf.maximum(_channels(total, 3, 4), _constant(LEAST_WEIGHT))
    return tf.sqrt(_clip(mean, LEAST_LIGHT, 1.0))


def _disc(x: Tensor, kernel: DiscKernel) -> Tensor:
    """Four premultiplied channels: copy once per pass pair, one row pass, one column pass, sum.

    Copying by concat is three times faster than a depth multiplier above 1.
    """
    pairs, taps = len(kernel.passes), 2 * kernel.half + 1
    horizontal, vertical = (np.stack(side, 1).repeat(4, 1) for side in zip(*kernel.passes, strict=True))
    row = horizontal.reshape(1, taps, 4 * pairs, 1).astype(np.float32)
    column = vertical.reshape(taps, 1, 4 * pairs, 1).astype(np.float32)
    gather = np.tile(np.eye(4, dtype=np.float32), (pairs, 1)).reshape(1, 1, 4 * pairs, 4)
    x = tf.concat([x] * pairs, -1)
    x = tf.nn.depthwise_conv2d(x, row, [1, 1, 1, 1], "SAME")
    x = tf.nn.depthwise_conv2d(x, column, [1, 1, 1, 1], "SAME")
    return tf.nn.conv2d(x, gather, 1, "SAME")
