"""The float graph as TensorFlow ops, with a hook where a quantized file rounds: what can be differentiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.graph import Activation, FloatGraph, Op

__all__ = ["can_emulate", "resized", "run_graph"]

SMALL_POOL = 3  # a larger one pools the whole image and does not follow its size
FOLLOWS_SIZE = {"CONV_2D", "DEPTHWISE_CONV_2D", "RESIZE_BILINEAR", "CONCATENATION", "MEAN", "PAD"}
FOLLOWS_SIZE |= {"ADD", "SUB", "MUL", "LOGISTIC", "RELU", "RELU6", "HARD_SWISH"}
# Called with (op index or -1 for the input, tensor, value); returns what is stored.
Hook = Callable[[int, int, Any], Any]


def can_emulate(graph: FloatGraph, until: int) -> str | None:
    """None if `run_graph` knows every op up to tensor `until`; otherwise the first kind that it does not know."""
    for op in graph.ops:
        if op.kind not in OPS:
            return op.kind
        if op.output == until:
            return None
    return None


def resized(graph: FloatGraph, until: int, height: int, width: int) -> dict[int, npt.NDArray[np.int32]] | None:
    """Constants with which `run_graph` takes images of another size; None where the network is tied to its own.

    A network of strided SAME convolutions has ceil(side / stride) rows at each stride; what it resizes to must be such
    a size.
    """
    sides = graph.shapes[graph.input][1:3]
    constants: dict[int, npt.NDArray[np.int32]] = {}
    for op in graph.ops:
        if op.kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            if max(op.options.filterHeight, op.options.filterWidth) > SMALL_POOL:
                return None
        elif op.kind not in FOLLOWS_SIZE:
            return None
        if op.kind == "RESIZE_BILINEAR":
            found = graph.shapes[op.output][1:3]
            stride = next((s for s in (1, 2, 4, 8, 16, 32) if tuple(-(-side // s) for side in sides) == found), None)
            if stride is None:
                return None
            constants[op.inputs[1]] = np.array([-(-height // stride), -(-width // stride)], np.int32)
        if op.output == until:
            break
    return constants


def run_graph(
    graph: FloatGraph,
    image: Any,
    until: int,
    constants: Mapping[int, Any] | None = None,
    *,
    written: Hook = lambda op, tensor, value: value,
    read: Hook = lambda op, tensor, value: value,
) -> Any:
    """Compute tensor `until`.

    Args:
        graph: the float model; every op up to `until` must pass `can_emulate`.
        image: the input, [n, H, W, 3] float32.
        until: tensor index.
        constants: take the place of the graph's own.
        written: what an op's result becomes before it is stored.
        read: what an op sees of a computed tensor.
    """
    values: dict[int, Any] = {**graph.constants, **(constants or {})}
    values[graph.input] = written(-1, graph.input, image)
    fixed = set(graph.constants)
    for index, op in enumerate(graph.ops):
        inputs = [values[t] if t in fixed else read(index, t, values[t]) for t in op.inputs]
        values[op.output] = written(index, op.output, _activated(OPS[op.kind](op, inputs), op.activation))
        if op.output == until:
            break
    return values[until]


def _activated(value: Any, activation: Activation) -> Any:
    import tensorflow as tf

    if activation is Activation.RELU:
        return tf.nn.relu(value)
    return tf.nn.relu6(value) if activation is Activation.RELU6 else value


def _padding(op: Op) -> Any:
    return ("SAME", "VALID")[op.options.padding]


def _convolution(op: Op, inputs: list[Any]) -> Any:
    import tensorflow as tf

    image, kernel, *bias = inputs
    options = op.options
    if op.kind == "CONV_2D" and options.dilationHFactor > 1:
        result = _dilated(image, tf.transpose(kernel, [1, 2, 3, 0]), options.dilationHFactor, _padding(op))
        return tf.nn.bias_add(result, bias[0]) if bias else result
    function = tf.nn.depthwise_conv2d if op.kind == "DEPTHWISE_CONV_2D" else tf.nn.conv2d
    result = function(
        image,
        tf.transpose(kernel, [1, 2, 3, 0]),
        [1, options.strideH, options.strideW, 1],
        _padding(op),
        dilations=[options.dilationHFactor, options.dilationWFactor],
    )
    return tf.nn.bias_add(result, bias[0]) if bias else result


def _dilated(image: Any, kernel: Any, rate: int, padding: str) -> Any:
    """A dilated convolution of stride 1, square: TensorFlow has no gradient of its own for it on a CPU."""
    import tensorflow as tf

    span = rate * (kernel.shape[0] - 1)
    reach = span // 2 if padding == "SAME" else 0
    sides = [int(side) for side in image.shape[1:3]]
    margins = [[reach, reach + -(side + 2 * reach) % rate] for side in sides]
    parts = tf.nn.conv2d(tf.space_to_batch(image, [rate, rate], margins), kernel, 1, "VALID")
    whole = tf.batch_to_space(parts, [rate, rate], [[0, 0], [0, 0]])
    height, width = (side + 2 * reach - span for side in sides)
    return whole[:, :height, :width]


def _resize(op: Op, inputs: list[Any]) -> Any:
    import tensorflow as tf

    return tf.raw_ops.ResizeBilinear(
        images=inputs[0],
        size=inputs[1],
        align_corners=op.options.alignCorners,
        half_pixel_centers=op.options.halfPixelCenters,
    )


def _pool(op: Op, inputs: list[Any]) -> Any:
    import tensorflow as tf

    options = op.options
    size, stride = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
    function = tf.nn.max_pool2d if op.kind == "MAX_POOL_2D" else tf.nn.avg_pool2d
    return function(inputs[0], size, stride, _padding(op))


def _elementwise(op: Op, inputs: list[Any]) -> Any:
    import tensorflow as tf

    functions: dict[str, Callable[..., Any]] = {
        "ADD": tf.add,
        "SUB": tf.subtract,
        "MUL": tf.multiply,
        "LOGISTIC": tf.sigmoid,
        "RELU": tf.nn.relu,
        "RELU6": tf.nn.relu6,
        "HARD_SWISH": lambda x: x * tf.nn.relu6(x + 3) * (1 / 6),
        "PAD": tf.pad,
        "RESHAPE": tf.reshape,
    }
    return functions[op.kind](*inputs)


def _concatenation(op: Op, inputs: list[Any]) -> Any:
    import tensorflow as tf

    return tf.concat(inputs, op.options.axis)


def _mean(op: Op, inputs: list[Any]) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(inputs[0], inputs[1], keepdims=op.options.keepDims)


OPS: dict[str, Callable[[Op, list[Any]], Any]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "RESIZE_BILINEAR": _resize,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "CONCATENATION": _concatenation,
    "MEAN": _mean,
    **dict.fromkeys(("ADD", "SUB", "MUL", "LOGISTIC", "RELU", "RELU6", "HARD_SWISH", "PAD", "RESHAPE"), _elementwise),
}
