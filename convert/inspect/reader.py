"""Read a `.tflite` of anybody's making into records, trusting no length and no offset in it.

`convert.sources.tflite_graph` reads the networks that portraitlite converts; this one takes every op, names, types,
quantization and graphs with dynamic sides.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from portraitlite.convert.inspect.graph import Graph, Op, Quantization, Tensor
from portraitlite.convert.sources.tflite_graph import PARSE_ERRORS
from portraitlite.runtime.errors import InputError

__all__ = ["read_graph"]

MAX_OPS = 10_000  # the largest phone networks at hand have 3,100
MAX_TENSORS = 100_000
MAX_RANK = 16
MAX_ARITY = 4096  # inputs or outputs of one op or of the graph
MAX_SCALES = 1 << 20
MAX_BUFFERS = 200_000
MAX_TENSOR_BYTES = 1 << 40
MAX_VALUES = 32  # constants that say axes, paddings or sizes are this short
MAX_METADATA = 256
MAX_NAME = 1024
BITS = {
    "float32": 32, "float16": 16, "bfloat16": 16, "float64": 64, "complex64": 64, "complex128": 128, "bool": 8,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "int4": 4, "int2": 2,
    "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "uint4": 4, "float8_e4m3fn": 8, "float8_e5m2": 8,
}  # fmt: skip
NO_LENGTH = ("string", "resource", "variant")


def read_graph(data: bytes, name: str) -> Graph:
    """The main subgraph of a file.

    Args:
        data: the whole file.
        name: how messages call it.

    Raises:
        InputError: no TFLite model, damaged, or absurdly large.
    """
    if data[4:8] != b"TFL3":
        raise InputError(f"{name} is not a .tflite file (no TFL3 mark at byte 4); give a converted model")
    try:
        return _Reader(data, name).graph()
    except PARSE_ERRORS as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{name} is a damaged TFLite model ({reason}); copy it again") from error


class _Reader:
    def __init__(self, data: bytes, name: str) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._data, self._name, self._schema = data, name, schema
        self._kinds = _names(schema.BuiltinOperator)
        self._types = {value: key.lower() for value, key in _names(schema.TensorType).items()}
        self._option_types = _names(schema.BuiltinOptions)

    def graph(self) -> Graph:
        root: Any = self._schema.Model.GetRootAs(self._data, 0)
        if root.SubgraphsLength() < 1:
            raise InputError(f"{self._name} has no subgraph; expected a .tflite model")
        table = root.Subgraphs(0)
        buffers = self._constant_buffers(root)
        count = self._bounded(table.TensorsLength(), MAX_TENSORS, "tensors")
        tensors = tuple(self._tensor(i, table.Tensors(i), buffers) for i in range(count))
        codes = self._bounded(root.OperatorCodesLength(), MAX_OPS, "op codes")
        kinds = [self._kind(root.OperatorCodes(i)) for i in range(codes)]
        ops_count = self._bounded(table.OperatorsLength(), MAX_OPS, "ops")
        return Graph(
            name=self._name,
            description=self._text(root.Description()),
            subgraphs=root.SubgraphsLength(),
            inputs=self._indices(table.InputsAsNumpy(), count, "an input of the graph"),
            outputs=self._indices(table.OutputsAsNumpy(), count, "an output of the graph"),
            tensors=tensors,
            ops=tuple(self._op(i, table.Operators(i), kinds, count) for i in range(ops_count)),
            metadata=tuple(self._metadata(root)),
        )

    def _constant_buffers(self, root: Any) -> list[bytes | None]:
        """The bytes of each buffer; b"" where they are long (nobody needs them), None where there are none."""
        found: list[bytes | None] = []
        for i in range(self._bounded(root.BuffersLength(), MAX_BUFFERS, "buffers")):
            buffer = root.Buffers(i)
            if not buffer.DataIsNone() and buffer.DataLength():
                length = buffer.DataLength()
                if length > len(self._data):
                    raise InputError(f"{self._name} is damaged: buffer {i} claims {length} bytes; copy it again")
                start = buffer._tab.Vector(buffer._tab.Offset(4))
                if start + length > len(self._data):
                    raise InputError(f"{self._name} is cut off inside buffer {i}; copy it again")
                found.append(self._data[start : start + length] if length <= 8 * MAX_VALUES else b"")
            elif buffer.Offset() > 1:  # models above 2 GB keep their weights behind the tables
                if buffer.Offset() + buffer.Size() > len(self._data):
                    raise InputError(f"{self._name} is cut off inside buffer {i}; copy it again")
                found.append(b"")
            else:
                found.append(None)
        return found

    def _tensor(self, index: int, table: Any, buffers: list[bytes | None]) -> Tensor:
        dtype = self._types[table.Type()]
        if dtype not in BITS and dtype not in NO_LENGTH:
            raise InputError(f"{self._name}: tensor {index} has the unknown type {dtype}; update portraitlite")
        shape = self._sides(table.ShapeAsNumpy(), index)
        signature = self._sides(table.ShapeSignatureAsNumpy(), index) if not table.ShapeSignatureIsNone() else ()
        if len(signature) == len(shape):
            shape = signature  # the one with -1 where a side is dynamic
        raw = buffers[table.Buffer()]
        values = None
        if raw and dtype in ("int32", "int64"):
            values = tuple(np.frombuffer(raw, "<i4" if dtype == "int32" else "<i8")[:MAX_VALUES].tolist())
        tensor = Tensor(
            index=index,
            name=self._text(table.Name()),
            shape=shape,
            dtype=dtype,
            bits=BITS.get(dtype, 0),
            constant=raw is not None,
            values=values,
            quantization=self._quantization(table.Quantization(), index),
        )
        if tensor.size_bytes > MAX_TENSOR_BYTES:
            raise InputError(f"{self._name}: tensor {index} claims the shape {list(shape)}; refused as damaged")
        return tensor

    def _quantization(self, table: Any, index: int) -> Quantization | None:
        if table is None or table.ScaleLength() == 0:
            return None
        self._bounded(max(table.ScaleLength(), table.ZeroPointLength()), MAX_SCALES, f"scales of tensor {index}")
        scales = tuple(np.asarray(table.ScaleAsNumpy(), np.float64).tolist())
        zero_points = tuple(np.asarray(table.ZeroPointAsNumpy()).tolist()) if table.ZeroPointLength() else (0,)
        return Quantization(scales, zero_points, table.QuantizedDimension())

    def _op(self, index: int, table: Any, kinds: list[tuple[str, str]], tensors: int) -> Op:
        kind, custom = kinds[table.OpcodeIndex()]
        return Op(
            index=index,
            kind=kind,
            custom=custom,
            inputs=self._indices(table.InputsAsNumpy(), tensors, f"an input of op {index} ({kind})", absent=True),
            outputs=self._indices(table.OutputsAsNumpy(), tensors, f"an output of op {index} ({kind})"),
            options=self._options(table),
        )

    def _kind(self, code: Any) -> tuple[str, str]:
        """(schema name, custom name); files older than 2021 have only the deprecated 8-bit code."""
        value = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return self._kinds.get(value, f"BUILTIN_{value}"), self._text(code.CustomCode())

    def _options(self, table: Any) -> dict[str, float]:
        kind = self._option_types.get(table.BuiltinOptionsType(), "NONE")
        union = table.BuiltinOptions()
        if kind == "NONE" or union is None:
            return {}
        options = getattr(self._schema, kind)()
        options.Init(union.Bytes, union.Pos)
        unpacked = vars(getattr(self._schema, f"{kind}T").InitFromObj(options))
        return {key: value for key, value in unpacked.items() if isinstance(value, bool | int | float)}

    def _metadata(self, root: Any) -> Iterator[tuple[str, int]]:
        for i in range(self._bounded(root.MetadataLength(), MAX_METADATA, "metadata entries")):
            entry = root.Metadata(i)
            yield self._text(entry.Name()), int(root.Buffers(entry.Buffer()).DataLength())

    def _bounded(self, count: int, limit: int, what: str) -> int:
        if count > limit or count * 4 > len(self._data):
            raise InputError(f"{self._name} claims {count} {what} (at most {limit} are read); refused as damaged")
        return count

    def _indices(self, array: Any, tensors: int, what: str, *, absent: bool = False) -> tuple[int, ...]:
        """Tensor indices of a vector; the accessor answers 0 where the file has no vector."""
        values = array.tolist() if isinstance(array, np.ndarray) and len(array) <= MAX_ARITY else None
        if values is None and isinstance(array, np.ndarray):
            raise InputError(f"{self._name} claims {len(array)} tensors where it names {what}; refused as damaged")
        for value in values or ():
            if not (-1 if absent else 0) <= value < tensors:
                raise InputError(f"{self._name} is damaged: {what} is tensor {value}, there are {tensors}")
        return tuple(values or ())

    def _sides(self, array: Any, index: int) -> tuple[int, ...]:
        if not isinstance(array, np.ndarray):
            return ()
        if len(array) > MAX_RANK or (array < -1).any():
            sides = array[:MAX_RANK].tolist()
            raise InputError(f"{self._name}: tensor {index} has rank {len(array)}, sides {sides}; refused as damaged")
        return tuple(array.tolist())

    def _text(self, raw: bytes | None) -> str:
        """Printable, one line, bounded."""
        text = (raw or b"")[:MAX_NAME].decode("utf-8", "replace")
        return "".join(c if c.isprintable() else "?" for c in itertools.islice(text, MAX_NAME))


def _names(enum: Any) -> dict[int, str]:
    """Number -> name of a schema enum."""
    return {value: key for key, value in vars(enum).items() if not key.startswith("_")}
