"""The result card of `convert` as a table."""

from __future__ import annotations

from portraitlite.convert.pipeline import ConvertResult

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
        "ops": ", ".join(f"{count} {kind}" for kind, count in result.ops.items()),
        "sha256": result.sha256,
        "sidecar": str(result.sidecar),
    }
    for row in rows.items():
        table.add_row(*row)
    Console().print(table)
