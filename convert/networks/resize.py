"""Bilinear resize with TensorFlow's three sampling conventions, for every Keras backend.

On TensorFlow it is the RESIZE_BILINEAR op itself, so that the converter finds one op. Elsewhere it is two small matrix
products with the same weights, because neither JAX nor PyTorch has the conventions under one name.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from portraitlite.runtime.resize import sample_positions
from portraitlite.runtime.types import ResizeConvention

__all__ = ["BilinearResize", "interpolation_matrix"]


def interpolation_matrix(size: int, source: int, convention: ResizeConvention) -> npt.NDArray[np.float32]:
    """(size, source) matrix whose product with a column of samples resizes it bilinearly."""
    low, high, fraction = sample_positions(size, source, convention)
    matrix = np.zeros((size, source), np.float32)
    np.add.at(matrix, (np.arange(size), low), 1 - fraction)
    np.add.at(matrix, (np.arange(size), high), fraction)
    return matrix


class BilinearResize(keras.layers.Layer):  # type: ignore[misc]
    """[N, h, w, C] -> [N, height, width, C], same dtype."""

    def __init__(self, height: int, width: int, convention: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width
        self.convention = ResizeConvention(convention)

    def call(self, x: Any) -> Any:
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            return tf.raw_ops.ResizeBilinear(
                images=x,
                size=[self.height, self.width],
                align_corners=self.convention is ResizeConvention.ALIGN_CORNERS,
                half_pixel_centers=self.convention is ResizeConvention.HALF_PIXEL,
            )
        rows = interpolation_matrix(self.height, int(x.shape[1]), self.convention)
        columns = interpolation_matrix(self.width, int(x.shape[2]), self.convention)
        return keras.ops.einsum("yh,nhwc,xw->nyxc", rows, x, columns)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], self.height, self.width, shape[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width, "convention": str(self.convention)}
