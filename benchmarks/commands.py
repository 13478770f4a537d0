"""The verb `bench`."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.benchmarks.latency import Progress
from portraitlite.benchmarks.record import RunRecord
from portraitlite.runtime.console import print_json, say
from portraitlite.runtime.errors import InputError

__all__ = ["bench", "register"]

DESKTOP = "desktop"
LONG_RUN_MS = 2000
REDRAW_SECONDS = 0.5


def bench(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A .tflite file or a bundled model's name.")],
    runs: Annotated[int, typer.Option("--runs", min=1, max=100_000, help="Timed inferences.")] = 50,
    warmup: Annotated[int, typer.Option("--warmup", min=0, max=100_000, help="Untimed inferences before them.")] = 5,
    threads: Annotated[int, typer.Option("--threads", min=1, help="CPU threads.")] = 1,
    backend: Annotated[str | None, typer.Option("--backend", help="litert, tflite_runtime or tensorflow.")] = None,
    device: Annotated[str, typer.Option("--device", help="Where to measure; only desktop for now.")] = DESKTOP,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run record to write: .json.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the run record on stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """Measure how long one inference of a model takes on this machine."""
    from portraitlite.benchmarks.desktop import bench_desktop
    from portraitlite.benchmarks.record import save_record

    if device != DESKTOP:
        raise InputError(f"--device {device} cannot be measured yet; leave it out or give --device {DESKTOP}")
    if output is not None:
        _check_target(output, force=force)
    with _progress_bar(quiet=quiet) as move:
        record = bench_desktop(model, runs=runs, warmup=warmup, threads=threads, backend=backend, progress=move)
    if output is not None:
        save_record(output, record, force=force)
    if json:
        print_json(record.to_dict())
    else:
        _print_table(record)
    for warning in record.warnings:
        say(f"warning: {warning}", quiet=quiet)


@contextlib.contextmanager
def _progress_bar(*, quiet: bool) -> Iterator[Progress | None]:
    """Moves a bar for runs of more than two seconds; None when quiet or where stderr is not a terminal.

    It draws between inferences only: rich's own refresh thread would take CPU from them.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
    task = bar.add_task("bench")
    drawn = 0.0

    def move(done: int, total: int, first_ms: float) -> None:
        nonlocal drawn
        now = time.monotonic()
        if first_ms * total < LONG_RUN_MS or now - drawn < REDRAW_SECONDS:
            return
        drawn = now
        bar.start()
        bar.update(task, completed=done, total=total, refresh=True)

    try:
        yield move
    finally:
        bar.stop()


def _check_target(path: Path, *, force: bool) -> None:
    """Refuse a file that could not be written after minutes of measuring."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file name")
    if path.exists() and not force:
        raise InputError(f"{path} exists; give --force to overwrite it")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {path.parent} cannot be written; choose another one")


def _print_table(record: RunRecord) -> None:
    from rich.console import Console
    from rich.table import Table

    configuration, figures, environment = record.configuration, record.figures, record.environment
    statistics = figures.statistics
    table = Table(
        title=f"{record.model.name}, {record.model.size_bytes / 1e6:.2f} MB: latency in ms",
        caption=f"{configuration.runs} runs of {configuration.scope}() after {configuration.warmup} warm-ups, "
        f"{configuration.threads} thread{'s' * (configuration.threads > 1)}, {configuration.backend} "
        f"{environment.backend_version}, {environment.cpu_model or environment.architecture}; "
        f"percentiles by {statistics.percentile_method.replace('_', ' ')}",
    )
    for name in ("min", "p50", "p90", "p99", "mean", "std", "MAD", "load", "first"):
        table.add_column(name, justify="right")
    values = (
        *(statistics.min_ms, statistics.p50_ms, statistics.p90_ms, statistics.p99_ms),
        *(statistics.mean_ms, statistics.std_ms, statistics.mad_ms, figures.load_ms, figures.first_ms),
    )
    table.add_row(*(f"{value:.2f}" for value in values))
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("bench")(bench)
