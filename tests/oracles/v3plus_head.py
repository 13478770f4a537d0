"""ASPP, dense prediction cell, decoder and logits a second time, as a flat list of TensorFlow ops.

Follows deeplab `model.py` and `core/dense_prediction_cell.py`, with batch norms as separate arithmetic. Shares nothing
with the package but the official variable names. Random variables keep activations near one, so that no path drowns
another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

EPSILON = 1e-5


def random_variables(
    rng: np.random.Generator,
    *,
    features: int,
    low_level: int | None,
    head: str = "aspp",
    branches: int = 3,
    classes: int = 3,
) -> dict[str, np.ndarray]:
    """Variables of a head with 24 ASPP and 20 decoder filters on `features` and `low_level` channels."""
    v: dict[str, np.ndarray] = {}

    def norm(scope: str, n: int) -> None:
        variance = rng.uniform(0.02, 1.5, n)
        v[f"{scope}/BatchNorm/gamma"] = (rng.uniform(0.7, 1.4, n) * np.sqrt(variance)).astype("f4")
        v[f"{scope}/BatchNorm/beta"] = rng.normal(0, 0.3, n).astype("f4")
        v[f"{scope}/BatchNorm/moving_mean"] = rng.normal(0, 0.3, n).astype("f4")
        v[f"{scope}/BatchNorm/moving_variance"] = variance.astype("f4")

    def conv(scope: str, i: int, o: int) -> None:
        v[f"{scope}/weights"] = (rng.normal(0, 1, (1, 1, i, o)) / np.sqrt(i)).astype("f4")
        norm(scope, o)

    def separable(scope: str, i: int, o: int) -> None:
        v[f"{scope}_depthwise/depthwise_weights"] = rng.normal(0, 0.4, (3, 3, i, 1)).astype("f4")
        norm(f"{scope}_depthwise", i)
        conv(f"{scope}_pointwise", i, o)

    if head == "dpc":
        for b in range(5):
            separable(f"meta_architecture/branch{b}", 24 if b else features, 24)
        conv("meta_architecture/concat_projection", 5 * 24, 24)
    else:
        conv("image_pooling", features, 24)
        conv("aspp0", features, 24)
        for b in range(branches):
            separable(f"aspp{b + 1}", features, 24)
        conv("concat_projection", (2 + branches) * 24, 24)
    last = 24
    if low_level:
        conv("decoder/feature_projection0", low_level, 48)
        separable("decoder/decoder_conv0", 24 + 48, 20)
        separable("decoder/decoder_conv1", 20, 20)
        last = 20
    v["logits/semantic/weights"] = rng.normal(0, 0.5, (1, 1, last, classes)).astype("f4")
    v["logits/semantic/biases"] = rng.normal(0, 0.5, classes).astype("f4")
    return v


def logits(
    v: dict[str, np.ndarray],
    features: Any,
    low_level: Any,
    *,
    rates: list[int],
    output_stride: int,
    target: tuple[int, ...],
) -> np.ndarray:
    """Features (and low-level ones, brought to `target`) -> logits [1, h, w, classes]."""

    def norm(x: tf.Tensor, scope: str) -> tf.Tensor:
        gamma, beta, mean, variance = (
            v[f"{scope}/BatchNorm/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / tf.sqrt(variance + EPSILON) * gamma + beta

    def conv(x: tf.Tensor, scope: str) -> tf.Tensor:
        return tf.nn.relu(norm(tf.nn.conv2d(x, v[f"{scope}/weights"], 1, "SAME"), scope))

    def separable(x: tf.Tensor, scope: str, rate: tuple[int, int] = (1, 1)) -> tf.Tensor:
        kernel = v[f"{scope}_depthwise/depthwise_weights"]
        x = tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME", dilations=list(rate))
        return conv(tf.nn.relu(norm(x, f"{scope}_depthwise")), f"{scope}_pointwise")

    def resize(x: tf.Tensor, size: tuple[int, ...]) -> tf.Tensor:
        return tf.raw_ops.ResizeBilinear(images=x, size=size, align_corners=True)

    if "meta_architecture/concat_projection/weights" in v:
        k = {16: 1, 8: 2}[output_stride]
        a = separable(features, "meta_architecture/branch0", (1 * k, 6 * k))
        b = separable(a, "meta_architecture/branch1", (18 * k, 15 * k))
        c = separable(b, "meta_architecture/branch2", (6 * k, 3 * k))
        d = separable(a, "meta_architecture/branch3", (1 * k, 1 * k))
        e = separable(a, "meta_architecture/branch4", (6 * k, 21 * k))
        x = conv(tf.concat([a, b, c, d, e], 3), "meta_architecture/concat_projection")
    else:
        pooled = conv(tf.reduce_mean(features, [1, 2], keepdims=True), "image_pooling")
        parts = [resize(pooled, tuple(features.shape[1:3])), conv(features, "aspp0")]
        parts += [separable(features, f"aspp{i}", (rate, rate)) for i, rate in enumerate(rates, 1)]
        x = conv(tf.concat(parts, 3), "concat_projection")
    if low_level is not None:
        low = resize(conv(low_level, "decoder/feature_projection0"), target)
        x = tf.concat([resize(x, target), low], 3)
        x = separable(separable(x, "decoder/decoder_conv0"), "decoder/decoder_conv1")
    return (tf.nn.conv2d(x, v["logits/semantic/weights"], 1, "SAME") + v["logits/semantic/biases"]).numpy()
