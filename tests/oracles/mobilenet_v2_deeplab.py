"""DeepLab on MobileNetV2 written a second time, as a flat list of TensorFlow ops with explicit batch norms.

Follows the official code path (slim `mobilenet_v2.py`, deeplab `model.py`): dilated ops, batch norm as separate
arithmetic, epsilons by scope. Shares nothing with the package but the official variable names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

BLOCKS = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]  # strides
CHANNELS = [16] + [24] * 2 + [32] * 3 + [64] * 4 + [96] * 3 + [160] * 3 + [320]


def random_variables(
    rng: np.random.Generator, *, depth_multiplier: float = 0.5, classes: int = 3, decoder: int | None = None
) -> dict[str, np.ndarray]:
    """Variables of a small official-shaped checkpoint with non-trivial batch norms."""
    variables: dict[str, np.ndarray] = {}

    def norm(scope: str, n: int) -> None:
        variables[f"{scope}/BatchNorm/gamma"] = rng.uniform(0.5, 1.5, n).astype("f4")
        variables[f"{scope}/BatchNorm/beta"] = rng.normal(0, 0.3, n).astype("f4")
        variables[f"{scope}/BatchNorm/moving_mean"] = rng.normal(0, 0.3, n).astype("f4")
        variables[f"{scope}/BatchNorm/moving_variance"] = rng.uniform(0.05, 1.5, n).astype("f4")

    def conv(scope: str, k: int, i: int, o: int) -> None:
        variables[f"{scope}/weights"] = (rng.normal(0, 1, (k, k, i, o)) / np.sqrt(k * k * i)).astype("f4")
        norm(scope, o)

    def depthwise(scope: str, i: int) -> None:
        variables[f"{scope}/depthwise_weights"] = rng.normal(0, 0.33, (3, 3, i, 1)).astype("f4")
        norm(scope, i)

    assert depth_multiplier == 0.5, "channel rounding is written out for 0.5 only"
    conv("MobilenetV2/Conv", 3, 3, 16)
    incoming, expanded_at = 16, {}
    for b, c in enumerate(CHANNELS):
        scope, expanded, c = f"MobilenetV2/expanded_conv{f'_{b}' if b else ''}", incoming * (6 if b else 1), c // 2
        if b:
            conv(f"{scope}/expand", 1, incoming, expanded)
        depthwise(f"{scope}/depthwise", expanded)
        conv(f"{scope}/project", 1, expanded, c)
        incoming, expanded_at[b] = c, expanded
    conv("image_pooling", 1, incoming, 24)
    conv("aspp0", 1, incoming, 24)
    conv("concat_projection", 1, 48, 24)
    last = 24
    if decoder:
        conv("decoder/feature_projection0", 1, expanded_at[{4: 2, 8: 5}[decoder]], 48)
        for i, n in enumerate((24 + 48, 20)):
            depthwise(f"decoder/decoder_conv{i}_depthwise", n)
            conv(f"decoder/decoder_conv{i}_pointwise", 1, n, 20)
        last = 20
    variables["logits/semantic/weights"] = rng.normal(0, 0.5, (1, 1, last, classes)).astype("f4")
    variables["logits/semantic/biases"] = rng.normal(0, 0.5, classes).astype("f4")
    return variables


def logits(v: dict[str, np.ndarray], image: np.ndarray, *, output_stride: int, align_corners: bool) -> np.ndarray:
    """image [1, H, W, 3] normalised -> logits [1, h, w, classes]."""

    def norm(x: tf.Tensor, scope: str) -> tf.Tensor:
        epsilon = 1e-3 if scope.startswith("MobilenetV2") else 1e-5
        gamma, beta, mean, variance = (
            v[f"{scope}/BatchNorm/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / tf.sqrt(variance + epsilon) * gamma + beta

    def conv(x: tf.Tensor, scope: str, stride: int = 1) -> tf.Tensor:
        return norm(tf.nn.conv2d(x, v[f"{scope}/weights"], stride, "SAME"), scope)

    def depthwise(x: tf.Tensor, scope: str, stride: int = 1, rate: int = 1) -> tf.Tensor:
        kernel = v[f"{scope}/depthwise_weights"]
        y = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME", dilations=[rate, rate])
        return norm(y, scope)

    def resize(x: tf.Tensor, size: Any) -> tf.Tensor:
        return tf.raw_ops.ResizeBilinear(images=x, size=size, align_corners=align_corners)

    x, stride, rate, low = tf.nn.relu6(conv(tf.constant(image), "MobilenetV2/Conv", 2)), 2, 1, {}
    for b, s in enumerate(BLOCKS):
        scope = f"MobilenetV2/expanded_conv{f'_{b}' if b else ''}"
        if stride == output_stride:
            own_stride, own_rate, rate = 1, rate, rate * s
        else:
            own_stride, own_rate, stride = s, 1, stride * s
        h = tf.nn.relu6(conv(x, f"{scope}/expand")) if b else x
        h = tf.nn.relu6(depthwise(h, f"{scope}/depthwise", own_stride, own_rate))
        low[b] = h
        h = conv(h, f"{scope}/project")
        x = x + h if x.shape == h.shape else h
    size = tuple(x.shape[1:3])
    pooled = tf.nn.relu(conv(tf.reduce_mean(x, [1, 2], keepdims=True), "image_pooling"))
    x = tf.concat([resize(pooled, size), tf.nn.relu(conv(x, "aspp0"))], 3)
    x = tf.nn.relu(conv(x, "concat_projection"))
    if "decoder/feature_projection0/weights" in v:
        channels = v["decoder/feature_projection0/weights"].shape[2]
        skip, stride = next((low[b], s) for b, s in ((2, 4), (5, 8)) if low[b].shape[-1] == channels)
        target = tuple(int((n - 1) / stride + 1) for n in image.shape[1:3])
        skip = resize(tf.nn.relu(conv(skip, "decoder/feature_projection0")), target)
        x = tf.concat([resize(x, target), skip], 3)
        for i in range(2):
            x = tf.nn.relu(depthwise(x, f"decoder/decoder_conv{i}_depthwise"))
            x = tf.nn.relu(conv(x, f"decoder/decoder_conv{i}_pointwise"))
    return (tf.nn.conv2d(x, v["logits/semantic/weights"], 1, "SAME") + v["logits/semantic/biases"]).numpy()
