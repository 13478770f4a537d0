"""A snapshot in edge-compat's format as rules: one delegate, one runtime version, given with `--matrix`.

Only what can be read off the file is matched: an entry with a constraint that this module does not know fits nothing.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from portraitlite.convert.inspect.graph import Graph, Op, Tensor
from portraitlite.convert.inspect.rules import Evidence, Rule, Verdict
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.runtime.errors import InputError

__all__ = ["Matrix", "MatrixRule", "read_matrix"]

MAX_BYTES = 16 << 20
MAX_ENTRIES = 20_000
MAX_TEXT = 2000
VERSIONS = ("1.0", "1.1", "1.2", "1.3")
VERDICTS = {
    "delegated": Verdict.TAKES,
    "partial": Verdict.TAKES,
    "incorrect": Verdict.TRAPS,
    "fallback": Verdict.REFUSES,
    "crash": Verdict.REFUSES,
    "unknown": Verdict.UNKNOWN,
}
# Where entries contradict each other without a constraint that tells them apart, the worse one counts.
SEVERITY = {Verdict.REFUSES: 0, Verdict.UNKNOWN: 1, Verdict.TRAPS: 2, Verdict.TAKES: 3}
PADS = ("PAD", "PADV2", "MIRROR_PAD")


@dataclasses.dataclass(frozen=True)
class MatrixRule(Rule):
    """A rule with edge-compat's constraints instead of ours.

    Attributes:
        constraints: key -> value, compared with what `_facts` reads off an op.
    """

    constraints: tuple[tuple[str, Any], ...] = ()

    def fits(self, graph: Graph, op: Op) -> bool:
        if op.kind not in self.ops:
            return False
        # Entries name the types of the outputs.
        if self.types and not all(t.dtype in self.types for t in graph.outputs_of(op)):
            return False
        facts = _facts(graph, op)
        return all(_holds(facts, key, value) for key, value in self.constraints)


@dataclasses.dataclass(frozen=True)
class Matrix:
    """One snapshot.

    Attributes:
        backend: its name, such as `gpu_mldrift`.
        version: of the runtime.
        target: device and driver, where the snapshot names them.
        rules: the most specific first, so that the first that fits decides.
    """

    backend: str
    version: str
    target: str
    rules: tuple[MatrixRule, ...]


def read_matrix(path: Path) -> Matrix:
    """Read a snapshot.

    Raises:
        InputError: unreadable, not JSON, or of another format.
    """
    try:
        document = json.loads(read_bounded(path, MAX_BYTES))
        version = document["schema_version"]
        if version not in VERSIONS:
            raise InputError(f"{path.name} has schema version {version!r}; known are {', '.join(VERSIONS)}")
        backend, runtime = _text(document["backend"]), _text(document["litert_version"])
        entries = document["entries"]
        if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
            raise InputError(f"{path.name} has no list of at most {MAX_ENTRIES} entries; give a matrix snapshot")
        rules = [_rule(backend, runtime, entry) for entry in entries if entry["provenance"] != "example"]
        target = ", ".join(_text(value) for value in document.get("target", {}).values())
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name} is no matrix snapshot in edge-compat's format ({error!r:.120})") from error
    rules.sort(key=lambda rule: (-len(rule.constraints), not rule.types, SEVERITY[rule.verdict]))
    return Matrix(backend, runtime, target, tuple(rules))


def _rule(backend: str, version: str, entry: dict[str, Any]) -> MatrixRule:
    evidence = entry.get("evidence", {})
    model, date = _text(evidence.get("source_model", "")), _text(evidence.get("date", ""))
    hints = entry.get("rewrite_hints", [])
    return MatrixRule(
        id="M",
        delegate=backend,
        ops=(_text(entry["op"]),),
        types=tuple(_text(dtype) for dtype in entry.get("dtypes", [])),
        verdict=VERDICTS[entry["status"]],
        evidence=Evidence.REPORTED if entry["provenance"] == "measured" else Evidence.RULE,
        source=", ".join(filter(None, [f"edge-compat {backend}", model, date])),
        version=_text(evidence.get("litert_version", version)),
        why=_text(entry.get("conditions", "")),
        fix="; ".join(_text(hint["rewrite"]) for hint in hints),
        constraints=tuple(entry.get("constraints", {}).items()),
    )


def _text(value: object) -> str:
    """Bounded, printable, one line."""
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {type(value).__name__}")
    return "".join(c for c in " ".join(value.split())[:MAX_TEXT] if c.isprintable())


def _holds(facts: dict[str, Any], key: str, wanted: Any) -> bool:
    if key in ("max_rank", "min_rank"):
        rank = facts.get("rank", 0)
        return bool(rank <= wanted if key == "max_rank" else rank >= wanted) if isinstance(wanted, int) else False
    return key in facts and type(facts[key]) is type(wanted) and bool(facts[key] == wanted)


def _facts(graph: Graph, op: Op) -> dict[str, Any]:
    """The constraint keys that edge-compat's own linter computes, as far as entries in use name them."""
    outputs = graph.outputs_of(op)
    facts: dict[str, Any] = {"dynamic_shape": any(t.dynamic for t in outputs)}
    if outputs:
        facts["rank"] = len(outputs[0].shape)
    for letter, tensor in zip("abcd", graph.inputs_of(op), strict=False):
        facts[f"operand_{letter}"] = "constant" if tensor.constant else "activation"
        facts[f"operand_{letter}_rank"] = len(tensor.shape)
    if op.kind in PADS:
        facts["axis"] = _padded_axis(graph.input(op, 1))
    weights = graph.input(op, 1)
    if weights is not None and op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        stored = graph.stored(weights)
        facts["weight_dtype"] = (stored or weights).dtype
        facts["weight_source"] = "constant" if weights.constant else "DEQUANTIZE" if stored else "activation"
    return facts


def _padded_axis(paddings: Tensor | None) -> str:
    if paddings is None or paddings.values is None:
        return "unknown"
    padded = [axis for axis in range(len(paddings.values) // 2) if any(paddings.values[2 * axis : 2 * axis + 2])]
    if not padded:
        return "none"
    return "innermost" if padded == [len(paddings.values) // 2 - 1] else "non-innermost"
