"""Measure what XNNPACK takes: load the file here and look which nodes the delegate replaced."""

from __future__ import annotations

from pathlib import Path

from portraitlite.convert.inspect.graph import Graph
from portraitlite.convert.inspect.measurement import Measurement, NotMeasured, run_probe

__all__ = ["delegated_ops", "measure_xnnpack"]

DELEGATE = "DELEGATE"  # what the runtime calls a node that stands for others


def measure_xnnpack(path: Path, graph: Graph, arena_bytes: int) -> Measurement | NotMeasured:
    """Which ops stay outside of the nodes that XNNPACK, the runtime's default delegate, makes.

    Args:
        path: the file.
        graph: its records.
        arena_bytes: of its activations.
    """
    result = run_probe("xnnpack", path, arena_bytes)
    if isinstance(result, NotMeasured):
        return result
    answer, _ = result
    nodes = answer["nodes"]
    if len(nodes) < len(graph.ops):
        return NotMeasured(f"the runtime lists {len(nodes)} nodes, the file has {len(graph.ops)} ops")
    delegates = [node for node in nodes[len(graph.ops) :] if node["kind"] == DELEGATE]
    inside: set[int] = set()
    for node in delegates:
        inside |= delegated_ops(graph, node["inputs"], node["outputs"])
    version = f"ai-edge-litert {answer['version']}"
    basis = f"measured: {version} here made {len(delegates)} delegate node{'s' * (len(delegates) != 1)}"
    return Measurement({op.index: op.index in inside for op in graph.ops}, version, basis)


def delegated_ops(graph: Graph, inputs: list[int], outputs: list[int]) -> set[int]:
    """The ops that a delegate node stands for: everything between its inputs and its outputs."""
    border = set(inputs)
    waiting = list(outputs)
    found: set[int] = set()
    while waiting:
        tensor = waiting.pop()
        producer = graph.producers.get(tensor)
        if tensor in border or producer is None or producer.index in found:
            continue
        found.add(producer.index)
        waiting.extend(producer.inputs)
    return found
