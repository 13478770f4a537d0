"""The plan graph of the blur, made of stock ops that CPU and GPU delegates take.

    plan   rgb [1,h,w,3], mask [1,h,w,1], coc [1,h,w,1], boost [1,h,w,3]  ->  plan [1,h,w,12], all float32

Rules that delegates impose: constants of rank 4, channel sums as 1x1 convolutions (multi-axis SUM goes wrong on
phones without an error), half-pixel centres alone in every resize, divisors of 4 or 8 channels (see `refine`).
Everything is fp32: the determinant in `refine` needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from portraitlite.convert.blur.bank import blurred_background
from portraitlite.convert.blur.ops import channel_sum, clip, constant, mix, with_one
from portraitlite.convert.blur.refine import refine
from portraitlite.runtime.blur.spec import BlurSpec, Orientation

__all__ = ["plan_function"]

Tensor = Any  # tf.Tensor, of which mypy knows nothing


def plan_function(spec: BlurSpec, orientation: Orientation, nearest: int | None = None) -> Any:
    """The plan as a tf.function.

    rgb and mask in 0..1, coc in layer units 0..K-1 (0 sharp), boost is light to add to rgb squared. Output channels:
    aR aG aB b of alpha = clip(a . rgb + b, 0, 1), the blurred background R G B in 0..1, fade in 0..1, and rim R G B in
    -1..1, by how much the subject's colour differs from what lies behind it.

    Args:
        spec: the numbers of the blur.
        orientation: which way the plan lies.
        nearest: None: coc may be anything; k: it lies in k..k+1, for half of the time.
    """
    height, width = spec.plan_size(orientation)
    channels = {"rgb": 3, "mask": 1, "coc": 1, "boost": 3}
    signature = [tf.TensorSpec([1, height, width, n], tf.float32, name) for name, n in channels.items()]
    layers = range(spec.layers) if nearest is None else (nearest, nearest + 1)

    def plan(rgb: Tensor, mask: Tensor, coc: Tensor, boost: Tensor) -> dict[str, Tensor]:
        coefficients, rim = refine(rgb, mask, spec, orientation)
        alpha = clip(channel_sum(with_one(rgb) * coefficients), 0.0, 1.0)
        # Trust clean background only: half-covered rim pixels would tint the surroundings with the subject's colour.
        clean = tf.nn.relu(constant(1.0) - alpha * constant(1 / (1 - spec.trust)))
        weight = tf.maximum(clean * clean, constant(spec.floor))
        background = blurred_background(rgb * rgb + boost, weight, coc, spec, layers)
        fade = tf.minimum(coc * constant(spec.fade), constant(1.0))
        background = mix(background, np.diag((1, 1, 1, 0))) + mix(fade, [[0, 0, 0, 1]])
        return {"plan": tf.concat([coefficients, background, rim], -1)}

    return tf.function(plan, input_signature=signature)
