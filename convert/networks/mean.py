"""Mean over a map, one axis at a time."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["MapMean"]


class MapMean(keras.layers.Layer):  # type: ignore[misc]
    """[N, h, w, C] -> [N, 1, 1, C], same dtype.

    MEAN, not AVERAGE_POOL_2D: quantized pools of such sizes overflowed in old runtimes and XNNPACK has none for int8.
    Two MEANs, not one over both axes: over the 131 thousand pixels of MobileNetV3's first gate, one is 36 times less
    exact in float32 on the CPU, and GPU delegates have given NaN for sums of that length.
    """

    def call(self, x: Any) -> Any:
        return keras.ops.mean(keras.ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], 1, 1, shape[3])
