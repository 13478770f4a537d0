"""DeepLab on MobileNet-EdgeTPU written a second time, as a flat list of TensorFlow ops with explicit batch norms.

Follows the official code path (slim `mobilenet_v3.py` V3_EDGETPU, `conv_blocks.py`, deeplab `model.py`), one line per
block. Shares nothing with the package but the official variable names.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# Fused, kernel, stride, expansion factor, outputs, residual.
BLOCKS = [
    (1, 3, 1, 1, 16, 1),
    (1, 3, 2, 8, 32, 1),
    (1, 3, 1, 4, 32, 1),
    (1, 3, 1, 4, 32, 1),
    (1, 3, 1, 4, 32, 1),
    (1, 3, 2, 8, 48, 1),
    (1, 3, 1, 4, 48, 1),
    (1, 3, 1, 4, 48, 1),
    (1, 3, 1, 4, 48, 1),
    (0, 3, 2, 8, 96, 1),
    (0, 3, 1, 4, 96, 1),
    (0, 3, 1, 4, 96, 1),
    (0, 3, 1, 4, 96, 1),
    (0, 3, 1, 8, 96, 0),
    (0, 3, 1, 4, 96, 1),
    (0, 3, 1, 4, 96, 1),
    (0, 3, 1, 4, 96, 1),
    (0, 5, 2, 8, 160, 1),
    (0, 5, 1, 4, 160, 1),
    (0, 5, 1, 4, 160, 1),
    (0, 5, 1, 4, 160, 1),
    (0, 3, 1, 8, 192, 1),
]


def _round(value: float) -> int:
    """To a multiple of 8, not below 90 %."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def random_variables(
    rng: np.random.Generator, *, depth_multiplier: float = 0.5, classes: int = 3
) -> dict[str, np.ndarray]:
    """Variables of an official-shaped checkpoint with non-trivial batch norms; 16 filters in the head."""
    variables: dict[str, np.ndarray] = {}

    def kernel(scope: str, shape: tuple[int, ...], norm: int) -> None:
        fan_in = np.prod(shape[:2]) if scope.endswith("depthwise") else np.prod(shape[:3])
        name = "depthwise_weights" if scope.endswith("depthwise") else "weights"
        variables[f"{scope}/{name}"] = (rng.normal(0, 1, shape) / np.sqrt(fan_in)).astype("f4")
        variables[f"{scope}/BatchNorm/gamma"] = rng.uniform(0.5, 1.5, norm).astype("f4")
        variables[f"{scope}/BatchNorm/beta"] = rng.normal(0, 0.3, norm).astype("f4")
        variables[f"{scope}/BatchNorm/moving_mean"] = rng.normal(0, 0.3, norm).astype("f4")
        variables[f"{scope}/BatchNorm/moving_variance"] = rng.uniform(0.05, 1.5, norm).astype("f4")

    incoming, last = _round(32 * depth_multiplier), _round(1280 * depth_multiplier)
    kernel("MobilenetEdgeTPU/Conv", (3, 3, 3, incoming), incoming)
    for b, (fused, k, _, factor, outputs, _) in enumerate(BLOCKS):
        scope, expanded = f"MobilenetEdgeTPU/expanded_conv{f'_{b}' if b else ''}", _round(incoming * factor)
        if expanded > incoming:
            side = k if fused else 1
            kernel(f"{scope}/expand", (side, side, incoming, expanded), expanded)
        if not fused:
            kernel(f"{scope}/depthwise", (k, k, expanded, 1), expanded)
        incoming = _round(outputs * depth_multiplier)
        kernel(f"{scope}/project", (1, 1, expanded, incoming), incoming)
    kernel("MobilenetEdgeTPU/Conv_1", (1, 1, incoming, last), last)
    kernel("image_pooling", (1, 1, last, 16), 16)
    kernel("aspp0", (1, 1, last, 16), 16)
    kernel("concat_projection", (1, 1, 32, 16), 16)
    variables["logits/semantic/weights"] = rng.normal(0, 0.5, (1, 1, 16, classes)).astype("f4")
    variables["logits/semantic/biases"] = rng.normal(0, 0.5, classes).astype("f4")
    return variables


def logits(v: dict[str, np.ndarray], image: np.ndarray, *, output_stride: int, align_corners: bool) -> np.ndarray:
    """image [1, H, W, 3] normalised -> logits [1, h, w, classes]."""

    def norm(x: tf.Tensor, scope: str) -> tf.Tensor:
        epsilon = 1e-3 if scope.startswith("MobilenetEdgeTPU") else 1e-5
        gamma, beta, mean, variance = (
            v[f"{scope}/BatchNorm/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / tf.sqrt(variance + epsilon) * gamma + beta

    def conv(x: tf.Tensor, scope: str, stride: int = 1) -> tf.Tensor:
        return norm(tf.nn.conv2d(x, v[f"{scope}/weights"], stride, "SAME"), scope)

    x, stride, rate = tf.nn.relu(conv(tf.constant(image), "MobilenetEdgeTPU/Conv", 2)), 2, 1
    for b, (fused, _, s, _, _, residual) in enumerate(BLOCKS):
        scope, h = f"MobilenetEdgeTPU/expanded_conv{f'_{b}' if b else ''}", x
        if stride == output_stride:
            own_stride, own_rate, rate = 1, rate, rate * s
        else:
            own_stride, own_rate, stride = s, 1, stride * s
        if f"{scope}/expand/weights" in v:
            h = tf.nn.relu(conv(h, f"{scope}/expand", own_stride if fused else 1))
        if not fused:
            kernel, strides = v[f"{scope}/depthwise/depthwise_weights"], [1, own_stride, own_stride, 1]
            h = tf.nn.depthwise_conv2d(h, kernel, strides, "SAME", dilations=[own_rate, own_rate])
            h = tf.nn.relu(norm(h, f"{scope}/depthwise"))
        h = conv(h, f"{scope}/project")
        x = x + h if residual and own_stride == 1 and x.shape[-1] == h.shape[-1] else h
    x = tf.nn.relu(conv(x, "MobilenetEdgeTPU/Conv_1"))
    pooled = tf.nn.relu(conv(tf.reduce_mean(x, [1, 2], keepdims=True), "image_pooling"))
    pooled = tf.raw_ops.ResizeBilinear(images=pooled, size=x.shape[1:3], align_corners=align_corners)
    x = tf.concat([pooled, tf.nn.relu(conv(x, "aspp0"))], 3)
    x = tf.nn.relu(conv(x, "concat_projection"))
    return (tf.nn.conv2d(x, v["logits/semantic/weights"], 1, "SAME") + v["logits/semantic/biases"]).numpy()
