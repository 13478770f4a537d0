"""The delegate rules as records; the data is `rules.toml` beside this file."""

from __future__ import annotations

import dataclasses
import enum
import functools
import tomllib
from importlib import resources
from typing import Any

import portraitlite.convert.inspect.trap_conditions  # noqa: F401  (registers its conditions)
from portraitlite.convert.inspect.conditions import CONDITIONS
from portraitlite.convert.inspect.graph import Graph, Op

__all__ = ["Delegate", "Evidence", "Rule", "Verdict", "load_rules", "load_sources"]


class Delegate(enum.StrEnum):
    """Where an op may run: XNNPACK on the CPU, LiteRT's GPU accelerator (ML Drift), Qualcomm's HTP through QNN."""

    XNNPACK = "xnnpack"
    GPU = "gpu"
    NPU = "npu"


class Verdict(enum.StrEnum):
    """TRAPS: taken, but with wrong numbers or at a cost that nobody expects. UNKNOWN: nobody measured or wrote it."""

    TAKES = "takes"
    REFUSES = "refuses"
    TRAPS = "traps"
    UNKNOWN = "unknown"


class Evidence(enum.StrEnum):
    """How a verdict is known.

    MEASURED: this file, on this machine. REPORTED: somebody's run on the named device and version. RULE: source code or
    a document says so. NONE: it is not known.
    """

    MEASURED = "measured"
    REPORTED = "reported"
    RULE = "rule"
    NONE = "none"


@dataclasses.dataclass(frozen=True)
class Rule:
    """One row.

    Attributes:
        id: family; `R..` coverage, `S..` silent wrong numbers, `M` from a given matrix.
        delegate: name of the delegate.
        ops: kinds; `*` is every op.
        types: the rule fits only if every computed input and output has one of them; () is any.
        when: names of conditions that all hold.
        verdict, evidence: as their types say.
        why, fix: one sentence each, or empty.
        source: who says so.
        version: of the runtime it was seen or read in.
    """

    id: str
    delegate: str
    ops: tuple[str, ...]
    verdict: Verdict
    evidence: Evidence
    source: str
    version: str
    types: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    why: str = ""
    fix: str = ""

    def fits(self, graph: Graph, op: Op) -> bool:
        """Whether the rule speaks of this op."""
        if "*" not in self.ops and op.kind not in self.ops:
            return False
        tensors = [*graph.runtime_inputs(op), *graph.outputs_of(op)]
        if self.types and not all(t.dtype in self.types for t in tensors):
            return False
        return all(CONDITIONS[name](graph, op) for name in self.when)


@functools.cache
def load_rules() -> dict[Delegate, tuple[Rule, ...]]:
    """All rules by delegate, in the order in which they decide."""
    document = _document()
    return {
        delegate: tuple(_rule(delegate, {**document["defaults"][delegate], **row}) for row in document[delegate])
        for delegate in Delegate
    }


def load_sources() -> dict[str, str]:
    """Abbreviation -> what it stands for."""
    return dict(_document()["sources"])


@functools.cache
def _document() -> dict[str, Any]:
    text = resources.files("portraitlite.convert.inspect").joinpath("rules.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _rule(delegate: Delegate, row: dict[str, Any]) -> Rule:
    return Rule(
        id=row["id"],
        delegate=delegate.value,
        ops=tuple(row["ops"]),
        verdict=Verdict(row["verdict"]),
        evidence=Evidence(row.get("evidence", Evidence.RULE)),
        source=row["source"],
        version=row["version"],
        types=tuple(row.get("types", ())),
        when=tuple(row.get("when", ())),
        why=row.get("why", ""),
        fix=row.get("fix", ""),
    )
