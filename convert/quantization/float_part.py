"""Which ops of a mixed file stay float."""

from __future__ import annotations

import re
from collections.abc import Sequence

from portraitlite.convert.quantization.graph import FloatGraph, score_tensor, short_name
from portraitlite.runtime.errors import InputError

__all__ = ["block_ends", "default_float_ops", "float_ops", "layer_names"]


def layer_names(graph: FloatGraph) -> list[str]:
    """What each op is called, in order: `Conv`, `expanded_conv.depthwise`, ..., `logits.semantic`."""
    # A convolution's kernel keeps its layer's name where the output is called after the whole graph.
    return [short_name(graph.names[op.inputs[1] if op.is_convolution else op.output]) for op in graph.ops]


def block_ends(names: Sequence[str]) -> list[int]:
    """Index of the last op of each block: layers whose names are equal up to the first dot. Without the very last."""
    blocks = [name.split(".")[0] for name in names]
    return [i for i in range(len(names) - 1) if blocks[i] != blocks[i + 1]]


def default_float_ops(graph: FloatGraph) -> frozenset[int]:
    """The first convolution, the first block, and the scores unless they are upsampled in the file.

    The errors of the first two amplify each other and are cheap to avoid; scores that differ by less than a step tie.
    Upsampled in float, the scores would cost more than they give.
    """
    first = next(i for i, op in enumerate(graph.ops) if op.is_convolution)  # a camera frame is resized before it
    ends = block_ends(layer_names(graph)[first:])
    stem = range(first + ends[min(1, len(ends) - 1)] + 1)
    scores = next(i for i, op in enumerate(graph.ops) if op.output == score_tensor(graph))
    upsampled = any(op.kind == "RESIZE_BILINEAR" for op in graph.ops[scores:])
    return frozenset(stem) | (frozenset() if upsampled else frozenset(range(scores, len(graph.ops))))


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
