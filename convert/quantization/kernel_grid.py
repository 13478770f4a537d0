"""A kernel on the grid that its int8 file will have: symmetric, one step per channel, the largest weight 127 steps."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KernelGrid"]

LEVELS = 127
Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class KernelGrid:
    """Where the weights of one kernel lie.

    Attributes:
        step: real value of one int8 step, broadcastable to the kernel.
        levels: the kernel in steps, float32, -127..127.
        free: which weights may move, float32 0 or 1. The largest of a channel stays, or its grid would be another.
    """

    step: Floats
    levels: Floats
    free: Floats

    @classmethod
    def of(cls, kernel: Floats, other_axes: tuple[int, ...]) -> KernelGrid:
        """The grid of a float kernel.

        Args:
            kernel: any shape.
            other_axes: all axes but the channels'.
        """
        largest = np.abs(kernel).max(axis=other_axes, keepdims=True)
        step = np.maximum(largest / LEVELS, 1e-20).astype(np.float32)
        return cls(step, (kernel / step).astype(np.float32), (np.abs(kernel) < largest).astype(np.float32))

    def rounded(self, moved: Any = 0.0) -> Any:
        """The weights of the int8 file, moved by so many steps before they are rounded.

        Gradients pass the rounding unchanged (Bengio et al. 2013, the straight-through estimator).
        """
        import tensorflow as tf

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def nearest(x: Any) -> tuple[Any, Any]:
            return tf.clip_by_value(tf.round(x), -LEVELS, LEVELS), lambda upstream: upstream

        return nearest(self.levels + self.free * moved) * self.step
