"""One rounding to 8 bits as a differentiable op that keeps little in memory.

Written with elementary ops, a rounding leaves half a dozen arrays of a tensor's size behind for the gradient. Here
TensorFlow's fused op does both directions, and the gradient with respect to the step is two dot products:
of y = step * (q - zero point), d y / d log(step) is y - x where x lies in the range, and y where it was cut off.
"""

from __future__ import annotations

from typing import Any

__all__ = ["as_stored"]


def as_stored(value: Any, step: Any, zero_point: int) -> Any:
    """What an int8 tensor makes of float values; the gradient passes where they lie in its range.

    Args:
        value: float32.
        step: scalar float32, of one int8 step; differentiable too.
        zero_point: int8 value of 0.
    """
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(x: Any, size: Any) -> tuple[Any, Any]:
        low, high = (-128.0 - zero_point) * size, (127.0 - zero_point) * size
        y = tf.quantization.fake_quant_with_min_max_vars(x, low, high)

        def gradient(upstream: Any) -> tuple[Any, Any]:
            passed, _, _ = tf.raw_ops.FakeQuantWithMinMaxVarsGradient(gradients=upstream, inputs=x, min=low, max=high)
            return passed, (_dot(upstream, y) - _dot(passed, x)) / size

        return y, gradient

    return rounded(value, tf.convert_to_tensor(step, tf.float32))


def _dot(a: Any, b: Any) -> Any:
    import tensorflow as tf

    return tf.tensordot(tf.reshape(a, [-1]), tf.reshape(b, [-1]), 1)
