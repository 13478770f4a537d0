"""Read the official variables out of a frozen graph: plain, folded by an optimiser, or trained for quantization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import MAX_VARIABLE_BYTES, is_model_variable
from portraitlite.convert.sources.facts import Reading
from portraitlite.convert.sources.folded import absorb_epsilon, identity_norm
from portraitlite.convert.sources.graph_def import PASS_THROUGH, Graph, parse_graph_def, read_bounded
from portraitlite.convert.sources.graph_facts import CONVOLUTIONS, find_cut, graph_facts, scope_of
from portraitlite.runtime.errors import InputError

__all__ = ["constant_variables", "fake_quant_ranges", "read_frozen_graph"]

Float32 = npt.NDArray[np.float32]
FLOAT_TYPES = {1, 2, 14, 19}  # DT_FLOAT, DT_DOUBLE, DT_BFLOAT16, DT_HALF
LEAVES = ("/weights", "/depthwise_weights", "/biases")
NORM_LEAVES = tuple(f"/BatchNorm/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance"))
BIAS_OPS = ("BiasAdd", "Add", "AddV2")
BEFORE_BIAS = PASS_THROUGH | {"BatchToSpaceND"}
MAX_ELEMENTS = MAX_VARIABLE_BYTES // 4


def read_frozen_graph(path: Path) -> Reading:
    """Variables, facts and, after quantization-aware training, the learned ranges.

    Args:
        path: a binary GraphDef, such as the zoo's `frozen_inference_graph.pb`.

    Raises:
        InputError: no frozen graph of a DeepLab, or one with ops that no inference needs (files, Python, state).
    """
    graph = parse_graph_def(read_bounded(path), path.name)
    cut = find_cut(graph)
    return Reading(constant_variables(graph), graph_facts(graph, cut), fake_quant_ranges(graph))


def constant_variables(graph: Graph) -> dict[str, Float32]:
    """Official name -> value, float32, from the constants of a frozen graph.

    A convolution whose batch norm was folded away gets an identity batch norm with the bias as `beta`.

    Raises:
        InputError: a convolution without constant weights, batch norms in training mode, too large.
    """
    variables: dict[str, Float32] = {}
    elements = 0

    def take(name: str, source: str) -> None:
        nonlocal elements
        value = graph.constant(source, MAX_ELEMENTS - elements)
        if value is None:
            raise InputError(f"{graph.name}: {name} is not constant; freeze the graph with its variables")
        elements += value.size
        variables[name] = value.astype(np.float32)

    for name, node in graph.nodes.items():
        official = name.endswith(LEAVES + NORM_LEAVES) and is_model_variable(name)
        if node.op == "Const" and official and node.attr["dtype"].type in FLOAT_TYPES:
            take(name, name)
    takers = graph.consumers()
    for name, node in graph.nodes.items():
        if node.op not in CONVOLUTIONS:
            continue
        scope = scope_of(node)
        kernel = f"{scope}/{CONVOLUTIONS[node.op]}"
        if kernel in variables and (f"{scope}/biases" in variables or f"{scope}/BatchNorm/beta" in variables):
            continue
        if kernel not in variables:
            take(kernel, graph.input(name, 1))
        variables |= identity_norm(scope, _bias(graph, takers, name, variables[kernel], node))
    for node in graph.nodes.values():
        if node.op.startswith("FusedBatchNorm"):
            _check_norm(graph, node, variables)
    return variables


def fake_quant_ranges(graph: Graph) -> dict[str, tuple[float, float]]:
    """Tensor (node name) -> (minimum, maximum) of every fake quantization with constant ends."""
    ranges = {}
    for name, node in graph.nodes.items():
        if node.op != "FakeQuantWithMinMaxVars":
            continue
        low, high = (graph.constant(graph.input(name, i), 1) for i in (1, 2))
        if low is not None and high is not None:
            ranges[graph.resolve(graph.input(name, 0))] = float(low.item()), float(high.item())
    return ranges


def _bias(graph: Graph, takers: dict[str, list[str]], name: str, kernel: Float32, node: Any) -> Float32:
    """What is added per channel right behind a convolution."""
    channels = kernel.shape[2] * kernel.shape[3] if node.op == "DepthwiseConv2dNative" else kernel.shape[-1]
    while True:
        following = takers[name]
        for taker in following:
            if graph.nodes[taker].op in BIAS_OPS:
                for entry in graph.inputs(taker):
                    value = graph.constant(entry, MAX_ELEMENTS)
                    if value is not None and value.shape == (channels,):
                        return value.astype(np.float32)
        passing = [taker for taker in following if graph.nodes[taker].op in BEFORE_BIAS]
        if not passing:
            return np.zeros(channels, np.float32)
        name = passing[0]


def _check_norm(graph: Graph, node: Any, variables: dict[str, Float32]) -> None:
    if node.attr["is_training"].b:
        raise InputError(f"{graph.name}: {node.name} uses the statistics of the batch; export the graph for inference")
    variance = graph.resolve(graph.input(node.name, 4))
    if variance in variables:
        scope = variance.removesuffix("/BatchNorm/moving_variance")
        variables[variance] = absorb_epsilon(scope, variables[variance], node.attr["epsilon"].f)
