"""How much memory the activations of a model need at least."""

from __future__ import annotations

from portraitlite.benchmarks.graph_nodes import read_nodes

__all__ = ["activations_bytes"]


def activations_bytes(model: bytes) -> int:
    """Most bytes of activations alive at one op: from the op that writes one to the last that reads it.

    Inputs live from the first op, outputs to the last. That is what a perfect planner needs that gives every tensor a
    place of its own; ops done in place could need less, alignment needs a little more.

    Args:
        model: the whole `.tflite` file.

    Raises:
        InputError: the file cannot be loaded.
    """
    nodes = read_nodes(model)
    born = dict.fromkeys(nodes.inputs, 0)
    dies = dict.fromkeys(nodes.outputs, len(nodes.ops) - 1)
    for op in nodes.ops:
        for tensor in op.outputs:
            born.setdefault(tensor, op.index)
        for tensor in (*op.inputs, *op.outputs):
            if tensor in born:
                dies[tensor] = max(dies.get(tensor, 0), op.index)
    alive = [0] * len(nodes.ops)
    for tensor, first in born.items():
        if not nodes.tensors[tensor].constant:
            for op_index in range(first, dies.get(tensor, first) + 1):
                alive[op_index] += nodes.tensors[tensor].size_bytes
    return max(alive, default=0)
