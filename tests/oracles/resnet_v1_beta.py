"""ResNet-v1 beta backbones a second time, as a flat list of TensorFlow ops with explicit batch norms.

Follows deeplab `core/resnet_v1_beta.py` and slim `resnet_utils.py`. A strided convolution with fixed padding is written
as its docstring defines it: stride 1 with SAME padding, then every second sample. Shares nothing with the package but
the official variable names.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

UNITS = {"resnet_v1_50": [3, 4, 6, 3], "resnet_v1_101": [3, 4, 23, 3]}
DEPTHS = [64, 128, 256, 512]
LAST_UNIT_STRIDES = [2, 2, 2, 1]


def random_variables(rng: np.random.Generator, name: str, *, thin: int = 1) -> dict[str, np.ndarray]:
    """Variables of a backbone with non-trivial batch norms; `thin` divides the channels of the blocks."""
    v: dict[str, np.ndarray] = {}

    def conv(scope: str, k: int, i: int, o: int, gain: float = 1.0) -> None:
        v[f"{scope}/weights"] = (rng.standard_normal((k, k, i, o), "f4") / np.sqrt(k * k * i)).astype("f4")
        variance = rng.uniform(0.005, 1.5, o)
        v[f"{scope}/BatchNorm/gamma"] = (gain * rng.uniform(0.7, 1.4, o) * np.sqrt(variance)).astype("f4")
        v[f"{scope}/BatchNorm/beta"] = rng.normal(0, 0.3, o).astype("f4")
        v[f"{scope}/BatchNorm/moving_mean"] = rng.normal(0, 0.3, o).astype("f4")
        v[f"{scope}/BatchNorm/moving_variance"] = variance.astype("f4")

    conv(f"{name}/conv1_1", 3, 3, 64)
    conv(f"{name}/conv1_2", 3, 64, 64)
    conv(f"{name}/conv1_3", 3, 64, 128)
    incoming = 128
    for b, count in enumerate(UNITS[name]):
        depth = DEPTHS[b] // thin
        for u in range(count):
            scope = f"{name}/block{b + 1}/unit_{u + 1}/bottleneck_v1"
            if incoming != 4 * depth:
                conv(f"{scope}/shortcut", 1, incoming, 4 * depth, gain=0.7)
            conv(f"{scope}/conv1", 1, incoming, depth)
            conv(f"{scope}/conv2", 3, depth, depth)
            conv(f"{scope}/conv3", 1, depth, 4 * depth, gain=0.4)
            incoming = 4 * depth
    return v


def features(
    v: dict[str, np.ndarray], image: np.ndarray, name: str, *, output_stride: int, multi_grid: tuple[int, int, int]
) -> tuple[tf.Tensor, dict]:
    """image [1, H, W, 3] normalised -> features, and `conv3` of every unit by block/unit."""

    def conv(x: tf.Tensor, scope: str, stride: int = 1, rate: int = 1) -> tf.Tensor:
        x = tf.nn.conv2d(x, v[f"{scope}/weights"], 1, "SAME", dilations=rate)[:, ::stride, ::stride]
        gamma, beta, mean, variance = (
            v[f"{scope}/BatchNorm/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / tf.sqrt(variance + 1e-5) * gamma + beta

    x = tf.nn.relu(conv(tf.constant(image), f"{name}/conv1_1", 2))
    x = tf.nn.relu(conv(x, f"{name}/conv1_2"))
    x = tf.nn.relu(conv(x, f"{name}/conv1_3"))
    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    stride, rate, thirds = 4, 1, {}
    for b, count in enumerate(UNITS[name]):
        for u in range(count):
            scope = f"block{b + 1}/unit_{u + 1}"
            nominal = LAST_UNIT_STRIDES[b] if u == count - 1 else 1
            removed = stride == output_stride
            own = 1 if removed else nominal
            stride *= own
            h = tf.nn.relu(conv(x, f"{name}/{scope}/bottleneck_v1/conv1"))
            grid = multi_grid[u] if b == 3 else 1
            h = tf.nn.relu(conv(h, f"{name}/{scope}/bottleneck_v1/conv2", own, rate * grid))
            h = thirds[scope] = conv(h, f"{name}/{scope}/bottleneck_v1/conv3")
            if f"{name}/{scope}/bottleneck_v1/shortcut/weights" in v:
                x = conv(x, f"{name}/{scope}/bottleneck_v1/shortcut", own)
            else:
                x = x[:, ::own, ::own]
            x = tf.nn.relu(x + h)
            rate *= nominal if removed else 1
    return x, thirds
