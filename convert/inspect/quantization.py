"""How a file is quantized, in one word and in figures."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from portraitlite.convert.inspect.graph import EIGHT_BIT, Graph

__all__ = ["QuantizationSummary", "summarize"]

INTEGER_WEIGHTS = (*EIGHT_BIT, "int4", "int2", "uint4")
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")


@dataclasses.dataclass(frozen=True)
class QuantizationSummary:
    """Of one file.

    Attributes:
        scheme: `float32`, `float16 weights`, `dynamic range`, `int8`, `uint8`, `int16x8`, `mixed`, or what the
            activations are made of where nothing has weights.
        activations: number of computed tensors by type.
        weights: number of stored elements of the weighted ops by type, biases aside.
        per_channel, per_tensor: number of quantized filters of either kind.
        unusable: names of tensors with a scale that is zero, negative or no number.
    """

    scheme: str
    activations: dict[str, int]
    weights: dict[str, int]
    per_channel: int
    per_tensor: int
    unusable: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "unusable": list(self.unusable)}


def summarize(graph: Graph) -> QuantizationSummary:
    """Read off types and scales."""
    weighted = [op for op in graph.ops if op.kind in WEIGHTED and op.outputs]
    filters = {}
    for op in weighted:
        tensor = graph.input(op, 1)
        stored = graph.stored(tensor) if tensor is not None else None
        if stored is not None:
            filters[stored.index] = stored
    weights: Counter[str] = Counter()
    for stored in filters.values():
        weights[stored.dtype] += stored.elements
    computed = dict.fromkeys((*graph.inputs, *(t for op in graph.ops for t in op.outputs)))
    activations = Counter(graph.tensors[t].dtype for t in computed if graph.stored(graph.tensors[t]) is None)
    results = {graph.tensors[op.outputs[0]].dtype for op in weighted}
    quantized = [stored.quantization for stored in filters.values() if stored.quantization is not None]
    return QuantizationSummary(
        scheme=_scheme(results, set(weights)) if weighted else " and ".join(sorted(activations)) or "empty",
        activations=dict(activations.most_common()),
        weights=dict(weights.most_common()),
        per_channel=sum(q.per_channel for q in quantized),
        per_tensor=sum(not q.per_channel for q in quantized),
        unusable=tuple(
            t.name or f"tensor {t.index}" for t in graph.tensors if t.quantization and not t.quantization.usable
        ),
    )


def _scheme(activations: set[str], weights: set[str]) -> str:
    """From the output types of the weighted ops and the types of their filters."""
    if activations == {"float32"}:
        if weights <= {"float32"}:
            return "float32"
        if weights <= {"float16", "float32"}:
            return "float16 weights"
        if weights & set(INTEGER_WEIGHTS):
            return "dynamic range"
    if activations == {"int16"} and weights <= set(INTEGER_WEIGHTS):
        return "int16x8"
    if len(activations) == 1 and activations <= set(EIGHT_BIT) and weights <= set(INTEGER_WEIGHTS):
        return activations.pop()
    return "mixed"
