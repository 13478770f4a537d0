"""The result card of `convert` as a table."""

from __future__ import annotations

from portraitlite.convert.cost import Cost
from portraitlite.convert.measure import Measures
from portraitlite.convert.quantization.choose import Choice
from portraitlite.convert.result import ConvertResult

__all__ = ["print_card"]


def print_card(result: ConvertResult) -> None:
    """On stdout."""
    from rich.console import Console
    from rich.table import Table

    meta = result.metadata
    spec = meta.spec
    table = Table(title=str(result.model), show_header=False, title_justify="left")
    rows = {
        "size": f"{result.size_bytes / 1e6:.2f} MB",
        "network": f"{spec['backbone']} x{spec['depth_multiplier']:g}, output stride {spec['output_stride']}, "
        f"decoder {spec['decoder_stride'] or 'none'}, {spec['classes']} classes",
        "input": f"{meta.input_height}x{meta.input_width} (height x width), {meta.fit}",
        "output": str(meta.output_kind) + (f" of {meta.output_label}" if meta.output_label else ""),
        "recipe": meta.recipe,
        "cost": _cost(result.cost),
        "ops": ", ".join(f"{count} {kind}" for kind, count in result.ops.items()),
        "sha256": result.sha256,
        "sidecar": str(result.sidecar),
    }
    if result.source_cost is not None:
        rows["before"] = f"{_cost(result.source_cost)} as the source has it"
    if result.float_choice is not None:
        rows["float part"] = _choice(result.float_choice)
    if result.measures is not None:
        rows |= _measures(result.measures)
    rows["verified"] = "yes" if result.verified else "no: no official sample of this family was at hand"
    rows["spec"] = "; ".join(f"{field}: {spec.get(field)} ({why})" for field, why in result.reasons.items())
    for row in rows.items():
        table.add_row(*row)
    Console().print(table)


def _measures(measures: Measures) -> dict[str, str]:
    latency, agreement = measures.latency, measures.agreement
    rows = {
        "latency": f"{latency.latency_ms:.1f} ms, float {latency.float_latency_ms:.1f} ms, ratio {latency.ratio:.2f} "
        f"(medians of {latency.runs} interleaved runs, 1 thread, here)"
    }
    if measures.xnnpack is not None:
        outside = ", ".join(f"{count} {kind}" for kind, count in measures.xnnpack.outside.items()) or "none"
        rows["XNNPACK"] = f"takes {measures.xnnpack.taken} of {measures.xnnpack.ops} ops; outside: {outside}"
    if agreement is not None:
        kind = "held-out" if agreement.held_out else "calibration"
        rows["agreement"] = (
            f"{100 * agreement.mean:.2f} % of the float model's labels on {len(agreement.photos)} {kind} photos; worst "
            f"{agreement.worst.photo} {100 * agreement.worst.labels_equal:.2f} %"
        )
    return rows


def _choice(choice: Choice) -> str:
    lines = [
        f"limits: {choice.max_latency_ratio:g}x int8's latency, {choice.max_size_ratio:g}x its size; judged on "
        f"{choice.report.photos} calibration photos, before learning; all in 8 bits {choice.int8_changed:.2%} changed"
    ]
    for candidate in choice.candidates:
        verdict = "chosen" if candidate == choice.chosen else "fits" if candidate.fits else "too much"
        lines.append(
            f"up to {candidate.last}: {candidate.changed:.2%} of labels changed, latency "
            f"{candidate.latency_ratio:.2f}x, size {candidate.size_ratio:.2f}x, {candidate.float_share:.0%} of "
            f"multiply-adds float: {verdict}"
        )
    return "\n".join(lines)


def _cost(cost: Cost) -> str:
    return (
        f"{cost.multiply_adds / 1e9:.2f} G multiply-adds, {cost.parameters / 1e6:.2f} M parameters, "
        f"{cost.arena_bytes / 1e6:.1f} MB of activations"
    )
