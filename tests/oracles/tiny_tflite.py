"""Any graph as a `.tflite`, written op by op: what converters refuse to write is what `inspect` must find."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

TYPES = {
    "float32": "<f4",
    "float16": "<f2",
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
}


@dataclasses.dataclass
class TinyModel:
    """Tensors and ops in the order in which they are added; `inputs` and `outputs` are tensor indices."""

    inputs: list[int] = dataclasses.field(default_factory=list)
    outputs: list[int] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema: Any = schema
        self.tree: Any = schema.ModelT()
        self.tree.version = 3
        self.tree.description = b"by hand"
        self.tree.operatorCodes = []
        self.tree.buffers = [schema.BufferT()]
        self.graph: Any = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.tree.subgraphs = [self.graph]

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str = "float32",
        *,
        value: Any = None,
        scale: float | list[float] | None = None,
        zero_point: int = 0,
        dynamic: tuple[int, ...] = (),
    ) -> int:
        """Index of a new tensor; with `value` a constant. `dynamic` names axes whose side is known at run time."""
        table = self.schema.TensorT()
        table.name = f"t{len(self.graph.tensors)}".encode()
        table.shape = np.array(shape, np.int32)
        if dynamic:
            table.shapeSignature = np.array([-1 if i in dynamic else n for i, n in enumerate(shape)], np.int32)
        table.type = getattr(self.schema.TensorType, dtype.upper())
        table.buffer = 0
        if value is not None:
            buffer = self.schema.BufferT()
            data = np.broadcast_to(np.asarray(value, TYPES[dtype]), shape)
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            table.buffer = len(self.tree.buffers)
            self.tree.buffers.append(buffer)
        if scale is not None:
            scales = scale if isinstance(scale, list) else [scale]
            table.quantization = self.schema.QuantizationParametersT()
            table.quantization.scale = np.array(scales, np.float32)
            table.quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
            table.quantization.quantizedDimension = len(shape) - 1 if len(scales) > 1 else 0
        self.graph.tensors.append(table)
        return len(self.graph.tensors) - 1

    def op(self, kind: str, inputs: list[int], outputs: list[int], *, custom: str = "", **options: Any) -> None:
        """One op. `options` are fields of the options table whose class is `options_class`."""
        code = self.schema.OperatorCodeT()
        code.builtinCode = getattr(self.schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        code.customCode = custom.encode() or None
        table = self.schema.OperatorT()
        table.opcodeIndex = len(self.tree.operatorCodes)
        self.tree.operatorCodes.append(code)
        table.inputs, table.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        if name := options.pop("options_class", ""):
            table.builtinOptionsType = getattr(self.schema.BuiltinOptions, name)
            table.builtinOptions = getattr(self.schema, f"{name}T")()
            for field, value in options.items():
                assert hasattr(table.builtinOptions, field), f"{name} has no field {field}"
                setattr(table.builtinOptions, field, value)
        self.graph.operators.append(table)

    def convolution(self, image: int, out: int, kernel: tuple[int, int, int, int], **options: Any) -> None:
        """A float CONV_2D, or DEPTHWISE_CONV_2D where the kernel's first side is 1, with a bias."""
        depthwise = kernel[0] == 1
        name = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
        weights = self.tensor(kernel, value=0.5)
        bias = self.tensor((kernel[3] if depthwise else kernel[0],), value=0)
        fields = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, **options}
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        self.op(
            kind,
            [image, weights, bias],
            [out],
            options_class=name,
            **({"depthMultiplier": 1} if depthwise else {}),
            **fields,
        )

    def data(self) -> bytes:
        """The file."""
        import flatbuffers

        self.graph.inputs, self.graph.outputs = np.array(self.inputs, np.int32), np.array(self.outputs, np.int32)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.tree.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
