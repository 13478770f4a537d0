"""Store the kernels of a mixed file's float layers in 8 bits where that loses nothing.

Networks that were trained for 8 bits have kernels that lie on an int8 grid, channel by channel. In a float layer such
a kernel may be an int8 constant behind a DEQUANTIZE op: XNNPACK unpacks it once, when the file is loaded, and the layer
runs as fast as from float32. So a float layer of such a network adds nothing to the file's size.

A kernel off the grid stays float32: rounding it would cost what the float layer was to save.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.boundary import op_between
from portraitlite.convert.quantization.graph import pack_model, unpack_model

__all__ = ["grid_of", "store_on_grid"]

INT8, FLOAT32 = 9, 0  # TensorType of schema.fbs
PER_CHANNEL_VERSION = 5  # of DEQUANTIZE
OFF_GRID = 0.01  # of a step: float32 arithmetic on the way here leaves less


def grid_of(kernel: npt.NDArray[np.float32], channel_axis: int) -> npt.NDArray[np.float32] | None:
    """Steps [channels] float32 with which int8 holds the kernel, or None where it lies on no such grid.

    Args:
        kernel: [out, height, width, in], or [1, height, width, channels] of a depthwise convolution.
        channel_axis: of its output channels.
    """
    others = tuple(axis for axis in range(kernel.ndim) if axis != channel_axis)
    steps = np.maximum(np.abs(kernel).max(axis=others, keepdims=True) / 127, np.float32(1e-20))
    levels = kernel / steps
    if np.abs(levels - np.round(levels)).max() > OFF_GRID:
        return None
    flat: npt.NDArray[np.float32] = steps.ravel().astype(np.float32)
    return flat


def store_on_grid(model: bytes) -> bytes:
    """The file with every float32 kernel that lies on an int8 grid stored as int8."""
    from ai_edge_litert import schema_py_generated as schema

    tree = unpack_model(model)
    (graph,) = tree.subgraphs
    axes = {schema.BuiltinOperator.CONV_2D: 0, schema.BuiltinOperator.DEPTHWISE_CONV_2D: 3}
    operators: list[Any] = []
    for op in graph.operators:
        axis = axes.get(tree.operatorCodes[op.opcodeIndex].builtinCode)
        if axis is not None:
            stored = _stored(schema, tree, int(op.inputs[1]), axis)
            if stored is not None:
                operators.append(op_between(schema, tree, "DEQUANTIZE", stored, int(op.inputs[1])))
        operators.append(op)
    graph.operators = operators
    for code in tree.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.DEQUANTIZE:
            # An interpreter that knows one step per tensor only must refuse the file, not compute with the first step.
            code.version = max(code.version, PER_CHANNEL_VERSION)
    return pack_model(tree)


def _stored(schema: Any, tree: Any, index: int, channel_axis: int) -> int | None:
    """Tensor with the int8 form of kernel `index`, whose own data goes; None where it has none."""
    (graph,) = tree.subgraphs
    kernel = graph.tensors[index]
    data = tree.buffers[kernel.buffer].data
    if kernel.type != FLOAT32 or data is None or not len(data):
        return None
    values = np.frombuffer(bytes(bytearray(data)), np.float32).reshape(kernel.shape)
    steps = grid_of(values, channel_axis)
    if steps is None:
        return None
    shape = [-1 if axis == channel_axis else 1 for axis in range(values.ndim)]
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.round(values / steps.reshape(shape)).astype(np.int8).tobytes(), np.uint8)
    tree.buffers.append(buffer)
    stored = copy.copy(kernel)
    stored.name, stored.type, stored.buffer = kernel.name + b"_stored", INT8, len(tree.buffers) - 1
    stored.quantization = schema.QuantizationParametersT()
    stored.quantization.scale, stored.quantization.zeroPoint = steps, np.zeros(len(steps), np.int64)
    stored.quantization.quantizedDimension = channel_axis
    graph.tensors.append(stored)
    if sum(tensor.buffer == kernel.buffer for tensor in graph.tensors) == 1:
        tree.buffers[kernel.buffer].data = None
    kernel.buffer = 0  # the one that is always empty: the tensor is computed now
    return len(graph.tensors) - 1
