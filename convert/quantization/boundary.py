"""What a quantized file takes and puts out: bytes in, bytes or floats out, and labels straight from 8-bit scores."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from portraitlite.convert.quantization.graph import FloatGraph, pack_model, unpack_model

__all__ = ["finish_boundary", "op_between", "quiet_dead_channels", "shift_input"]

UINT8, INT8, FLOAT32 = 3, 9, 0  # TensorType of schema.fbs
DEAD = 1e-9  # a kernel below this gets no usable scale
BIAS_STEPS = 2**24  # int32 steps that a dead channel's bias may take


def shift_input(graph: FloatGraph, mean: float, std: float) -> None:
    """Make up for the byte grid: a byte p stands for (p - mean) / std, but the file reads (p - round(mean)) / std.

    With the official mean of 127.5 all pixels would be half a step too dark; the first convolution's bias takes it in,
    exactly but for the zeros that pad the border. Changes `graph`.
    """
    offset = np.float32((round(mean) - mean) / std)
    readers = [graph.ops[i] for i in graph.readers(graph.input)]
    if offset == 0 or not all(op.kind == "CONV_2D" for op in readers):
        return
    for op in readers:
        kernel = graph.constants[op.inputs[1]]
        graph.constants[op.inputs[2]] = graph.constants[op.inputs[2]] + offset * kernel.sum(axis=(1, 2, 3))


def quiet_dead_channels(graph: FloatGraph, step_of: dict[int, float]) -> int:
    """Give channels without weights a scale that can carry their bias; returns their number. Changes `graph`.

    A channel's bias is stored in steps of input scale x weight scale. Where all weights are zero the quantizer takes a
    scale near zero and the bias overflows, so that a channel that should be constant becomes 0.

    Args:
        graph: float model.
        step_of: step of each quantized tensor.
    """
    count = 0
    for op in graph.ops:
        if not op.is_convolution or op.inputs[0] not in step_of:
            continue
        kernel, bias = graph.constants[op.inputs[1]].copy(), graph.constants[op.inputs[2]]
        dead = np.flatnonzero(np.abs(kernel).max(axis=op.other_axes) < DEAD)
        for channel in dead:
            needed = 127 * abs(float(bias[channel])) / (step_of[op.inputs[0]] * BIAS_STEPS)
            place = (0, 0, 0, channel) if op.channel_axis == 3 else (channel, 0, 0, 0)
            kernel[place] = needed
        if len(dead):
            graph.constants[op.inputs[1]] = kernel
            count += len(dead)
    return count


def finish_boundary(model: bytes, mean: float, std: float) -> bytes:
    """Bytes at both ends of a quantized file.

    Args:
        model: with an int8 or float32 input (bytes are made into it) and any output (int8 becomes uint8).
        mean, std: of the normalisation that a float input expects.
    """
    from ai_edge_litert import schema_py_generated as schema

    tree = unpack_model(model)
    _argmax_without_floats(schema, tree)
    (graph,) = tree.subgraphs
    first, last = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if first.type == INT8:
        _bytes_in(schema, tree, "QUANTIZE", first.quantization.scale[0], int(first.quantization.zeroPoint[0]) + 128)
    elif first.type == FLOAT32:
        _bytes_in(schema, tree, "DEQUANTIZE", 1 / std, round(mean))
    if last.type == INT8:
        index = _add_tensor(schema, tree, last, UINT8, last.quantization.scale[0], last.quantization.zeroPoint[0] + 128)
        graph.operators.append(op_between(schema, tree, "QUANTIZE", graph.outputs[0], index))
        _sign(tree, int(graph.outputs[0]), index)
        graph.outputs = np.array([index], np.int32)
    return pack_model(tree)


def _bytes_in(schema: Any, tree: Any, kind: str, scale: float, zero_point: int) -> None:
    (graph,) = tree.subgraphs
    index = _add_tensor(schema, tree, graph.tensors[graph.inputs[0]], UINT8, scale, zero_point)
    graph.operators.insert(0, op_between(schema, tree, kind, index, graph.inputs[0]))
    _sign(tree, int(graph.inputs[0]), index)
    graph.inputs = np.array([index], np.int32)


def _add_tensor(schema: Any, tree: Any, like: Any, kind: int, scale: float, zero_point: int) -> int:
    """A tensor beside `like`, under its name; `like` is renamed, so that the ends keep the names people know."""
    (graph,) = tree.subgraphs
    tensor = copy.copy(like)
    like.name = like.name + b"_stored"
    tensor.type = kind
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = np.array([scale], np.float32)
    tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def op_between(schema: Any, tree: Any, kind: str, source: int, target: int) -> Any:
    """A new op of one input and one output tensor, QUANTIZE or DEQUANTIZE; the caller places it."""
    builtin = getattr(schema.BuiltinOperator, kind)
    codes = [code.builtinCode for code in tree.operatorCodes]
    if builtin not in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        tree.operatorCodes.append(code)
        codes.append(builtin)
    op = schema.OperatorT()
    op.opcodeIndex = codes.index(builtin)
    op.inputs, op.outputs = np.array([source], np.int32), np.array([target], np.int32)
    return op


def _sign(tree: Any, old: int, index: int) -> None:
    """Let the signature name the new tensor."""
    for signature in tree.signatureDefs or []:
        for entry in [*signature.inputs, *signature.outputs]:
            if entry.tensorIndex == old:
                entry.tensorIndex = index


def _argmax_without_floats(schema: Any, tree: Any) -> None:
    """Let ARG_MAX read 8-bit scores: the quantizer does not know the op and puts floats in front of it."""
    (graph,) = tree.subgraphs
    code = schema.BuiltinOperator

    def kind(op: Any) -> int:
        return int(tree.operatorCodes[op.opcodeIndex].builtinCode)

    writers = {int(op.outputs[0]): op for op in graph.operators}
    for op in [op for op in graph.operators if kind(op) == code.ARG_MAX]:
        before = writers.get(int(op.inputs[0]))
        if before is None or kind(before) != code.DEQUANTIZE:
            continue
        op.inputs = np.array([before.inputs[0], *op.inputs[1:]], np.int32)
        if not any(before.outputs[0] in other.inputs for other in graph.operators):
            graph.operators.remove(before)
