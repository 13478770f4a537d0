"""The bank of discs that blurs the background: `blurred_background`.

Radii are weights, so every layer has its own; a pixel's light goes to the two layers next to its level. A photo whose
levels all lie between two neighbours needs only these two: `layers` says which the graph has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from portraitlite.convert.blur.disc import DiscKernel, fit_disc
from portraitlite.convert.blur.ops import clip, constant, pick, turn, with_one
from portraitlite.runtime.blur.spec import BlurSpec

__all__ = ["blurred_background"]

Tensor = Any  # tf.Tensor, of which mypy knows nothing
Floats = npt.NDArray[np.float32]

LEAST_WEIGHT = 1e-3
LEAST_LIGHT = 1e-6
BLOCK = 7  # pixels at most that a pass makes at once; measured best
ALL = (3,) * 4  # the weight, in place of every channel


def blurred_background(light: Tensor, weight: Tensor, coc: Tensor, spec: BlurSpec, layers: Sequence[int]) -> Tensor:
    """Discs in linear light, premultiplied by the trusted background, near layers over far ones.

    Args:
        light: (1, h, w, 3), linear.
        weight: (1, h, w, 1), how far a pixel is surely background.
        coc: (1, h, w, 1) in layer units, from the first of `layers` to the last.
        spec: has the radii.
        layers: ascending.

    Returns:
        (1, h, w, 4): R G B in 0..1, as roots of the light, and a channel of ones.
    """
    # Four channels of the same size throughout: mixing one channel into four costs three times as much on CPUs.
    source = with_one(light) * pick(weight, (0,) * 4)
    total = None
    for k in reversed(layers):
        layer = source * pick(tf.nn.relu(constant(1.0) - tf.abs(coc - constant(k))), (0,) * 4)
        if k:
            layer = _disc(layer, fit_disc(spec.radii[k], spec.components))
        total = layer if total is None else total * (constant(1.0) - clip(pick(layer, ALL), 0.0, 1.0)) + layer
    assert total is not None
    return tf.sqrt(clip(total / tf.maximum(pick(total, ALL), constant(LEAST_WEIGHT)), LEAST_LIGHT, 1.0))


def _disc(x: Tensor, kernel: DiscKernel) -> Tensor:
    """Four channels: passes along rows, then along columns, and their sum.

    A pass makes a block of pixels at once: their neighbours are the channels of a convolution whose weights are the
    taps, moved on by one from pixel to pixel. A third of its products are with zeros, yet it takes a third of the
    time of a depthwise convolution, which has no use for what it loads but once. Between the passes the picture is
    turned, so that columns lie in a row.
    """
    _, height, width, channels = x.shape
    rows, columns = (np.stack(side, 1).astype(np.float32) for side in zip(*kernel.passes, strict=True))
    passes = rows.shape[1]
    across, down = _block(width), _block(height)
    x = tf.reshape(tf.transpose(x, [0, 1, 3, 2]), [1, height * channels, width // across, across])
    x = tf.nn.conv2d(x, _moved(rows, across).reshape(1, -1, across, across * passes), 1, "SAME")
    x = turn(tf.reshape(x, [1, height, channels * width, passes]))
    x = tf.reshape(x, [1, channels * width, height // down, down * passes])
    taps = _moved(columns, down).transpose(0, 2, 1).reshape(1, -1, down * passes, down)
    x = tf.nn.conv2d(x, taps, 1, "SAME")
    return tf.transpose(tf.reshape(x, [1, channels, width, height]), [0, 3, 2, 1])


def _block(side: int) -> int:
    """The largest divisor of `side` up to BLOCK."""
    return max(n for n in range(1, BLOCK + 1) if side % n == 0)


def _moved(taps: Floats, block: int) -> Floats:
    """(taps, passes) -> (whole blocks of input pixels, output pixels of one block, passes)."""
    count, passes = taps.shape
    beside = -(-(count // 2) // block)  # blocks needed on each side
    moved = np.zeros(((2 * beside + 1) * block, block, passes), np.float32)
    for pixel in range(block):
        first = beside * block + pixel - count // 2
        moved[first : first + count, pixel] = taps
    return moved
