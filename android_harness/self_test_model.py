"""The model of the self-test, made by code: two 3 x 3 convolutions side by side, float32 and int8."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["SIDE", "WEIGHTS", "model_bytes"]

SIDE = 8  # of the pictures, in pixels
OUTPUTS = 4  # channels
QUARTERS = 4  # an int8 weight counts so many of them for 1
# (outputs, 3, 3, 3): small whole numbers, so that sums are exact in float32 and in int32.
WEIGHTS: npt.NDArray[np.int8] = ((np.arange(OUTPUTS * 27) * 7 % 5) - 2).astype(np.int8).reshape(OUTPUTS, 3, 3, 3)


def model_bytes() -> bytes:
    """A `.tflite` file: `floats` and `bytes` (1, 8, 8, 3) go in, `float_sums` and `byte_sums` (1, 8, 8, 4) come out."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    buffers: list[npt.NDArray[Any]] = []

    def tensor(name: str, shape: tuple[int, ...], kind: str, data: npt.NDArray[Any] | None = None) -> Any:
        made = schema.TensorT()
        types = {"float": schema.TensorType.FLOAT32, "int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}
        made.name, made.shape, made.type = name, list(shape), types[kind]
        buffers.append(np.zeros(0, np.uint8) if data is None else np.frombuffer(data.tobytes(), np.uint8))
        made.buffer = len(buffers)
        return made

    def quantized(made: Any, scales: list[float], dimension: int = 0) -> Any:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = scales, [0] * len(scales)
        made.quantization.quantizedDimension = dimension
        return made

    picture, sums = (1, SIDE, SIDE, 3), (1, SIDE, SIDE, OUTPUTS)
    quarter = [1 / QUARTERS] * OUTPUTS
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("floats", picture, "float"),
        tensor("float_weights", WEIGHTS.shape, "float", WEIGHTS.astype("<f4")),
        tensor("float_bias", (OUTPUTS,), "float", np.zeros(OUTPUTS, "<f4")),
        tensor("float_sums", sums, "float"),
        quantized(tensor("bytes", picture, "int8"), [1.0]),
        quantized(tensor("byte_weights", WEIGHTS.shape, "int8", WEIGHTS * np.int8(QUARTERS)), quarter),
        quantized(tensor("byte_bias", (OUTPUTS,), "int32", np.zeros(OUTPUTS, "<i4")), quarter),
        quantized(tensor("byte_sums", sums, "int8"), [1.0]),
    ]
    graph.inputs, graph.outputs = [0, 4], [3, 7]
    graph.operators = [_convolution(schema, [0, 1, 2], 3), _convolution(schema, [4, 5, 6], 7)]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 3  # the first that knows int8 per channel
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT() for _ in range(len(buffers) + 1)]
    for stored, data in zip(model.buffers[1:], buffers, strict=True):
        stored.data = data if data.size else None
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _convolution(schema: Any, inputs: list[int], output: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, inputs, [output]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.Conv2DOptions, schema.Conv2DOptionsT()
    operator.builtinOptions.padding = schema.Padding.SAME
    operator.builtinOptions.strideH = operator.builtinOptions.strideW = 1
    return operator
