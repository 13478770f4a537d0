"""What one delegate does with every op of a graph, and how it therefore splits it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from portraitlite.convert.inspect.graph import Graph, Op
from portraitlite.convert.inspect.measurement import Measurement
from portraitlite.convert.inspect.rules import Evidence, Rule, Verdict

__all__ = ["Finding", "OpVerdict", "group_findings", "judge", "partitions"]

UNKNOWN_WHY = "nobody measured this op with these types"


@dataclasses.dataclass(frozen=True)
class OpVerdict:
    """What a delegate does with one op.

    Attributes:
        op: index.
        verdict: never TRAPS.
        rule: id of the rule that decided, or empty.
        traps: rules that warn, though the op may be taken.
    """

    op: int
    verdict: Verdict
    rule: str
    why: str
    fix: str
    evidence: Evidence
    source: str
    version: str
    traps: tuple[Rule, ...] = ()


@dataclasses.dataclass(frozen=True)
class Finding:
    """Ops that share a verdict other than `takes` and its reason.

    Attributes:
        ops: indices.
        kinds: (kind, number of ops).
    """

    verdict: Verdict
    rule: str
    why: str
    fix: str
    evidence: Evidence
    source: str
    version: str
    ops: tuple[int, ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "ops": list(self.ops), "kinds": dict(self.kinds)}


def judge(graph: Graph, rules: Sequence[Rule], measured: Measurement | None = None) -> tuple[OpVerdict, ...]:
    """One verdict per op.

    Args:
        graph: the file.
        rules: of one delegate; the first that fits decides, every fitting trap is kept.
        measured: a run here, which beats every rule.
    """
    return tuple(_judge_op(graph, op, rules, measured) for op in graph.ops)


def _judge_op(graph: Graph, op: Op, rules: Sequence[Rule], measured: Measurement | None) -> OpVerdict:
    fitting = [rule for rule in rules if rule.fits(graph, op)]
    traps = tuple(rule for rule in fitting if rule.verdict is Verdict.TRAPS)
    if measured is not None and op.index in measured.taken:
        return _measured(op, measured, fitting, traps)
    r = next((rule for rule in fitting if rule.verdict is not Verdict.TRAPS), None)
    if r is None:
        return OpVerdict(op.index, Verdict.UNKNOWN, "", UNKNOWN_WHY, "", Evidence.NONE, "", "", traps)
    return OpVerdict(op.index, r.verdict, r.id, r.why, r.fix, r.evidence, r.source, r.version, traps)


def _measured(op: Op, measured: Measurement, fitting: list[Rule], traps: tuple[Rule, ...]) -> OpVerdict:
    """The run decides; the rules only explain it."""
    taken = measured.taken[op.index]
    verdict = Verdict.TAKES if taken else Verdict.REFUSES
    r = next((rule for rule in fitting if rule.verdict is verdict), None)
    rule, why, fix = (r.id, r.why, r.fix) if r is not None else ("", "", "")
    if not taken:
        why = why or measured.reasons.get(op.index, "it stayed outside in the run here; no rule says why")
    return OpVerdict(op.index, verdict, rule, why, fix, Evidence.MEASURED, "this machine", measured.version, traps)


def group_findings(graph: Graph, verdicts: Sequence[OpVerdict]) -> tuple[Finding, ...]:
    """Everything that is not simply taken: refusals, then traps, then unknown ops."""
    groups: dict[Finding, list[int]] = {}  # a finding without ops stands for its group
    for v in verdicts:
        if v.verdict is not Verdict.TAKES:
            found = Finding(v.verdict, v.rule, v.why, v.fix, v.evidence, v.source, v.version)
            groups.setdefault(found, []).append(v.op)
        for trap in v.traps:
            found = Finding(trap.verdict, trap.id, trap.why, trap.fix, trap.evidence, trap.source, trap.version)
            groups.setdefault(found, []).append(v.op)
    order = [Verdict.REFUSES, Verdict.TRAPS, Verdict.UNKNOWN]
    filled = [
        dataclasses.replace(found, ops=tuple(ops), kinds=tuple(Counter(graph.ops[i].title for i in ops).items()))
        for found, ops in groups.items()
    ]
    return tuple(sorted(filled, key=lambda found: (order.index(found.verdict), found.ops[0])))


def partitions(graph: Graph, taken: set[int]) -> list[tuple[int, ...]]:
    """The runs of taken ops that a delegate gets as one node each.

    TFLite's rule: the first op decides which side begins; then the sides take turns, and each time every op goes along
    whose inputs are ready.
    """
    needs = {op.index: {graph.producers[t].index for t in op.inputs if t in graph.producers} for op in graph.ops}
    readers: dict[int, list[int]] = {}
    for index, producers in needs.items():
        for producer in producers:
            readers.setdefault(producer, []).append(index)
    missing = {index: len(producers) for index, producers in needs.items()}
    ready: dict[bool, list[int]] = {True: [], False: []}
    for index in (index for index, count in missing.items() if count == 0):
        ready[index in taken].append(index)
    inside = min(ready[True], default=len(needs)) < min(ready[False], default=len(needs))
    found: list[tuple[int, ...]] = []
    while ready[True] or ready[False]:  # ops of a damaged graph that wait for each other are never ready
        group = []
        while ready[inside]:
            group.append(ready[inside].pop())
            for reader in readers.get(group[-1], ()):
                missing[reader] -= 1
                if missing[reader] == 0:
                    ready[reader in taken].append(reader)
        if inside and group:
            found.append(tuple(sorted(group)))
        inside = not inside
    return found
