"""A model of one operation, made by code: it needs no TensorFlow and no file in the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TENSOR_TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4}  # TensorType in schema.fbs


def add_model(
    dtype: str = "float32",
    shape: tuple[int, ...] = (1, 4, 4, 3),
    signature: tuple[int, ...] | None = None,
) -> bytes:
    """The bytes of a `.tflite` with sum = left + right, uint8 with scale 1/128 and zero point 128.

    `signature` marks dynamic sides by -1.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), TENSOR_TYPES[dtype], 0
        if signature is not None:
            made.shapeSignature = list(signature)
        if dtype == "uint8":
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [1 / 128], [128]
        return made

    options = schema.AddOptionsT()
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1], [2]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.AddOptions, options
    graph = schema.SubGraphT()
    graph.tensors = [tensor("left"), tensor("right"), tensor("sum")]
    graph.inputs, graph.outputs, graph.operators = [0, 1], [2], [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    code.version = 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def make_model() -> Callable[..., bytes]:
    return add_model


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "add.tflite"
    path.write_bytes(add_model())
    return path
