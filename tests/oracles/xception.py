"""Xception backbones a second time, as a flat list of TensorFlow ops with explicit batch norms.

Follows deeplab `core/xception.py`. A strided convolution with fixed padding is written as its docstring defines it:
a convolution with stride 1 and SAME padding, then every second sample. Shares nothing with the package but the official
variable names.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# (channels, stride) of the entry flow; units of the middle flow.
ENTRY = {
    "xception_41": [(128, 2), (256, 2), (728, 2)],
    "xception_65": [(128, 2), (256, 2), (728, 2)],
    "xception_71": [(128, 2), (256, 1), (256, 2), (728, 1), (728, 2)],
}
MIDDLE = {"xception_41": 8, "xception_65": 16, "xception_71": 16}
EXIT1, EXIT2 = (728, 1024, 1024), (1536, 1536, 2048)


def _modules(name: str, thin: int) -> list[tuple[str, list[int], int]]:
    """(scope, channels, stride) of every unit; `thin` divides the channels."""
    rows = [(f"entry_flow/block{i}/unit_1", [c, c, c], s) for i, (c, s) in enumerate(ENTRY[name], 1)]
    rows += [(f"middle_flow/block1/unit_{i + 1}", [728] * 3, 1) for i in range(MIDDLE[name])]
    rows += [("exit_flow/block1/unit_1", list(EXIT1), 2), ("exit_flow/block2/unit_1", list(EXIT2), 1)]
    return [(f"{name}/{scope}/xception_module", [c // thin for c in channels], s) for scope, channels, s in rows]


def random_variables(rng: np.random.Generator, name: str, *, thin: int = 1) -> dict[str, np.ndarray]:
    """Variables of a backbone with non-trivial batch norms."""
    v: dict[str, np.ndarray] = {}

    def norm(scope: str, n: int, gain: float = 1.0) -> None:
        variance = rng.uniform(0.02, 1.5, n)
        v[f"{scope}/BatchNorm/gamma"] = (gain * rng.uniform(0.7, 1.4, n) * np.sqrt(variance)).astype("f4")
        v[f"{scope}/BatchNorm/beta"] = rng.normal(0, 0.3, n).astype("f4")
        v[f"{scope}/BatchNorm/moving_mean"] = rng.normal(0, 0.3, n).astype("f4")
        v[f"{scope}/BatchNorm/moving_variance"] = variance.astype("f4")

    def conv(scope: str, k: int, i: int, o: int, gain: float = 1.0) -> None:
        v[f"{scope}/weights"] = (rng.standard_normal((k, k, i, o), "f4") / np.sqrt(k * k * i)).astype("f4")
        norm(scope, o, gain)

    conv(f"{name}/entry_flow/conv1_1", 3, 3, 32)
    conv(f"{name}/entry_flow/conv1_2", 3, 32, 64)
    incoming = 64
    for scope, channels, _ in _modules(name, thin):
        before = incoming
        for j, c in enumerate(channels, 1):
            v[f"{scope}/separable_conv{j}_depthwise/depthwise_weights"] = rng.normal(0, 0.4, (3, 3, before, 1)).astype(
                "f4"
            )
            norm(f"{scope}/separable_conv{j}_depthwise", before)
            conv(f"{scope}/separable_conv{j}_pointwise", 1, before, c, gain=0.5 if "middle" in scope else 1.0)
            before = c
        if "middle" not in scope and "exit_flow/block2" not in scope:
            conv(f"{scope}/shortcut", 1, incoming, channels[2])
        incoming = channels[2]
    return v


def features(v: dict[str, np.ndarray], image: np.ndarray, name: str, *, output_stride: int) -> tuple[tf.Tensor, dict]:
    """image [1, H, W, 3] normalised -> features, and the second separable convolution of every unit by its scope."""

    def norm(x: tf.Tensor, scope: str) -> tf.Tensor:
        gamma, beta, mean, variance = (
            v[f"{scope}/BatchNorm/{k}"] for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / tf.sqrt(variance + 1e-3) * gamma + beta

    def conv(x: tf.Tensor, scope: str, stride: int = 1) -> tf.Tensor:
        return norm(tf.nn.conv2d(x, v[f"{scope}/weights"], 1, "SAME")[:, ::stride, ::stride], scope)

    def depthwise(x: tf.Tensor, scope: str, stride: int, rate: int) -> tf.Tensor:
        y = tf.nn.depthwise_conv2d(x, v[f"{scope}/depthwise_weights"], [1] * 4, "SAME", dilations=[rate, rate])
        return norm(y[:, ::stride, ::stride], scope)

    x = tf.nn.relu(conv(tf.constant(image), f"{name}/entry_flow/conv1_1", 2))
    x = tf.nn.relu(conv(x, f"{name}/entry_flow/conv1_2"))
    stride, rate, seconds = 2, 1, {}
    for scope, channels, nominal in _modules(name, 1):
        removed = stride == output_stride
        own = 1 if removed else nominal
        stride *= own
        h = x
        for j in range(1, len(channels) + 1):
            step = own if j == 3 else 1
            inside = scope.endswith("exit_flow/block2/unit_1/xception_module")
            h = depthwise(h if inside else tf.nn.relu(h), f"{scope}/separable_conv{j}_depthwise", step, rate)
            h = conv(tf.nn.relu(h) if inside else h, f"{scope}/separable_conv{j}_pointwise")
            h = tf.nn.relu(h) if inside else h
            if j == 2:
                seconds[scope.removeprefix(f"{name}/")] = h
        if f"{scope}/shortcut/weights" in v:
            h = h + conv(x, f"{scope}/shortcut", own)
        elif "middle_flow" in scope:
            h = h + x
        x = h
        rate *= nominal if removed else 1
    return x, seconds
