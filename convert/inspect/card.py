"""An inspection as tables on stdout."""

from __future__ import annotations

from portraitlite.convert.inspect.graph import Graph, Tensor
from portraitlite.convert.inspect.report import PHONE_CHECK, DelegateReport, Inspection
from portraitlite.convert.inspect.rules import Verdict
from portraitlite.convert.inspect.verdicts import Finding

__all__ = ["print_inspection"]

MAX_INDICES = 8
TITLES = {"xnnpack": "CPU (XNNPACK)", "gpu": "GPU (LiteRT ML Drift)", "npu": "NPU (Qualcomm HTP, QNN)"}
COLOURS = {Verdict.REFUSES: "red", Verdict.TRAPS: "yellow", Verdict.UNKNOWN: "magenta"}


def print_inspection(inspection: Inspection) -> None:
    """Facts, ops by kind, one table per delegate."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    facts = Table(title=Text(inspection.graph.name), show_header=False, title_justify="left")
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for key, value in _facts(inspection).items():
        facts.add_row(key, Text(value))  # Text: names in a file may hold what rich takes for markup
    console.print(facts)

    kinds = Table(title="Ops", title_justify="left")
    for header in ("op", "count", "multiply-adds 10⁶", "parameters"):
        kinds.add_column(header, justify="left" if header == "op" else "right")
    for kind, (count, multiply_adds, parameters) in inspection.kinds().items():
        cells = str(count), f"{multiply_adds / 1e6:.1f}" if multiply_adds else "", f"{parameters or ''}"
        kinds.add_row(Text(kind), *cells)
    console.print(kinds)

    for report in inspection.delegates:
        table = Table(
            title=Text(f"{TITLES.get(report.name, report.name)}: {_summary(report)}", style="bold"),
            caption=Text(report.basis),
            title_justify="left",
            caption_justify="left",
            show_lines=True,
        )
        for header, width in (("ops", 20), ("why, and what to change", None), ("known from", 18)):
            table.add_column(header, overflow="fold", min_width=width)
        for finding in report.findings:
            ops = Text.assemble((finding.verdict.value, COLOURS[finding.verdict]), f": {_ops(finding)}")
            why = Text.assemble(finding.why, (f" -> {finding.fix}" if finding.fix else "", "bold"))
            table.add_row(ops, why, Text(_evidence(finding)))
        if not report.findings:
            table.add_row(Text("takes: every op", style="green"), "", "")
        console.print(table)
    console.print(Text(PHONE_CHECK))


def _facts(inspection: Inspection) -> dict[str, str]:
    g, q, meta = inspection.graph, inspection.quantization, inspection.metadata
    weights = ", ".join(f"{count} {dtype}" for dtype, count in q.weights.items()) or "none"
    filters = f"{q.per_channel} filters with a scale per channel, {q.per_tensor} with one scale"
    at_least = "at least " if inspection.dynamic else ""
    rows = {
        "size": f"{inspection.size_bytes / 1e6:.2f} MB, sha256 {inspection.sha256}",
        "graph": f"{len(g.ops)} ops, {len(g.tensors)} tensors"
        + (f", {g.subgraphs} subgraphs (the first is described)" if g.subgraphs > 1 else "")
        + (f"; {g.description}" if g.description else ""),
        "input": "; ".join(_tensor(g, t) for t in g.inputs) or "none",
        "output": "; ".join(_tensor(g, t) for t in g.outputs) or "none",
        "cost": f"{at_least}{inspection.multiply_adds / 1e9:.3f} G multiply-adds, "
        f"{inspection.parameters / 1e6:.3f} M parameters",
        "arena": f"{at_least}{inspection.arena_bytes / 1e6:.1f} MB of activations (estimate, without a delegate)",
        "quantization": f"{q.scheme}; weights: {weights}" + (f"; {filters}" if q.per_channel + q.per_tensor else ""),
        "metadata": ", ".join(f"{name} ({size} bytes)" for name, size in g.metadata) or "none",
    }
    if q.unusable:
        rows["bad scales"] = f"zero, negative or not a number: {', '.join(q.unusable[:MAX_INDICES])}; quantize again"
    if meta is not None:
        rows["says of itself"] = (
            f"{meta.name}: {meta.output_kind} of {len(meta.labels)} labels, recipe {meta.recipe}, photo {meta.fit}, "
            f"(pixel - {meta.mean:g}) / {meta.std:g}, {meta.resize_convention}"
        )
    return rows


def _tensor(graph: Graph, index: int) -> str:
    tensor: Tensor = graph.tensors[index]
    shape = "x".join("?" if side < 0 else str(side) for side in tensor.shape) or "scalar"
    q = tensor.quantization
    scale = f", scale {q.scales[0]:.6g}, zero point {q.zero_points[0]}" if q is not None else ""
    return f"{tensor.name} {tensor.dtype} {shape}{scale}".strip()


def _summary(report: DelegateReport) -> str:
    parts = [f"takes {report.count(Verdict.TAKES)} of {len(report.verdicts)} ops"]
    for verdict, word in ((Verdict.REFUSES, "refuses"), (Verdict.UNKNOWN, "unknown")):
        if count := report.count(verdict):
            parts.append(f"{word} {count}" if verdict is Verdict.REFUSES else f"{count} {word}")
    if traps := report.count(Verdict.TRAPS):
        parts.append(f"{traps} with a trap")
    if len(report.partitions) > 1:
        parts.append(f"{len(report.partitions)} partitions")
        if report.largest_share is not None:
            parts.append(f"the largest holds {report.largest_share:.0%} of the multiply-adds")
            if report.name == "gpu":
                parts.append("the GPU takes only that one")
    return ", ".join(parts)


def _ops(finding: Finding) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in finding.kinds)
    shown = ", ".join(str(i) for i in finding.ops[:MAX_INDICES])
    more = f" and {len(finding.ops) - MAX_INDICES} more" if len(finding.ops) > MAX_INDICES else ""
    return f"{kinds} (op {shown}{more})"


def _evidence(finding: Finding) -> str:
    if not finding.source:
        return finding.evidence.value
    rule = f"{finding.rule}, " if finding.rule else ""
    return f"{rule}{finding.evidence.value}: {finding.source}, {finding.version}"
