"""A `.tflite` as data: its ops in order, its constants as float32."""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import MAX_VARIABLE_BYTES
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.runtime.errors import InputError

__all__ = ["TfliteGraph", "TfliteOp", "read_tflite_graph"]

MAX_OPS = 2000  # a DeepLab has about 80
MAX_INPUTS = 64
MAX_TENSORS = 100_000
PARSE_ERRORS = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, KeyError, MemoryError)


@dataclasses.dataclass(frozen=True)
class TfliteOp:
    """One op.

    Attributes:
        kind: schema name such as `CONV_2D`.
        inputs, outputs: tensor indices, absent optional inputs left out.
        options: its options table, of the type that belongs to `kind`; None where this module has no use for it.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


class TfliteGraph:
    """The main subgraph.

    Attributes:
        name: of the file, for messages.
        ops: in order of execution.
        input_shape: of the first input.
    """

    def __init__(self, data: bytes, name: str) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.name = name
        self._schema = schema
        if data[4:8] != b"TFL3":
            raise InputError(f"{name} is not a TFLite model; expected a .tflite file")
        self._model: Any = schema.Model.GetRootAs(data, 0)
        self._graph: Any = self._model.Subgraphs(0)
        if self._graph.OperatorsLength() > MAX_OPS or self._graph.TensorsLength() > MAX_TENSORS:
            raise InputError(f"{name} has more than {MAX_OPS} ops or {MAX_TENSORS} tensors; no DeepLab has, refused")
        self._kinds = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
        self.ops = tuple(self._read_ops())
        self.input_shape = self.shape(int(self._graph.Inputs(0)))

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Shape of a tensor."""
        table = self._graph.Tensors(self._checked(tensor))
        return tuple(int(table.Shape(i)) for i in range(table.ShapeLength()))

    def value(self, tensor: int) -> npt.NDArray[np.float32] | None:
        """A constant as float32, dequantized; None where the tensor is computed.

        Raises:
            InputError: more or fewer bytes than its shape needs, or a type no weight has.
        """
        table = self._graph.Tensors(self._checked(tensor))
        raw = self._model.Buffers(table.Buffer()).DataAsNumpy()
        if not isinstance(raw, np.ndarray) or raw.size == 0:
            return None
        kinds = self._schema.TensorType
        types: dict[int, Any] = {
            kinds.FLOAT32: "<f4",
            kinds.FLOAT16: "<f2",
            kinds.INT8: "i1",
            kinds.UINT8: "u1",
            kinds.INT32: "<i4",
            kinds.INT64: "<i8",
        }
        shape = self.shape(tensor)
        dtype = types.get(table.Type())
        if dtype is None or min(shape, default=1) < 1 or math.prod(shape) * np.dtype(dtype).itemsize != raw.size:
            raise InputError(
                f"{self.name}: constant {tensor} has {raw.size} bytes that do not fit {list(shape)}; refused"
            )
        stored = np.frombuffer(raw.tobytes(), dtype).reshape(shape)
        if stored.dtype.kind == "f":
            return stored.astype(np.float32)
        return self._dequantize(stored, table.Quantization())

    def _dequantize(self, stored: npt.NDArray[Any], quantization: Any) -> npt.NDArray[np.float32]:
        if quantization is None or quantization.ScaleLength() == 0:
            return stored.astype(np.float32)
        axis = quantization.QuantizedDimension()
        layout = [1] * stored.ndim
        if quantization.ScaleLength() > 1:
            layout[axis] = quantization.ScaleLength()
        scale = np.asarray(quantization.ScaleAsNumpy(), np.float64).reshape(layout)
        zero = np.asarray(quantization.ZeroPointAsNumpy(), np.float64).reshape(layout)
        return ((stored - zero) * scale).astype(np.float32)

    def _read_ops(self) -> Iterator[TfliteOp]:
        for i in range(self._graph.OperatorsLength()):
            table = self._graph.Operators(i)
            code = self._model.OperatorCodes(table.OpcodeIndex())
            kind = self._kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            if table.InputsLength() > MAX_INPUTS or not table.OutputsLength():
                raise InputError(
                    f"{self.name}: op {i} ({kind}) has {table.InputsLength()} inputs or no output; refused"
                )
            inputs = (int(table.Inputs(j)) for j in range(table.InputsLength()))
            outputs = tuple(int(table.Outputs(j)) for j in range(min(table.OutputsLength(), MAX_INPUTS)))
            yield TfliteOp(kind, tuple(t for t in inputs if t >= 0), outputs, self._options(kind, table))

    def _options(self, kind: str, table: Any) -> Any:
        s = self._schema
        types = {
            "CONV_2D": s.Conv2DOptions,
            "DEPTHWISE_CONV_2D": s.DepthwiseConv2DOptions,
            "AVERAGE_POOL_2D": s.Pool2DOptions,
            "MAX_POOL_2D": s.Pool2DOptions,
            "RESIZE_BILINEAR": s.ResizeBilinearOptions,
        }
        union = table.BuiltinOptions()
        if kind not in types or union is None:
            return None
        options = types[kind]()
        options.Init(union.Bytes, union.Pos)
        return options

    def _checked(self, tensor: int) -> int:
        if not 0 <= tensor < self._graph.TensorsLength():
            raise InputError(f"{self.name}: there is no tensor {tensor}; the file is damaged")
        return tensor


def read_tflite_graph(path: Path) -> TfliteGraph:
    """The file as a graph.

    Raises:
        InputError: no TFLite model, damaged or too large.
    """
    data = read_bounded(path, MAX_VARIABLE_BYTES)
    try:
        return TfliteGraph(data, path.name)
    except PARSE_ERRORS as error:
        raise InputError(f"{path.name} is a damaged TFLite model ({error}); copy it again") from error
