"""How much of a file the runtime's default delegate (XNNPACK) takes here."""

from __future__ import annotations

from typing import Any

from portraitlite.runtime.backends import InterpreterRunner, open_model
from portraitlite.runtime.errors import InputError

__all__ = ["delegate_coverage"]

DELEGATE = "DELEGATE"  # what the runtime calls a node that stands for others


def delegate_coverage(model: bytes, *, what: str = "the model", backend: str | None = None) -> float:
    """Share of the file's ops that run inside of delegate nodes, 0..1.

    Raises:
        InputError: the file cannot be loaded, or the runtime does not list its ops.
    """
    runner = open_model(model, what=what, backend=backend)
    assert isinstance(runner, InterpreterRunner)
    try:
        nodes: list[dict[str, Any]] = runner.interpreter._get_ops_details()
    except AttributeError as error:
        raise InputError(f"{runner.backend} does not say what its delegate takes; take --backend litert") from error
    ops = [node for node in nodes if node["op_name"] != DELEGATE]
    producers = {int(tensor): index for index, op in enumerate(ops) for tensor in op["outputs"]}
    inside: set[int] = set()
    for node in nodes:
        if node["op_name"] != DELEGATE:
            continue
        border, waiting = set(map(int, node["inputs"])), list(map(int, node["outputs"]))
        while waiting:  # everything between a delegate node's outputs and its inputs
            tensor = waiting.pop()
            index = producers.get(tensor)
            if tensor not in border and index is not None and index not in inside:
                inside.add(index)
                waiting.extend(map(int, ops[index]["inputs"]))
    if not ops:
        raise InputError(f"{what} has no ops; convert it again")
    return len(inside) / len(ops)
