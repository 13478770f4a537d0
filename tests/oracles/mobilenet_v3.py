"""DeepLab on MobileNetV3 and LR-ASPP written a second time, as flat TensorFlow ops with explicit batch norms.

Follows the official code path: slim `mobilenet_v3.py` and `conv_blocks.py` (expansion factors, not sizes), deeplab
`feature_extractor.py` (halved last blocks), `model.py` (pooled gate, resize before the decoder's convolution). Shares
nothing with the package but the official variable names.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# slim's columns: expansion factor, outputs, kernel, stride, squeeze-and-excite, hard swish.
LARGE = [
    (1, 16, 3, 1, 0, 0),
    (4, 24, 3, 2, 0, 0),
    (3, 24, 3, 1, 0, 0),
    (3, 40, 5, 2, 1, 0),
    (3, 40, 5, 1, 1, 0),
    (3, 40, 5, 1, 1, 0),
    (6, 80, 3, 2, 0, 1),
    (2.5, 80, 3, 1, 0, 1),
    (184 / 80, 80, 3, 1, 0, 1),
    (184 / 80, 80, 3, 1, 0, 1),
    (6, 112, 3, 1, 1, 1),
    (6, 112, 3, 1, 1, 1),
    (336 / 112, 80, 5, 2, 1, 1),
    (480 / 80, 80, 5, 1, 1, 1),
    (480 / 80, 80, 5, 1, 1, 1),
]
SMALL = [
    (1, 16, 3, 2, 1, 0),
    (72 / 16, 24, 3, 2, 0, 0),
    (88 / 24, 24, 3, 1, 0, 0),
    (4, 40, 5, 2, 1, 1),
    (6, 40, 5, 1, 1, 1),
    (6, 40, 5, 1, 1, 1),
    (3, 48, 5, 1, 1, 1),
    (3, 48, 5, 1, 1, 1),
    (144 / 48, 48, 5, 2, 1, 1),
    (288 / 48, 48, 5, 1, 1, 1),
    (288 / 48, 48, 5, 1, 1, 1),
]
NETWORKS = {"large": (LARGE, 480, {4: 2, 8: 5}), "small": (SMALL, 288, {4: 0, 8: 2})}


def _round(value: float) -> int:
    """To a multiple of 8, not below 90 %."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def random_variables(
    rng: np.random.Generator, size: str, *, depth_multiplier: float = 1.0, classes: int = 3, decoder: int = 8
) -> dict[str, np.ndarray]:
    """Variables of an official-shaped checkpoint with non-trivial batch norms; 16 filters in the head."""
    variables: dict[str, np.ndarray] = {}
    blocks, last, skips = NETWORKS[size]

    def norm(scope: str, n: int) -> None:
        variables[f"{scope}/BatchNorm/gamma"] = rng.uniform(0.5, 1.5, n).astype("f4")
        variables[f"{scope}/BatchNorm/beta"] = rng.normal(0, 0.3, n).astype("f4")
        variables[f"{scope}/BatchNorm/moving_mean"] = rng.normal(0, 0.3, n).astype("f4")
        variables[f"{scope}/BatchNorm/moving_variance"] = rng.uniform(0.05, 1.5, n).astype("f4")

    def conv(scope: str, k: int, i: int, o: int, *, biases: bool = False) -> None:
        variables[f"{scope}/weights"] = (rng.normal(0, 1, (k, k, i, o)) / np.sqrt(k * k * i)).astype("f4")
        if biases:
            variables[f"{scope}/biases"] = rng.normal(0, 0.5, o).astype("f4")
        else:
            norm(scope, o)

    incoming, expanded_at = _round(16 * depth_multiplier), {}
    conv("MobilenetV3/Conv", 3, 3, incoming)
    for b, (factor, outputs, kernel, _, squeeze, _) in enumerate(blocks):
        scope, expanded = f"MobilenetV3/expanded_conv{f'_{b}' if b else ''}", _round(incoming * factor)
        if expanded > incoming:
            conv(f"{scope}/expand", 1, incoming, expanded)
        weights = rng.normal(0, 1 / kernel, (kernel, kernel, expanded, 1)).astype("f4")
        variables[f"{scope}/depthwise/depthwise_weights"] = weights
        norm(f"{scope}/depthwise", expanded)
        if squeeze:
            conv(f"{scope}/squeeze_excite/Conv", 1, expanded, _round(expanded / 4), biases=True)
            conv(f"{scope}/squeeze_excite/Conv_1", 1, _round(expanded / 4), expanded, biases=True)
        incoming, expanded_at[b] = _round(outputs * depth_multiplier), expanded
        conv(f"{scope}/project", 1, expanded, incoming)
    conv("MobilenetV3/Conv_1", 1, incoming, _round(last * depth_multiplier))
    conv("image_pooling", 1, _round(last * depth_multiplier), 16, biases=True)
    conv("aspp0", 1, _round(last * depth_multiplier), 16)
    conv("decoder/decoder_conv0", 1, 16, classes, biases=True)
    conv("decoder/feature_projection0", 1, expanded_at[skips[decoder]], classes, biases=True)
    return variables


