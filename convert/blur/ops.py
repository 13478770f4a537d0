"""The few tensor operations that the blur graphs are made of, in the form that every delegate takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

__all__ = [
    "box",
    "channel_sum",
    "clip",
    "constant",
    "mix",
    "pick",
    "resize",
    "turn",
    "with_one",
]

Tensor = Any  # tf.Tensor, of which mypy knows nothing


def constant(*values: float) -> Tensor:
    """(1, 1, 1, n): delegates want constants of the same rank as the tensors."""
    return tf.constant([[[values]]], tf.float32)


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Bilinear with half-pixel centres."""
    return tf.raw_ops.ResizeBilinear(images=x, size=[height, width], half_pixel_centers=True)


def box(x: Tensor, radius: int) -> Tensor:
    """Box mean. SAME average pooling divides by the taps inside the image, so borders are right."""
    n = [1, 2 * radius + 1]
    x = turn(tf.nn.avg_pool2d(x, n, [1, 1], "SAME"))
    return turn(tf.nn.avg_pool2d(x, n, [1, 1], "SAME"))


def turn(x: Tensor) -> Tensor:
    """Rows and columns exchanged."""
    return tf.transpose(x, [0, 2, 1, 3])


def clip(x: Tensor, low: float, high: float) -> Tensor:
    return tf.minimum(tf.maximum(x, constant(low)), constant(high))


def mix(x: Tensor, weights: npt.ArrayLike, bias: Sequence[float] | None = None) -> Tensor:
    """Every output channel a weighted sum of all: a 1x1 convolution; `weights` is (channels in, channels out)."""
    taps = np.asarray(weights, np.float32)[None, None]
    y = tf.nn.conv2d(x, taps, 1, "SAME")
    return y if bias is None else tf.nn.bias_add(y, tf.constant(bias, tf.float32))


def channel_sum(x: Tensor, weight: float = 1.0) -> Tensor:
    """One channel: `weight` times the sum of all. A SUM over axes goes wrong on some phones without an error."""
    return mix(x, np.full((x.shape[-1], 1), weight))


def pick(x: Tensor, order: Sequence[int]) -> Tensor:
    """Channels in another order, also repeated: faster than many slices of one channel."""
    return mix(x, np.eye(x.shape[-1])[:, list(order)])


def with_one(x: Tensor) -> Tensor:
    """Three channels and a fourth of ones; a product of four with four is faster than one with a single channel."""
    return mix(x, np.eye(3, 4), (0, 0, 0, 1))
