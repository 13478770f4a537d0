"""The verb `evaluate`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portraitlite.benchmarks.accuracy.engine import Engine
from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.options import Backend, Force, Jobs, Json, Quiet, Threads

if TYPE_CHECKING:
    from portraitlite.benchmarks.accuracy.bootstrap import Interval
    from portraitlite.benchmarks.accuracy.record import AccuracyRecord

__all__ = ["evaluate", "register"]


def evaluate(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=".tflite files or bundled models' names.")],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset", "-d", help="KIND:PATH; kinds are voc, coco, ade20k, cityscapes, folder, alpha. Or: regression."
        ),
    ],
    split: Annotated[str | None, typer.Option("--split", help="Part of the data set; default: validation.")] = None,
    label_map: Annotated[
        str | None, typer.Option("--label-map", help="Which class counts as which: voc, person, or a TOML file.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Scored class of subject figures.")] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="The float file: what did quantization cost?")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="With --against and one model: picture of the worst photos, .png.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many photos, evenly spread.")] = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="local: processes here; ray: the cluster of RAY_ADDRESS, else one here.")
    ] = Engine.LOCAL,
    jobs: Jobs = None,
    threads: Threads = 1,
    backend: Backend = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run record to write: .json.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run with the same --output was interrupted.")
    ] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure how well models segment labelled photos, side by side, with 95 % intervals over photos."""
    from portraitlite.benchmarks.accuracy.datasets import open_dataset
    from portraitlite.benchmarks.accuracy.evaluate import evaluate as score
    from portraitlite.benchmarks.accuracy.record import save_accuracy
    from portraitlite.benchmarks.accuracy.sheet import worst_sheet
    from portraitlite.runtime.bundled import resolve_model
    from portraitlite.runtime.save import check_output, check_target

    if resume and output is None:
        raise InputError("--resume needs --output: results lie beside it while a run goes on")
    if sheet is not None:
        if against is None or len(models) != 1 or sheet.suffix.lower() != ".png":
            raise InputError("--sheet takes a .png, one MODEL and --against FLOAT.tflite")
        check_output(sheet, force=force)
    if output is not None:
        check_target(output, force=force)
    data = open_dataset(dataset, split=split, label_map=label_map, subject=subject, limit=limit)
    shard = output.with_name(output.name + ".shard") if output is not None else None
    if shard is not None and shard.exists() and not (resume or force):
        raise InputError(f"{shard} holds results of an interrupted run; go on with --resume or drop them with --force")
    with _shard_named(shard), native_stderr_silenced(), progress_bar(quiet=quiet) as move:
        record = score(
            models,
            data,
            against=against,
            engine=engine,
            jobs=jobs,
            threads=threads,
            backend=backend,
            shard=shard,
            resume=resume,
            progress=move,
        )
        if output is not None:  # first: it cannot be had again without another run
            save_accuracy(output, record, force=force)
        if sheet is not None and against is not None:
            files = resolve_model(models[0]), resolve_model(against)
            worst_sheet(sheet, *files, record.models[0], data, backend=backend, force=force)
    if json:
        print_json(record.to_dict())
    else:
        _print_table(record)
    if against is not None:
        say("which layers cost most: `portraitlite convert --sensitivity`", quiet=quiet or json)


@contextlib.contextmanager
def _shard_named(shard: Path | None) -> Iterator[None]:
    """Whoever is interrupted learns that what is done already is not lost."""
    try:
        yield
    except KeyboardInterrupt:
        if shard is not None and shard.exists():
            say(f"results so far lie in {shard}; go on with --resume")
        raise


def _print_table(record: AccuracyRecord) -> None:
    from rich.console import Console
    from rich.table import Table

    from portraitlite.benchmarks.accuracy.bootstrap import RESAMPLES

    data, everyone = record.dataset, [*record.models, *([record.reference] if record.reference else [])]
    of = f", {data.split}" * bool(data.split)
    title = f"{data.name}{of}: {data.photos} photos, {len(data.labels)} classes"
    if data.name == "regression":
        title += "; finds broken models, says nothing about accuracy"
    table = Table(title=title, caption=f"95 % intervals over photos ({RESAMPLES} resamples); {record.backend}")
    table.add_column("metric", no_wrap=True)
    for one in everyone:
        reference = " (reference)" * (one is record.reference)
        table.add_column(one.model.name + reference, justify="right")
    for name in dict.fromkeys(name for one in everyone for name in one.figures):
        table.add_row(name, *(_cell(one.figures.get(name)) for one in everyone))
    if record.reference is not None:
        for name in dict.fromkeys(name for one in record.models for name in one.differences):
            cells = (_cell(one.differences.get(name), sign="+") for one in record.models)
            table.add_row(f"{name}: difference", *cells, "")
    Console().print(table)


def _cell(figure: Interval | None, sign: str = "") -> str:
    if figure is None:
        return "-"
    return f"{figure.value:{sign}.4f}\n[{figure.low:{sign}.4f}, {figure.high:{sign}.4f}]"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("evaluate")(evaluate)