def logits(
    v: dict[str, np.ndarray],
    image: np.ndarray,
    size: str,
    *,
    output_stride: int,
    decoder: int,
    pooling: tuple[tuple[int, int], tuple[int, int]],
    align_corners: bool,
) -> np.ndarray:
    """image [1, H, W, 3] normalised -> logits [1, h, w, classes]; `pooling` is (crop, stride), each (height, width)."""
    blocks, _, skips = NETWORKS[size]

    def norm(x: tf.Tensor, scope: str) -> tf.Tensor:
        epsilon = 1e-3 if scope.startswith("MobilenetV3") else 1e-5
        gamma, beta, mean, variance = (
            v[f"{scope}/BatchNorm/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / tf.sqrt(variance + epsilon) * gamma + beta

    def conv(x: tf.Tensor, scope: str, stride: int = 1) -> tf.Tensor:
        y = tf.nn.conv2d(x, v[f"{scope}/weights"], stride, "SAME")
        return y + v[f"{scope}/biases"] if f"{scope}/biases" in v else norm(y, scope)

    def gate(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu6(x + 3) * 0.16667

    def swish(x: tf.Tensor) -> tf.Tensor:
        return x * tf.nn.relu6(x + 3) / 6

    def scaled(stride: int, sides: tuple[int, ...]) -> tuple[int, int]:
        height, width = (int((n - 1) / stride + 1) for n in sides)
        return height, width

    def resize(x: tf.Tensor, to: tuple[int, int]) -> tf.Tensor:
        return tf.raw_ops.ResizeBilinear(images=x, size=to, align_corners=align_corners)

    x, stride, rate, low = swish(conv(tf.constant(image), "MobilenetV3/Conv", 2)), 2, 1, {}
    for b, (_, _, _, s, squeeze, hard) in enumerate(blocks):
        scope, activation = f"MobilenetV3/expanded_conv{f'_{b}' if b else ''}", swish if hard else tf.nn.relu
        if stride == output_stride:
            own_stride, own_rate, rate = 1, rate, rate * s
        else:
            own_stride, own_rate, stride = s, 1, stride * s
        h = activation(conv(x, f"{scope}/expand")) if f"{scope}/expand/weights" in v else x
        kernel, strides = v[f"{scope}/depthwise/depthwise_weights"], [1, own_stride, own_stride, 1]
        h = tf.nn.depthwise_conv2d(h, kernel, strides, "SAME", dilations=[own_rate, own_rate])
        h = activation(norm(h, f"{scope}/depthwise"))
        low[b] = h
        if squeeze:
            inner = tf.nn.relu(conv(tf.reduce_mean(h, [1, 2], keepdims=True), f"{scope}/squeeze_excite/Conv"))
            h = h * gate(conv(inner, f"{scope}/squeeze_excite/Conv_1"))
        h = conv(h, f"{scope}/project")
        x = x + h if own_stride == 1 and x.shape[-1] == h.shape[-1] else h
    x = swish(conv(x, "MobilenetV3/Conv_1"))
    crop, target = image.shape[1:3], scaled(decoder, image.shape[1:3])
    pooled = tf.nn.avg_pool2d(x, scaled(output_stride, pooling[0]), pooling[1], "VALID")
    pooled = resize(gate(conv(pooled, "image_pooling")), scaled(output_stride, crop))
    x = resize(tf.nn.relu(conv(x, "aspp0")) * pooled, target)
    skip = resize(conv(low[skips[decoder]], "decoder/feature_projection0"), target)
    return (conv(x, "decoder/decoder_conv0") + skip).numpy()
