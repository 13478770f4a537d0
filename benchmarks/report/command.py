"""The verb `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.console import print_json, say
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.options import Force, Json, Quiet

__all__ = ["register", "report"]


def report(
    records: Annotated[
        list[Path],
        typer.Argument(metavar="RUN.json...", help="Records of evaluate and bench; also pictures of --sheet, .png."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Page to write: .html.")],
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one self-contained page: accuracy against latency and size, classes, confusion, worst photos, history."""
    from portraitlite.benchmarks.report.inputs import read_inputs
    from portraitlite.benchmarks.report.page import render_page
    from portraitlite.runtime.save import check_target, write_atomically

    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{output} has the suffix {output.suffix or '(none)'}; a report is .html")
    check_target(output, force=force)
    inputs = read_inputs(records)
    page = render_page(inputs).encode(errors="replace")
    write_atomically(output, page, force=force)
    if json:
        counts = {"evaluations": len(inputs.accuracy), "latency_runs": len(inputs.latency)}
        print_json({"output": str(output), "size_bytes": len(page), **counts, "pictures": len(inputs.pictures)})
    say(f"{output}: {len(page) / 1e3:.0f} kB", quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("report")(report)
