"""What an inspected graph costs: multiply-adds and parameters per op, the arena of its activations."""

from __future__ import annotations

import dataclasses
import math

from portraitlite.convert.cost import plan_arena
from portraitlite.convert.inspect.graph import Graph, Op, Tensor

__all__ = ["OpCost", "arena_bytes", "op_costs"]

PARAMETER_TYPES = ("float32", "float16", "bfloat16", "int16", "int8", "int4", "int2", "uint8", "uint4")


@dataclasses.dataclass(frozen=True)
class OpCost:
    """Of one op.

    Attributes:
        multiply_adds: of convolutions, fully connected layers and matrix products; 0 for every other op.
        parameters: elements of the constants it computes with, each counted at its first reader.
        measurable: False where a dynamic side makes the figure a lower bound.
    """

    multiply_adds: int
    parameters: int
    measurable: bool


def op_costs(graph: Graph) -> tuple[OpCost, ...]:
    """One entry per op."""
    seen: set[int] = set()
    costs = []
    for op in graph.ops:
        parameters = 0
        # A DEQUANTIZE of weights only unpacks them: they count where they are used.
        sources = [graph.stored(t) for t in graph.inputs_of(op)] if op.kind != "DEQUANTIZE" else []
        for source in sources:
            if source is not None and source.index not in seen and _is_parameter(source):
                seen.add(source.index)
                parameters += source.elements
        tensors = [*graph.inputs_of(op), *graph.outputs_of(op)]
        costs.append(OpCost(_multiply_adds(graph, op), parameters, not any(t.dynamic for t in tensors)))
    return tuple(costs)


def _is_parameter(tensor: Tensor) -> bool:
    """Weights and biases, not axes and shapes: an integer bias has a scale."""
    return tensor.dtype in PARAMETER_TYPES or tensor.quantization is not None


def _multiply_adds(graph: Graph, op: Op) -> int:
    """Zero for ops whose tensors do not have the ranks their kind asks for."""
    second = graph.input(op, 1)
    if second is None or not op.outputs:
        return 0
    output = graph.tensors[op.outputs[0]]
    sides = [max(side, 1) for side in second.shape]
    if op.kind == "CONV_2D" and len(sides) == 4:
        return output.elements * math.prod(sides[1:])
    if op.kind == "DEPTHWISE_CONV_2D" and len(sides) == 4:
        return output.elements * sides[1] * sides[2]
    if op.kind == "TRANSPOSE_CONV" and len(sides) == 4:
        image = graph.input(op, 2)  # each of its elements is spread over the kernel
        return image.elements * math.prod(sides[:3]) if image is not None else 0
    if op.kind == "FULLY_CONNECTED" and len(sides) == 2:
        return output.elements * sides[1]
    if op.kind == "BATCH_MATMUL" and len(sides) >= 2:
        return output.elements * sides[-1 if op.options.get("adjY") else -2]
    return 0


def arena_bytes(graph: Graph) -> int:
    """Activations packed as TFLite's planner does without a delegate; scratch memory of kernels is not in it.

    The planner keeps inputs for the whole run and outputs to its end.
    """
    last = len(graph.ops)
    first_step: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    last_step: dict[int, int] = dict.fromkeys(graph.inputs, last)
    for op in graph.ops:
        for t in op.outputs:
            first_step.setdefault(t, op.index)
            last_step[t] = max(last_step.get(t, 0), op.index)
        for t in op.inputs:
            if t in first_step:
                last_step[t] = max(last_step[t], op.index)
    last_step.update((t, last) for t in graph.outputs if t in first_step)
    spans = [
        (graph.tensors[t].size_bytes, first, last_step[t])
        for t, first in first_step.items()
        if not graph.tensors[t].constant
    ]
    return plan_arena(spans)
