"""The verb `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.console import print_json, say
from portraitlite.runtime.errors import CheckFailedError

__all__ = ["compare", "register"]


def compare(
    a: Annotated[Path, typer.Argument(metavar="A.json", help="Run record to compare with.")],
    b: Annotated[Path, typer.Argument(metavar="B.json", help="Run record that is judged.")],
    other_environment: Annotated[
        bool, typer.Option("--other-environment", help="Compare although machine, runtime or settings differ.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison on stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices.")] = False,
) -> None:
    """Compare two runs of bench; exit code 1 where B is slower by more than the noise of both."""
    from portraitlite.benchmarks.compare import Comparison, Verdict, compare_runs
    from portraitlite.benchmarks.run_set import load_run

    comparison: Comparison = compare_runs(load_run(a), load_run(b), other_environment=other_environment)
    if json:
        print_json(comparison.to_dict())
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(caption="band: what the medians of two such runs differ by in 9 of 10 cases, nothing changed")
        for name in ("model", "threads", "stage", "A p50 ms", "B p50 ms", "B / A", "band", ""):
            table.add_column(name, justify="left" if name in ("model", "stage", "") else "right", overflow="fold")
        for pair in comparison.pairs:
            name = pair.a if pair.a == pair.b else f"{pair.a} -> {pair.b}"
            figures = (f"{pair.a_p50_ms:.2f}", f"{pair.b_p50_ms:.2f}", f"{pair.ratio:.3f}", f"{pair.band_ratio:.3f}")
            table.add_row(name, str(pair.threads), pair.scope, *figures, pair.verdict)
        Console(markup=False).print(table)
    for difference in comparison.differences:
        say(f"other environment: {difference}", quiet=quiet)
    for warning in comparison.warnings:
        say(f"warning: {warning}", quiet=quiet)
    if slower := [pair for pair in comparison.pairs if pair.verdict is Verdict.SLOWER]:
        worst = max(slower, key=lambda pair: pair.ratio)
        raise CheckFailedError(
            f"{worst.b} takes {worst.ratio:.3f} of the time of {worst.a}, outside of the band of {worst.band_ratio:.3f}"
        )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("compare")(compare)
