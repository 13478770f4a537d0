"""Where the network lies in a GraphDef, and what its ops reveal. Found by structure: node numbers differ by version."""

from __future__ import annotations

import dataclasses
from typing import Any

from portraitlite.convert.sources.facts import GraphFacts, GraphOp, facts_of, resize_convention
from portraitlite.convert.sources.graph_def import PASS_THROUGH, Graph
from portraitlite.runtime.errors import InputError

__all__ = ["CONVOLUTIONS", "Cut", "find_cut", "graph_facts", "scope_of"]

CONVOLUTIONS = {"Conv2D": "weights", "DepthwiseConv2dNative": "depthwise_weights"}  # op -> its variable
BEHIND_LOGITS = PASS_THROUGH | {"ResizeBilinear", "Reshape", "Squeeze"}
LABEL_OPS = ("ArgMax", "Softmax")


@dataclasses.dataclass(frozen=True)
class Cut:
    """The network inside a graph that also prepares pictures and labels. Tensor names are node names.

    Attributes:
        network_input: normalised picture, what the first convolution takes (before any padding of its own).
        logits: at the network's own size, before any upsampling.
        scores: what the argmax takes, upsampled where the graph does so.
    """

    network_input: str
    logits: str
    scores: str


def scope_of(node: Any) -> str:
    """Official variable scope of a convolution: the name without its last part."""
    return str(node.name).rpartition("/")[0]


def find_cut(graph: Graph) -> Cut:
    """Walk from the labels up to the logits, and from the first convolution up to the normalised picture.

    Raises:
        InputError: no convolution, or not exactly one that has none above it.
    """
    convolutions = [name for name, node in graph.nodes.items() if node.op in CONVOLUTIONS]
    if not convolutions:
        raise InputError(f"{graph.name} holds no convolutions; expected the graph of a DeepLab")
    below = _below(graph, convolutions)
    ends = [name for op in LABEL_OPS for name in below if graph.nodes[name].op == op]
    if ends:
        scores = graph.input(ends[0], 0)
    else:
        takers = graph.consumers()
        ends = [name for name in below if not takers[name]]
        if len(ends) != 1:
            raise InputError(f"{graph.name} has {len(ends)} outputs and no ArgMax; expected the graph of one DeepLab")
        scores = ends[0]
    network = graph.ancestors(scores)
    stems = [n for n in convolutions if n in network and not (graph.ancestors(n) - {n}).intersection(convolutions)]
    if len(stems) != 1:
        raise InputError(f"{graph.name} has {len(stems)} first convolutions; expected one network with one input")
    picture = graph.input(stems[0], 0)
    return Cut(
        network_input=graph.resolve(picture, PASS_THROUGH | {"Pad"}),
        logits=graph.resolve(scores, BEHIND_LOGITS),
        scores=scores,
    )


def graph_facts(graph: Graph, cut: Cut, argument: tuple[int, int] | None = None) -> GraphFacts:
    """Facts of the network between the ends of `cut`.

    Args:
        graph: with the network.
        cut: from `find_cut`.
        argument: (height, width) of the argument, where the graph is a function that takes the picture.
    """
    network = graph.ancestors(cut.scores)
    if argument is not None and cut.network_input not in graph.nodes:
        crop: tuple[int, int] | None = argument
        reason = f"the signature takes {argument[0]}x{argument[1]}"
    else:
        crop, reason = _crop(graph, cut)
    return facts_of([_op(graph, name) for name in graph.nodes if name in network], crop, reason)


def _below(graph: Graph, convolutions: list[str]) -> list[str]:
    """Nodes with a convolution above them, in topological order."""
    below = set(convolutions)
    for name in graph.nodes:
        if below.intersection(graph.inputs(name)):
            below.add(name)
    return [name for name in graph.nodes if name in below]


def _op(graph: Graph, name: str) -> GraphOp:
    node, inputs = graph.nodes[name], graph.inputs(name)
    if node.op in CONVOLUTIONS:
        return GraphOp(name, "conv", inputs, scope_of(node), _spatial(node, "strides"), _dilation(graph, node))
    if node.op == "MaxPool":
        return GraphOp(name, "max_pool", inputs, strides=_spatial(node, "strides"))
    if node.op == "AvgPool":
        return GraphOp(name, "pool", inputs, strides=_spatial(node, "strides"), window=_spatial(node, "ksize"))
    if node.op == "ResizeBilinear":
        flags = node.attr["align_corners"].b, node.attr["half_pixel_centers"].b
        return GraphOp(name, "resize", inputs, convention=resize_convention(*flags))
    return GraphOp(name, "other", inputs)


def _dilation(graph: Graph, node: Any) -> int:
    """Of the op's own attribute, or of the SpaceToBatchND in front of it (TF1's way to dilate)."""
    producer = graph.nodes.get(graph.resolve(graph.input(node.name, 0)))
    if producer is not None and producer.op == "SpaceToBatchND":
        block = graph.small_ints(graph.input(producer.name, 1))
        if block:
            return block[0]
    return _spatial(node, "dilations")[0]


def _spatial(node: Any, attribute: str) -> tuple[int, int]:
    """The two middle numbers of an NHWC attribute; (1, 1) where it is absent."""
    values = list(node.attr[attribute].list.i)
    if len(values) != 4:
        return 1, 1
    first = 2 if node.attr["data_format"].s == b"NCHW" else 1
    return int(values[first]), int(values[first + 1])


def _crop(graph: Graph, cut: Cut) -> tuple[tuple[int, int] | None, str]:
    source = graph.nodes.get(cut.network_input)
    if source is not None and source.op.startswith("Placeholder"):
        sides = [int(dim.size) for dim in source.attr["shape"].shape.dim][1:3]
        if len(sides) == 2 and min(sides) > 0:
            return (sides[0], sides[1]), f"{source.name} takes {sides[0]}x{sides[1]}"
    scores = graph.nodes[graph.resolve(cut.scores)]
    if scores.op == "ResizeBilinear":
        size = graph.small_ints(graph.input(scores.name, 1))
        if size and len(size) == 2:
            return (size[0], size[1]), f"{scores.name} brings the logits to {size[0]}x{size[1]}"
    return _padding(graph, cut)


def _padding(graph: Graph, cut: Cut) -> tuple[tuple[int, int] | None, str]:
    """The official padding adds max(crop - side, 0) below and to the right; the side is an element of the shape."""
    above = graph.ancestors(cut.network_input)
    sides: dict[int, int] = {}
    for name, node in graph.nodes.items():
        if name not in above or node.op != "Maximum":
            continue
        difference = graph.nodes.get(graph.input(name, 0))
        if difference is None or difference.op != "Sub":
            continue
        side = graph.small_ints(graph.input(difference.name, 0))
        element = graph.nodes.get(graph.input(difference.name, 1))
        axis = graph.small_ints(graph.input(element.name, 1)) if element and element.op == "StridedSlice" else None
        if side and axis:
            sides[axis[0]] = side[0]  # the height's axis comes first, with a batch axis before it or without
    if len(sides) != 2:
        return None, ""
    height, width = (sides[axis] for axis in sorted(sides))
    return (height, width), f"the graph pads pictures to {height}x{width}"
