"""Ranges that quantization-aware training learned, as starting ranges of our tensors.

A training graph names a layer by its scope, `MobilenetV2/expanded_conv_3/expand/Relu6`; ours is the same layer,
`expanded_conv_3.expand`, with its batch norm and activation fused.
"""

from __future__ import annotations

from collections.abc import Mapping

from portraitlite.convert.quantization.float_part import layer_names
from portraitlite.convert.quantization.graph import FloatGraph

__all__ = ["Ranges", "learned_ranges"]

Ranges = Mapping[str, tuple[float, float]]
KERNELS = {"weights", "depthwise_weights"}
SCOPES = {"MobilenetV2", "BatchNorm"}  # which our names leave out


def learned_ranges(graph: FloatGraph, ranges: Ranges) -> dict[int, tuple[float, float]]:
    """Tensor index -> (minimum, maximum).

    Args:
        graph: the float model.
        ranges: node name of the training graph -> (minimum, maximum); kernels and nodes that are no layer of ours are
            passed over. Of several nodes in one scope the last counts: the activation stands behind what it acts on.
    """
    of_layer: dict[str, tuple[float, float]] = {}
    for node, found in ranges.items():
        parts = [part for part in node.split("/") if part not in SCOPES]
        if parts and parts[-1] not in KERNELS:
            of_layer[".".join(parts)] = of_layer[".".join(parts[:-1])] = found
    names = layer_names(graph)
    return {op.output: of_layer[name] for name, op in zip(names, graph.ops, strict=True) if name in of_layer}
