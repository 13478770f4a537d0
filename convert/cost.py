"""What a network costs: multiply-adds, parameters and the memory of its activations."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from portraitlite.convert.networks.layers import Network, layer_name
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.types import Recipe
from portraitlite.runtime.types import OutputKind

__all__ = ["Cost", "network_cost", "plan_arena"]

ALIGNMENT = 64  # of a tensor in TFLite's arena (kDefaultTensorAlignment)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Cost of one inference.

    Attributes:
        multiply_adds: of all convolutions.
        parameters: of all convolutions, batch norms folded in.
        arena_bytes: activations of the network and its output, packed as TFLite's planner does without a delegate.
    """

    multiply_adds: int
    parameters: int
    arena_bytes: int

    def to_dict(self) -> dict[str, int]:
        """JSON-able."""
        return dataclasses.asdict(self)


def network_cost(network: Network, spec: DeepLabSpec, recipe: Recipe, output: OutputKind) -> Cost:
    """Cost of a network as it will be in the file."""
    multiply_adds = parameters = 0
    for row in network.rows:
        layer = network.model.get_layer(layer_name(row.scope))
        _, height, width, _ = layer.output.shape
        weights = int(np.prod(row.shape))
        multiply_adds += weights * height * width
        parameters += weights + row.channels
    width_bytes = {Recipe.INT8: 1, Recipe.MIXED: 1, Recipe.INT16X8: 2}.get(recipe, 4)  # mixed: nearly all of it
    tensors = _lifetimes(network.model, width_bytes)
    last = max(end for _, _, end in tensors)
    if output is OutputKind.LABELS:
        pixels = spec.crop_height * spec.crop_width
        # Upsampled logits, their int32 argmax, the uint8 labels: each lives for one step.
        tensors += [
            (pixels * spec.classes * width_bytes, last + 1, last + 2),
            (pixels * 4, last + 2, last + 3),
            (pixels, last + 3, last + 3),
        ]
    return Cost(multiply_adds, parameters, plan_arena(tensors))


def plan_arena(tensors: list[tuple[int, int, int]]) -> int:
    """Size of an arena for tensors (bytes, first step, last step), greedy by size.

    The rule of TFLite's `ArenaPlanner` (Pisarchyk and Lee 2020, arXiv 2001.03288): largest first, each into the
    smallest gap that is free during its life, else behind the tensors it overlaps in time.
    """
    placed: list[tuple[int, int, int, int]] = []  # offset, size, first, last
    for size, first, last in sorted(tensors, key=lambda t: -t[0]):
        size = -(-size // ALIGNMENT) * ALIGNMENT
        rivals = sorted(p for p in placed if p[2] <= last and first <= p[3])
        best, best_gap, cursor = None, None, 0
        for offset, rival_size, _, _ in rivals:
            gap = offset - cursor
            if gap >= size and (best_gap is None or gap < best_gap):
                best, best_gap = cursor, gap
            cursor = max(cursor, offset + rival_size)
        placed.append((cursor if best is None else best, size, first, last))
    return max((offset + size for offset, size, _, _ in placed), default=0)


def _lifetimes(model: Any, width_bytes: int) -> list[tuple[int, int, int]]:
    """(bytes, first step, last step) of every layer's output; activations are fused into their convolution."""
    order = {layer.name: step for step, layer in enumerate(model.layers)}
    last_use = dict(order)
    for layer in model.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        for tensor in inputs:
            producer = tensor._keras_history.operation.name
            last_use[producer] = max(last_use[producer], order[layer.name])
    last_use[model.output._keras_history.operation.name] = len(order)
    return [
        (int(np.prod(layer.output.shape[1:])) * width_bytes, order[layer.name], last_use[layer.name])
        for layer in model.layers
    ]
