"""The ops of a `.tflite`, and which of them a runtime's delegate takes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from portraitlite.runtime.errors import InputError

__all__ = ["Node", "Nodes", "Tensor", "read_nodes"]

DELEGATE = "DELEGATE"  # what the runtime calls a node that stands for others


@dataclasses.dataclass(frozen=True)
class Tensor:
    """Attributes: name; size_bytes; constant: whether the file holds its values."""

    name: str
    size_bytes: int
    constant: bool


@dataclasses.dataclass(frozen=True)
class Node:
    """One op.

    Attributes:
        index: position in the file.
        kind: as the schema spells it, `CONV_2D`.
        inputs, outputs: tensor indices; inputs that are left out are missing.
        partition: number of the delegate's node that runs it, or None where no delegate does.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    partition: int | None


@dataclasses.dataclass(frozen=True)
class Nodes:
    """The main graph.

    Attributes:
        ops: in the order of the file.
        tensors: by index.
        inputs, outputs: of the graph.
        partitions: how many nodes the delegate made.
    """

    ops: tuple[Node, ...]
    tensors: dict[int, Tensor]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    partitions: int

    def name(self, op: Node) -> str:
        """Name of what the op writes, the first of several that were fused."""
        return self.tensors[op.outputs[0]].name.split(";")[0] if op.outputs else ""


def read_nodes(model: bytes) -> Nodes:
    """Ops and tensors with the sizes that they have after allocation, from ai-edge-litert's interpreter.

    Raises:
        InputError: a file that it does not load.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=model, num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"the model cannot be loaded ({' '.join(str(error).split())[:200]})") from error
    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    held = {i for i in range(graph.TensorsLength()) if _has_data(root.Buffers(graph.Tensors(i).Buffer()))}
    tensors = {
        int(detail["index"]): Tensor(detail["name"], _bytes(detail), int(detail["index"]) in held)
        for detail in interpreter.get_tensor_details()
    }
    listed = interpreter._get_ops_details()
    count = graph.OperatorsLength()
    own = [(node["op_name"], _indices(node["inputs"]), _indices(node["outputs"])) for node in listed[:count]]
    made = [node for node in listed[count:] if node["op_name"] == DELEGATE]
    producers = {tensor: i for i, (_, _, outputs) in enumerate(own) for tensor in outputs}
    place: dict[int, int] = {}
    for number, node in enumerate(made):
        border, waiting = set(_indices(node["inputs"])), list(_indices(node["outputs"]))
        while waiting:
            tensor = waiting.pop()
            if tensor in border or (op := producers.get(tensor)) is None or op in place:
                continue
            place[op] = number
            waiting.extend(own[op][1])
    ops = tuple(Node(i, kind, ins, outs, place.get(i)) for i, (kind, ins, outs) in enumerate(own))
    return Nodes(
        ops,
        tensors,
        tuple(int(detail["index"]) for detail in interpreter.get_input_details()),
        tuple(int(detail["index"]) for detail in interpreter.get_output_details()),
        len(made),
    )


def _indices(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values if value >= 0)


def _has_data(buffer: Any) -> bool:
    return bool(buffer.DataLength() or buffer.Offset())  # an offset: of a file beyond 2 GB


def _bytes(detail: dict[str, Any]) -> int:
    return math.prod(int(side) for side in detail["shape"]) * int(np.dtype(detail["dtype"]).itemsize)
