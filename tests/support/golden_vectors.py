"""Golden vectors: arrays that every implementation of a step must turn into the same arrays.

`tests/golden/index.json` lists the cases; the arrays lie in `tests/golden/STEP.bin`, little-endian, row by row, one
after the other, so that C and Java read them without numpy. docs/parity.md describes the format.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FOLDER", "SCHEMA_VERSION", "Array", "Case", "read_cases", "read_index", "write_cases"]

Array = npt.NDArray[Any]

SCHEMA_VERSION = 1
FOLDER = Path(__file__).resolve().parents[1] / "golden"


@dataclasses.dataclass(frozen=True)
class Case:
    """One call of one step.

    Attributes:
        name: unique.
        step: a key of `golden_steps.STEPS`.
        parameters: JSON-able.
        inputs, outputs: arrays by name.
        tolerance: largest allowed difference by output; those not named must be equal bit by bit.
    """

    name: str
    step: str
    parameters: dict[str, Any]
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    tolerance: dict[str, float] = dataclasses.field(default_factory=dict)


def write_cases(cases: list[Case], models: dict[str, str], folder: Path = FOLDER) -> None:
    """Replace the folder's vectors.

    Args:
        cases: in the order of the index.
        models: sha256 of the `.tflite` files that some outputs come from, by file name.
    """
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.bin"):
        old.unlink()
    content: dict[str, bytearray] = {}
    places: dict[tuple[str, str], int] = {}

    def place(step: str, array: Array) -> dict[str, Any]:
        data = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()
        digest = hashlib.sha256(data).hexdigest()
        file = content.setdefault(step, bytearray())
        if (step, digest) not in places:
            file.extend(bytes(-len(file) % 8))  # so that a reader may map it
            places[step, digest] = len(file)
            file.extend(data)
        at = {"file": f"{step}.bin", "offset": places[step, digest]}
        return {**at, "dtype": array.dtype.name, "shape": list(array.shape), "sha256": digest}

    rows = [
        {
            "name": case.name,
            "step": case.step,
            "parameters": case.parameters,
            "inputs": {name: place(case.step, array) for name, array in case.inputs.items()},
            "outputs": {
                name: place(case.step, array) | {"tolerance": case.tolerance.get(name, 0)}
                for name, array in case.outputs.items()
            },
        }
        for case in cases
    ]
    for step, data in content.items():
        (folder / f"{step}.bin").write_bytes(data)
    head = json.dumps({"schema_version": SCHEMA_VERSION, "byte_order": "little", "models": models}, indent=1)
    lines = ",\n".join(json.dumps(row) for row in rows)  # a case a line, so that a difference is readable
    (folder / "index.json").write_text(f'{head.removesuffix("}").rstrip()},\n "cases": [\n{lines}\n]}}\n')


def read_index(folder: Path = FOLDER) -> dict[str, Any]:
    """The index as it is."""
    index: dict[str, Any] = json.loads((folder / "index.json").read_text())
    assert index["schema_version"] == SCHEMA_VERSION
    return index


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases; every array is checked against its sha256."""
    cases = []
    for row in read_index(folder)["cases"]:
        inputs, outputs = (
            {name: _read(folder, place) for name, place in row[side].items()} for side in ("inputs", "outputs")
        )
        tolerance = {name: place["tolerance"] for name, place in row["outputs"].items() if place["tolerance"]}
        cases.append(Case(row["name"], row["step"], row["parameters"], inputs, outputs, tolerance))
    return cases


def _read(folder: Path, place: dict[str, Any]) -> Array:
    dtype = np.dtype(place["dtype"]).newbyteorder("<")
    count = int(np.prod(place["shape"], dtype=np.int64))
    data = (folder / place["file"]).read_bytes()[place["offset"] :][: count * dtype.itemsize]
    assert hashlib.sha256(data).hexdigest() == place["sha256"], f"{place['file']} does not fit the index"
    return np.frombuffer(data, dtype).reshape(place["shape"]).astype(dtype.newbyteorder("="))
