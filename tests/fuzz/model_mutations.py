"""Damage to models that keeps the file a valid flatbuffer: every number in it may be wrong, every offset is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["mutate_model"]

_ODD_NUMBERS = (-(1 << 31), -2, -1, 0, 1, 2, 3, 7, 255, 1 << 16, (1 << 31) - 1)

_Edit = Callable[[Any, np.random.Generator], None]


def mutate_model(data: bytes, generator: np.random.Generator) -> bytes:
    """One or two edits to tensors, ops, buffers or the graph's own inputs and outputs."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(data, 0)
    for _ in range(int(generator.integers(1, 3))):
        _EDITS[int(generator.integers(len(_EDITS)))](tree, generator)
    builder = flatbuffers.Builder(len(data) + 1024)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _one(items: Any, generator: np.random.Generator) -> Any:
    return items[int(generator.integers(len(items)))]


def _odd(old: int, generator: np.random.Generator) -> int:
    return int(_one((*_ODD_NUMBERS, old + 1, old - 1, old * 2), generator).__index__()) if abs(old) < 1 << 29 else 0


def _change_entry(values: Any, generator: np.random.Generator, choices: Any = None) -> Any:
    """A copy of a list of int32 with one entry changed."""
    changed = np.array([] if values is None else values, np.int64)
    if changed.size:
        at = int(generator.integers(changed.size))
        changed[at] = _odd(int(changed[at]), generator) if choices is None else _one(choices, generator)
    return np.clip(changed, -(1 << 31), (1 << 31) - 1).astype(np.int32)


def _tensor_shape(tree: Any, generator: np.random.Generator) -> None:
    tensor = _one(tree.subgraphs[0].tensors, generator)
    tensor.shape = _change_entry(tensor.shape, generator)
    if generator.random() < 0.3:
        tensor.shape = tensor.shape[:-1]


def _tensor_type(tree: Any, generator: np.random.Generator) -> None:
    _one(tree.subgraphs[0].tensors, generator).type = int(generator.integers(0, 20))


def _tensor_buffer(tree: Any, generator: np.random.Generator) -> None:
    _one(tree.subgraphs[0].tensors, generator).buffer = int(generator.integers(len(tree.buffers) + 2))


def _quantization(tree: Any, generator: np.random.Generator) -> None:
    quantization = _one(tree.subgraphs[0].tensors, generator).quantization
    if quantization is not None and quantization.scale is not None:
        quantization.scale = np.asarray(quantization.scale)[: int(generator.integers(3))] * np.float32(
            _one((0.0, -1.0, 1e30, np.nan, np.inf, 1.0), generator)
        )
        quantization.zeroPoint = np.asarray(quantization.zeroPoint)[: int(generator.integers(3))]
        quantization.quantizedDimension = _odd(quantization.quantizedDimension, generator)


def _op_tensors(tree: Any, generator: np.random.Generator) -> None:
    op = _one(tree.subgraphs[0].operators, generator)
    indices = range(-1, len(tree.subgraphs[0].tensors) + 1)
    if generator.random() < 0.5:
        op.inputs = _change_entry(op.inputs, generator, indices)
    else:
        op.outputs = _change_entry(op.outputs, generator, indices)
    if generator.random() < 0.2:
        op.inputs = op.inputs[:-1]


def _op_options(tree: Any, generator: np.random.Generator) -> None:
    options = _one(tree.subgraphs[0].operators, generator).builtinOptions
    numbers = [name for name, value in vars(options).items() if isinstance(value, int)] if options is not None else []
    if numbers:
        name = _one(numbers, generator)
        old = getattr(options, name)
        sizes = ("stride", "dilation", "filter", "depth", "axis", "num", "begin", "end", "block", "batch", "seq")
        wide = name.lower().startswith(sizes)  # the others are enums of one byte
        odd = _odd(int(old), generator)
        setattr(options, name, not old if isinstance(old, bool) else odd if wide else odd % 100)


def _op_code(tree: Any, generator: np.random.Generator) -> None:
    if generator.random() < 0.5:
        _one(tree.subgraphs[0].operators, generator).opcodeIndex = int(generator.integers(len(tree.operatorCodes) + 1))
    else:
        code = _one(tree.operatorCodes, generator)
        code.builtinCode = int(generator.integers(0, 160))
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)


def _buffer(tree: Any, generator: np.random.Generator) -> None:
    buffer = _one(tree.buffers, generator)
    if buffer.data is not None and len(buffer.data):
        data = np.array(buffer.data, np.uint8)
        buffer.data = data[: int(generator.integers(len(data)))] if generator.random() < 0.5 else data[::-1].copy()


def _graph_ends(tree: Any, generator: np.random.Generator) -> None:
    graph = tree.subgraphs[0]
    side = _one(("inputs", "outputs"), generator)
    setattr(graph, side, _change_entry(getattr(graph, side), generator, range(-1, len(graph.tensors) + 1)))


_EDITS: tuple[_Edit, ...] = (
    _tensor_shape,
    _tensor_type,
    _tensor_buffer,
    _quantization,
    _op_tensors,
    _op_options,
    _op_code,
    _buffer,
    _graph_ends,
)
