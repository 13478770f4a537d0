"""Everything that `inspect` knows about one file, as an object."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from portraitlite.convert.inspect.counting import OpCost, arena_bytes, op_costs
from portraitlite.convert.inspect.gpu import measure_gpu
from portraitlite.convert.inspect.graph import Graph
from portraitlite.convert.inspect.matrix import read_matrix
from portraitlite.convert.inspect.measurement import Measurement, NotMeasured
from portraitlite.convert.inspect.quantization import QuantizationSummary, summarize
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.convert.inspect.rules import Delegate, Verdict, load_rules
from portraitlite.convert.inspect.verdicts import Finding, OpVerdict, group_findings, judge, partitions
from portraitlite.convert.inspect.xnnpack import measure_xnnpack
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.runtime.metadata import ModelMetadata, read_metadata

__all__ = ["MAX_MODEL_BYTES", "DelegateReport", "Inspection", "inspect_model"]

MAX_MODEL_BYTES = 2 << 30
PHONE_CHECK = (
    "Full coverage does not prove right numbers: compare CPU and delegate on the phone, and time with readback."
)


@dataclasses.dataclass(frozen=True)
class DelegateReport:
    """What one delegate does with the file.

    Attributes:
        name: `xnnpack`, `gpu`, `npu`, or the backend of a matrix.
        basis: one sentence: a run here, or rules of which version.
        verdicts: one per op.
        partitions: op indices of each delegate node, as the verdicts imply them.
        largest_share: multiply-adds in the largest partition, 0..1; None where the file has none.
        findings: what is not simply taken.
    """

    name: str
    basis: str
    verdicts: tuple[OpVerdict, ...]
    partitions: tuple[tuple[int, ...], ...]
    largest_share: float | None
    findings: tuple[Finding, ...]

    def count(self, verdict: Verdict) -> int:
        """Number of ops; those with a trap are counted by TRAPS besides."""
        if verdict is Verdict.TRAPS:
            return sum(bool(v.traps) for v in self.verdicts)
        return sum(v.verdict is verdict for v in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "delegate": self.name,
            "basis": self.basis,
            **{verdict.value: self.count(verdict) for verdict in Verdict},
            "partitions": len(self.partitions),
            "largest_partition_ops": max(map(len, self.partitions), default=0),
            "largest_partition_multiply_adds_share": self.largest_share,
            "findings": [finding.to_dict() for finding in self.findings],
            "ops": [
                {
                    "op": v.op,
                    "verdict": v.verdict,
                    "rule": v.rule,
                    "evidence": v.evidence,
                    "source": v.source,
                    "version": v.version,
                    "traps": [trap.id for trap in v.traps],
                }
                for v in self.verdicts
            ],
        }


@dataclasses.dataclass(frozen=True)
class Inspection:
    """Of one file.

    Attributes:
        graph: its records.
        size_bytes, sha256: of the file.
        costs: one per op.
        arena_bytes: activations as TFLite's planner packs them without a delegate, estimated.
        quantization: how it is quantized.
        metadata: what portraitlite wrote into it; None for other people's files.
        delegates: one report each; a matrix adds one.
    """

    graph: Graph
    size_bytes: int
    sha256: str
    costs: tuple[OpCost, ...]
    arena_bytes: int
    quantization: QuantizationSummary
    metadata: ModelMetadata | None
    delegates: tuple[DelegateReport, ...]

    @property
    def multiply_adds(self) -> int:
        return sum(cost.multiply_adds for cost in self.costs)

    @property
    def parameters(self) -> int:
        return sum(cost.parameters for cost in self.costs)

    @property
    def dynamic(self) -> bool:
        """Sizes and costs are lower bounds."""
        return not all(cost.measurable for cost in self.costs)

    def kinds(self) -> dict[str, tuple[int, int, int]]:
        """Kind -> (number of ops, multiply-adds, parameters), most frequent first."""
        found: dict[str, tuple[int, int, int]] = {}
        for op, cost in zip(self.graph.ops, self.costs, strict=True):
            count, multiply_adds, parameters = found.get(op.title, (0, 0, 0))
            found[op.title] = (count + 1, multiply_adds + cost.multiply_adds, parameters + cost.parameters)
        return dict(sorted(found.items(), key=lambda item: -item[1][0]))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        g = self.graph
        return {
            "model": g.name,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "description": g.description,
            "subgraphs": g.subgraphs,
            "inputs": [self._tensor(t) for t in g.inputs],
            "outputs": [self._tensor(t) for t in g.outputs],
            "tensors": len(g.tensors),
            "multiply_adds": self.multiply_adds,
            "parameters": self.parameters,
            "arena_bytes": self.arena_bytes,
            "dynamic": self.dynamic,
            "op_kinds": {
                kind: {"count": count, "multiply_adds": multiply_adds, "parameters": parameters}
                for kind, (count, multiply_adds, parameters) in self.kinds().items()
            },
            "ops": [
                {
                    "index": op.index,
                    "kind": op.title,
                    "name": g.tensors[op.outputs[0]].name if op.outputs else "",
                    "outputs": [[t.dtype, list(t.shape)] for t in g.outputs_of(op)],
                    "multiply_adds": cost.multiply_adds,
                    "parameters": cost.parameters,
                }
                for op, cost in zip(g.ops, self.costs, strict=True)
            ],
            "quantization": self.quantization.to_dict(),
            "metadata": self.metadata.to_dict() if self.metadata else None,
            "metadata_buffers": dict(g.metadata),
            "delegates": [report.to_dict() for report in self.delegates],
            "advice": PHONE_CHECK,
        }

    def _tensor(self, index: int) -> dict[str, Any]:
        tensor = self.graph.tensors[index]
        q = tensor.quantization
        return {
            "name": tensor.name,
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "scale": q.scales[0] if q else None,
            "zero_point": q.zero_points[0] if q else None,
        }


def inspect_model(path: Path, *, matrix: Path | None = None) -> Inspection:
    """Read a file and judge it for every delegate.

    Args:
        path: a `.tflite` of anybody's making.
        matrix: a snapshot in edge-compat's format; adds one delegate.

    Raises:
        InputError: the file or the matrix is unreadable or damaged.
    """
    extra = read_matrix(matrix) if matrix is not None else None
    data = read_bounded(path, MAX_MODEL_BYTES)
    graph = read_graph(data, path.name)
    costs = op_costs(graph)
    arena = arena_bytes(graph)
    metadata = read_metadata(data)
    runs = {
        Delegate.XNNPACK: measure_xnnpack(path, graph, arena),
        Delegate.GPU: measure_gpu(path, graph, arena),
        Delegate.NPU: NotMeasured("no phone was asked"),
    }
    reports = []
    for delegate, rules in load_rules().items():
        run = runs[delegate]
        measured = run if isinstance(run, Measurement) else None
        verdicts = judge(graph, rules, measured)
        reports.append(_report(delegate.value, _basis(verdicts, run), graph, costs, verdicts))
    if extra is not None:
        basis = f"matrix snapshot of {extra.version}" + (f" on {extra.target}" if extra.target else "")
        reports.append(_report(extra.backend, basis, graph, costs, judge(graph, extra.rules)))
    return Inspection(
        graph=graph,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        costs=costs,
        arena_bytes=arena,
        quantization=summarize(graph),
        metadata=metadata,
        delegates=tuple(reports),
    )


def _basis(verdicts: tuple[OpVerdict, ...], run: Measurement | NotMeasured) -> str:
    if isinstance(run, Measurement):
        return run.basis
    versions = sorted({v.version for v in verdicts if v.version})
    return f"rules of {', '.join(versions) or 'no version'}; not run here: {run.reason}"


def _report(
    name: str, basis: str, graph: Graph, costs: tuple[OpCost, ...], verdicts: tuple[OpVerdict, ...]
) -> DelegateReport:
    parts = partitions(graph, {v.op for v in verdicts if v.verdict is Verdict.TAKES})
    total = sum(cost.multiply_adds for cost in costs)
    largest = max((sum(costs[i].multiply_adds for i in part) for part in parts), default=0)
    share = largest / total if total else None
    return DelegateReport(name, basis, verdicts, tuple(parts), share, group_findings(graph, verdicts))
