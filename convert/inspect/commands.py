"""The verb `inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.console import print_json, say

__all__ = ["inspect", "register"]


def inspect(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A .tflite, ours or anybody's, or a bundled name.")],
    matrix: Annotated[
        Path | None,
        typer.Option("--matrix", help="A snapshot in edge-compat's JSON format: judges its delegate and version too."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices.")] = False,
) -> None:
    """Show what is inside a model, what it costs, and which ops each delegate takes, refuses or gets wrong."""
    from portraitlite.convert.inspect.report import inspect_model
    from portraitlite.convert.inspect.rules import Verdict

    path = resolve_model(model)
    inspection = inspect_model(path, matrix=matrix)
    for name in inspection.quantization.unusable:
        say(f"{name} has a scale that is zero, negative or not a number; quantize the model again", quiet=quiet)
    if inspection.graph.subgraphs > 1:
        say(f"{path.name} has {inspection.graph.subgraphs} subgraphs; only the first is described", quiet=quiet)
    for report in inspection.delegates:
        if refused := report.count(Verdict.REFUSES):
            say(f"{report.name}: {refused} of {len(report.verdicts)} ops stay outside", quiet=quiet)
    if json:
        print_json(inspection.to_dict())
        return
    from portraitlite.convert.inspect.card import print_inspection

    print_inspection(inspection)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("inspect")(inspect)
