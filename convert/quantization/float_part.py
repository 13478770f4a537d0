"""Which ops of a mixed file stay float."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

from portraitlite.convert.quantization.float_storage import grid_of
from portraitlite.convert.quantization.graph import FloatGraph, score_tensor, short_name
from portraitlite.runtime.errors import InputError

__all__ = ["block_ends", "default_float_ops", "float_ops", "float_share", "layer_names"]

MAX_SHARE = 0.3  # of the multiply-adds that are float by default
MAX_GROWTH = 0.04  # of the file, by float kernels that int8 cannot hold exactly


def layer_names(graph: FloatGraph) -> list[str]:
    """What each op is called, in order: `Conv`, `expanded_conv.depthwise`, ..., `logits.semantic`."""
    # A convolution's kernel keeps its layer's name where the output is called after the whole graph.
    return [short_name(graph.names[op.inputs[1] if op.is_convolution else op.output]) for op in graph.ops]


def block_ends(names: Sequence[str]) -> list[int]:
    """Index of the last op of each block: layers whose names are equal up to the first dot. Without the very last."""
    blocks = [name.split(".")[0] for name in names]
    return [i for i in range(len(names) - 1) if blocks[i] != blocks[i + 1]]


def default_float_ops(graph: FloatGraph) -> frozenset[int]:
    """A beginning of the network, and the scores unless they are upsampled in the file.

    The first convolution and the first block at least: their errors amplify each other. Then as many blocks as keep
    `MAX_SHARE` and `MAX_GROWTH`: the more of the beginning is float, the fewer labels change. Scores that differ by
    less than a step tie; upsampled in float, they would cost more than they give.
    """
    first = next(i for i, op in enumerate(graph.ops) if op.is_convolution)  # a camera frame is resized before it
    scores = next(i for i, op in enumerate(graph.ops) if op.output == score_tensor(graph))
    upsampled = any(op.kind == "RESIZE_BILINEAR" for op in graph.ops[scores:])
    tail = frozenset[int]() if upsampled else frozenset(range(scores, len(graph.ops)))
    ends = [first + end for end in block_ends(layer_names(graph)[first:])]
    beginnings = [tail.union(range(end + 1)) for end in ends]
    growth = _growth_by_op(graph)
    longer = (
        b for b in beginnings[2:] if float_share(graph, b) <= MAX_SHARE and sum(growth[i] for i in b) <= MAX_GROWTH
    )
    return max(longer, key=len, default=(beginnings[:2] or [tail])[-1])


def _growth_by_op(graph: FloatGraph) -> list[float]:
    """By how much of all int8 kernels each op grows the file when it is float; 0 where its kernel is on a grid."""
    kernels = {i: graph.constants[op.inputs[1]] for i, op in enumerate(graph.ops) if op.is_convolution}
    whole = sum(kernel.size for kernel in kernels.values())
    growth = [0.0] * len(graph.ops)
    for i, kernel in kernels.items():
        if grid_of(kernel, graph.ops[i].channel_axis) is None:
            growth[i] = 3 * kernel.size / whole
    return growth


def float_ops(graph: FloatGraph, patterns: Sequence[str]) -> frozenset[int]:
    """Indices of the ops whose whole layer name matches one of the regular expressions.

    Raises:
        InputError: a pattern is no regular expression, or matches nothing.
    """
    names = layer_names(graph)
    found: set[int] = set()
    for pattern in patterns:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise InputError(f"{pattern!r} is not a regular expression ({error})") from error
        matching = {i for i, name in enumerate(names) if expression.fullmatch(name)}
        if not matching:
            raise InputError(f"no layer is called {pattern!r}; this network has {', '.join(dict.fromkeys(names))}")
        found |= matching
    return frozenset(found)


def float_share(graph: FloatGraph, float_ops: Collection[int]) -> float:
    """Share of the multiply-adds of all convolutions that belong to the ops of these indices."""
    counts = {
        i: math.prod(graph.shapes[op.output][1:3]) * math.prod(graph.shapes[op.inputs[1]])
        for i, op in enumerate(graph.ops)
        if op.is_convolution
    }
    return sum(count for i, count in counts.items() if i in float_ops) / sum(counts.values())
