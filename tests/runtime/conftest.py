"""Tiny models made by code with the flatbuffer schema: no TensorFlow in the runtime's tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def conv_model(
    size: tuple[int, int], kernel: np.ndarray, bias: np.ndarray, *, stride: int = 1, input_name: str = "image"
) -> bytes:
    """A float `.tflite` of one CONV_2D: [1, H, W, I] -> [1, h, w, O], SAME padding. kernel (O, kh, kw, I)."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as s

    def tensor(name: str, shape: tuple[int, ...], buffer: int) -> object:
        t = s.TensorT()
        t.name, t.shape, t.buffer, t.type = name, list(shape), buffer, s.TensorType.FLOAT32
        return t

    out = (1, -(-size[0] // stride), -(-size[1] // stride), kernel.shape[0])
    tensors = [
        tensor(input_name, (1, *size, kernel.shape[3]), 0),
        tensor("kernel", kernel.shape, 1),
        tensor("bias", bias.shape, 2),
        tensor("output", out, 0),
    ]
    options = s.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = s.Padding.SAME, stride, stride
    op = s.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = 0, [0, 1, 2], [3]
    op.builtinOptionsType, op.builtinOptions = s.BuiltinOptions.Conv2DOptions, options
    code = s.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = s.BuiltinOperator.CONV_2D
    code.version = 1
    graph = s.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0], [3], [op]
    model = s.ModelT()
    buffers = [s.BufferT() for _ in range(3)]
    buffers[1].data = np.frombuffer(kernel.astype("f4").tobytes(), np.uint8)
    buffers[2].data = np.frombuffer(bias.astype("f4").tobytes(), np.uint8)
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.fixture(scope="session")
def make_conv_model() -> Callable[..., bytes]:
    return conv_model
