"""Read a `.safetensors` file: a JSON header and raw numbers, no code (format: huggingface/safetensors README)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import MAX_VARIABLE_BYTES
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.runtime.errors import InputError

__all__ = ["read_safetensors"]

MAX_HEADER_BYTES = 16 << 20
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
OTHERS = {"I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}  # counters; their bytes are checked, not read


def read_safetensors(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Float tensors by name, as float32; integer tensors are left out.

    Raises:
        InputError: damaged, too large, or with tensors that overlap, leave gaps or do not fit their shapes.
    """
    data = read_bounded(path, MAX_VARIABLE_BYTES)
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, MAX_HEADER_BYTES):
        raise InputError(f"{path.name} is not a safetensors file: its header does not fit in it; copy it again")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_unique)
        header.pop("__metadata__", None)
        rows = sorted(_row(name, row) for name, row in header.items())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name} has a damaged safetensors header ({error}); copy it again") from error
    body = memoryview(data)[8 + length :]
    tensors: dict[str, npt.NDArray[np.float32]] = {}
    end_before = 0
    for begin, end, name, dtype, shape in rows:
        if begin != end_before or end < begin or end > len(body):
            raise InputError(
                f"{path.name}: tensor {name!r} lies at bytes {begin}..{end}, expected {end_before} on; tensors that "
                f"overlap or leave gaps are refused"
            )
        end_before = end
        if dtype in FLOATS:
            tensors[name] = _tensor(path, name, body[begin:end], dtype, shape)
        elif dtype not in OTHERS:
            raise InputError(f"{path.name}: tensor {name!r} has type {dtype!r}; expected {', '.join(FLOATS)}")
    if end_before != len(body):
        raise InputError(f"{path.name} has {len(body) - end_before} bytes behind its last tensor; refused")
    return tensors


def _row(name: str, row: dict[str, Any]) -> tuple[int, int, str, str, tuple[int, ...]]:
    begin, end = row["data_offsets"]
    return int(begin), int(end), name, str(row["dtype"]), tuple(int(side) for side in row["shape"])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _tensor(path: Path, name: str, raw: memoryview, dtype: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    kind = np.dtype(FLOATS[dtype])
    if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != len(raw):
        raise InputError(
            f"{path.name}: tensor {name!r} has {len(raw)} bytes that do not fit {shape} of {dtype}; refused"
        )
    stored = np.frombuffer(raw, kind).reshape(shape)
    if dtype == "BF16":  # the upper half of a float32
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return stored.astype(np.float32)
