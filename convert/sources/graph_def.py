"""A TensorFlow GraphDef as data: parsed within bounds, walked, never run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError

__all__ = ["ALLOWED_OPS", "MAX_GRAPH_BYTES", "Graph", "parse_graph_def", "parse_message", "read_bounded"]

MAX_GRAPH_BYTES = 1 << 30  # Xception-65 takes 165 MB
MAX_NODES = 100_000  # the official graphs have about 1000
MAX_SMALL_CONSTANT = 64  # elements of a size, shape or padding

# What official, quantization-aware and optimised DeepLab graphs are made of. Nothing here touches files, other
# processes, Python or state.
_ALLOWED = """
    Add AddV2 All Any ArgMax Assert AvgPool BatchToSpaceND BiasAdd Cast Ceil Concat ConcatV2 Const Conv2D
    DepthwiseConv2dNative Equal Exp ExpandDims FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3
    Gather GatherV2 Greater GreaterEqual Identity IdentityN Less LessEqual LogicalAnd LogicalNot LogicalOr Max MaxPool
    Maximum Mean Merge Min Minimum MirrorPad Mul Neg NoOp NotEqual OnesLike Pack Pad PadV2 Placeholder
    PlaceholderWithDefault Prod Range Rank RealDiv Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2
    Round Rsqrt Select SelectV2 Shape Sigmoid Size Slice Softmax SpaceToBatchND Split SplitV Sqrt Square
    SquaredDifference Squeeze StopGradient StridedSlice Sub Sum Switch Tile Transpose Unpack Where ZerosLike
"""
ALLOWED_OPS = frozenset(_ALLOWED.split())
FAKE_QUANT_OPS = frozenset(op for op in ALLOWED_OPS if op.startswith("FakeQuant"))
PASS_THROUGH = FAKE_QUANT_OPS | {"Identity", "StopGradient"}


def read_bounded(path: Path, limit: int = MAX_GRAPH_BYTES) -> bytes:
    """The file's bytes.

    Raises:
        InputError: unreadable or larger than `limit`.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a file") from error
    if len(data) > limit:
        raise InputError(f"{path.name} is larger than {limit >> 20} MiB; no DeepLab is, refused")
    return data


def parse_message(message: Any, data: bytes, what: str) -> Any:
    """Fill a protobuf message.

    Args:
        message: empty.
        data: its bytes.
        what: `NAME is not ...`, for the error.

    Raises:
        InputError: damaged.
    """
    try:
        message.ParseFromString(data)
    except Exception as error:  # DecodeError, RecursionError, ...: it depends on protobuf's implementation
        raise InputError(f"{what} ({' '.join(str(error).split())[:160]})") from error
    return message


def parse_graph_def(data: bytes, name: str) -> Graph:
    """A frozen graph.

    Args:
        data: the file's bytes.
        name: of the file, for messages.

    Raises:
        InputError: no GraphDef, or one with functions or ops outside `ALLOWED_OPS`.
    """
    from tensorflow.core.framework import graph_pb2

    message = parse_message(graph_pb2.GraphDef(), data, f"{name} is not a frozen TensorFlow graph")
    if not message.node:
        raise InputError(f"{name} holds no nodes; expected a frozen TensorFlow graph")
    if message.library.function:
        raise InputError(f"{name} holds functions; expected a frozen graph without them: freeze it again in TF1 style")
    graph = Graph(message.node, name)
    graph.require_ops(ALLOWED_OPS)
    return graph


