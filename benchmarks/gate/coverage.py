"""How much of a file the runtime's default delegate (XNNPACK) takes here."""

from __future__ import annotations

from portraitlite.benchmarks.graph_nodes import read_nodes
from portraitlite.runtime.errors import InputError

__all__ = ["delegate_coverage"]


def delegate_coverage(model: bytes, *, what: str = "the model") -> float:
    """Share of the file's ops that run inside of delegate nodes, 0..1; ai-edge-litert is asked, whatever runs it.

    Raises:
        InputError: the file cannot be loaded, or has no ops.
    """
    ops = read_nodes(model).ops
    if not ops:
        raise InputError(f"{what} has no ops; convert it again")
    return sum(op.partition is not None for op in ops) / len(ops)