class Graph:
    """Nodes by name, producers before consumers.

    Attributes:
        name: of the file, for messages.
        nodes: node name -> NodeDef, in topological order.
    """

    def __init__(self, nodes: Iterable[Any], name: str) -> None:
        """Sort `nodes`.

        Raises:
            InputError: too many nodes, two of one name, or a cycle.
        """
        found: dict[str, Any] = {}
        for node in nodes:
            if node.name in found or len(found) >= MAX_NODES:
                raise InputError(f"{name} has more than {MAX_NODES} nodes or two called {node.name!r}; refused")
            found[node.name] = node
        self.name = name
        self._inputs = {key: tuple(filter(None, map(_producer, node.input))) for key, node in found.items()}
        self.nodes: dict[str, Any] = {key: found[key] for key in self._topological(found)}

    def require_ops(self, allowed: frozenset[str]) -> None:
        """Refuse every op that is not known to be harmless.

        Raises:
            InputError: names the first.
        """
        for node in self.nodes.values():
            if node.op not in allowed:
                raise InputError(
                    f"{self.name} holds the op {node.op!r} (node {node.name!r}), which is no part of a DeepLab for "
                    f"inference; refused (graphs are read, never run)"
                )

    def inputs(self, name: str) -> tuple[str, ...]:
        """Names of the nodes whose data `name` takes."""
        return self._inputs[name]

    def input(self, name: str, index: int) -> str:
        """Name of one data input.

        Raises:
            InputError: the node has fewer.
        """
        if index >= len(self._inputs[name]):
            raise InputError(f"{self.name}: node {name!r} lacks input {index}; the graph is damaged")
        return self._inputs[name][index]

    def consumers(self) -> dict[str, list[str]]:
        """Node name -> nodes that take its data."""
        result: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name in self.nodes:
            for producer in self._inputs[name]:
                if producer in result:
                    result[producer].append(name)
        return result

    def ancestors(self, name: str) -> set[str]:
        """`name` and every node it depends on."""
        seen, waiting = {name}, [name]
        while waiting:
            for producer in self._inputs.get(waiting.pop(), ()):
                if producer in self.nodes and producer not in seen:
                    seen.add(producer)
                    waiting.append(producer)
        return seen

    def resolve(self, name: str, through: frozenset[str] = PASS_THROUGH) -> str:
        """The node behind identities and fake quantization."""
        while name in self.nodes and self.nodes[name].op in through and self._inputs[name]:
            name = self._inputs[name][0]
        return name

    def constant(self, name: str, limit: int) -> npt.NDArray[Any] | None:
        """Value of the Const behind `name`, or None where there is no Const.

        Raises:
            InputError: more than `limit` elements, or damaged.
        """
        node = self.nodes.get(self.resolve(name))
        if node is None or node.op != "Const":
            return None
        import tensorflow as tf

        tensor = node.attr["value"].tensor
        # The shape may promise more than the bytes hold: one value fills the whole tensor.
        if any(dim.size < 0 for dim in tensor.tensor_shape.dim) or _elements(tensor) > limit:
            raise InputError(f"{self.name}: the constant {node.name!r} has {_elements(tensor)} elements; refused")
        try:
            return np.asarray(tf.make_ndarray(tensor))
        except (TypeError, ValueError) as error:
            raise InputError(f"{self.name}: the constant {node.name!r} is damaged ({error})") from error

    def small_ints(self, name: str, depth: int = 3) -> list[int] | None:
        """Value of a size or shape that is constant, also behind Pack and StridedSlice; None where it is not."""
        name = self.resolve(name)
        node = self.nodes.get(name)
        if node is None or depth == 0 or len(self._inputs[name]) > MAX_SMALL_CONSTANT:
            return None
        if node.op == "Const":
            if not 0 <= _elements(node.attr["value"].tensor) <= MAX_SMALL_CONSTANT:
                return None
            value = self.constant(name, MAX_SMALL_CONSTANT)
            return None if value is None or value.dtype.kind not in "iu" else [int(v) for v in value.ravel()]
        parts = [self.small_ints(producer, depth - 1) for producer in self._inputs[name]]
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        if node.op == "Pack":
            return [v for part in known for v in part]
        if node.op == "StridedSlice" and len(known) == 4 and all(len(part) == 1 for part in known[1:]):
            values, (begin,), (end,), (step,) = known
            begin_open, end_open = node.attr["begin_mask"].i & 1, node.attr["end_mask"].i & 1
            return values[None if begin_open else begin : None if end_open else end : step or 1]
        return None

    def _topological(self, found: dict[str, Any]) -> Iterator[str]:
        done: set[str] = set()
        open_: set[str] = set()
        for start in found:
            stack = [start]
            while stack:
                name = stack[-1]
                if name in done:
                    stack.pop()
                    continue
                waiting = [p for p in self._inputs[name] if p in found and p not in done]
                if not waiting:
                    done.add(name)
                    stack.pop()
                    yield name
                elif name in open_:
                    raise InputError(f"{self.name} has a cycle at node {name!r}; a network for inference has none")
                else:
                    open_.add(name)
                    stack.extend(waiting)


def _producer(entry: str) -> str:
    """Node of an input entry; empty for a control input, which carries no data."""
    return "" if entry.startswith("^") else entry.split(":", 1)[0]


def _elements(tensor: Any) -> int:
    return math.prod(int(dim.size) for dim in tensor.tensor_shape.dim)
