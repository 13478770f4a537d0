"""The verb `bench`."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portraitlite.android_harness.phone_harness import Accelerator
from portraitlite.benchmarks.schedule import Progress, Rule, Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.runtime.console import native_stderr_silenced, print_json, say
from portraitlite.runtime.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from portraitlite.benchmarks.official import OfficialRun

__all__ = ["bench", "register"]

DESKTOP = "desktop"
PHONES = "Phones"  # heading of their options
LONG_RUN_MS = 2000
REDRAW_SECONDS = 0.5


def bench(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=".tflite files or bundled models' names.")],
    runs: Annotated[int, typer.Option("--runs", min=1, max=100_000, help="Timed runs of each.")] = 50,
    warmup: Annotated[int, typer.Option("--warmup", min=0, max=100_000, help="Untimed runs before them.")] = 5,
    rule: Annotated[Rule, typer.Option("--rule", help="mlperf: at least 1024 runs and 60 s; p90 counts.")] = Rule.QUICK,
    threads: Annotated[str, typer.Option("--threads", metavar="N[,N]", help="CPU threads: 1, or 1,2,4.")] = "1",
    cpus: Annotated[str | None, typer.Option("--cpus", metavar="N[,N]", help="Stay on these CPUs: 0 or 0,1.")] = None,
    stage: Annotated[Stage, typer.Option("--stage", help="What to time.")] = Stage.INVOKE,
    photo_size: Annotated[
        str | None, typer.Option("--photo-size", metavar="WxH", help="Photo of the stages; 4032x3024.")
    ] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Measure memory too.")] = False,
    profile: Annotated[
        Path | None, typer.Option("--profile", help="Time by op to write: .csv, .json or .png; one model.")
    ] = None,
    benchmark_model: Annotated[
        Path | None, typer.Option("--benchmark-model", help="Measure with this program instead; one model.")
    ] = None,
    backend: Annotated[str | None, typer.Option("--backend", help="litert, tflite_runtime or tensorflow.")] = None,
    device: Annotated[
        str, typer.Option("--device", help="desktop, adb, adb:SERIAL, or all phones: docs/phone.md.")
    ] = DESKTOP,
    harness: Annotated[
        Path | None, typer.Option("--harness", help="The native program.", rich_help_panel=PHONES)
    ] = None,
    litert: Annotated[
        Path | None, typer.Option("--litert", help="libLiteRt.so for it.", rich_help_panel=PHONES)
    ] = None,
    accept_library: Annotated[
        str | None,
        typer.Option("--accept-library", metavar="SHA256", help="Try an unlisted library.", rich_help_panel=PHONES),
    ] = None,
    accelerator: Annotated[
        Accelerator, typer.Option("--accelerator", help="What runs the model.", rich_help_panel=PHONES)
    ] = Accelerator.CPU,
    rounds: Annotated[
        int | None,
        typer.Option("--rounds", min=1, max=1000, help="Turns of each; if left out, up to 5.", rich_help_panel=PHONES),
    ] = None,
    cool_seconds: Annotated[
        float,
        typer.Option("--cool-seconds", min=0, max=3600, help="Longest wait before a turn.", rich_help_panel=PHONES),
    ] = 120.0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave files there, for the next run.", rich_help_panel=PHONES)
    ] = False,
    adb: Annotated[Path | None, typer.Option("--adb", help="The adb program.", rich_help_panel=PHONES)] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run record to write: .json.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the run record on stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """Measure how long models, or stages of the portrait, take here or on a phone; several take turns."""
    from portraitlite.benchmarks import bench_report
    from portraitlite.benchmarks.affinity import fixed_affinity
    from portraitlite.benchmarks.desktop import bench_models
    from portraitlite.benchmarks.run_set import save_run
    from portraitlite.runtime.save import check_target

    for_phones = {"--harness": harness, "--litert": litert, "--accept-library": accept_library, "--rounds": rounds}
    for_phones |= {"--keep": keep or None, "--adb": adb, "--accelerator": None if accelerator == "cpu" else accelerator}
    if device == DESKTOP and (given := [name for name, value in for_phones.items() if value is not None]):
        raise InputError(f"{given[0]} is for phones; leave it out, or give --device adb")
    for target in (output, profile):
        if target is not None:
            check_target(target, force=force)
    counts = _numbers(threads, "--threads")
    alone = len(models) == len(counts) == 1 and stage is Stage.INVOKE and not (benchmark_model and profile)
    if (benchmark_model or profile) and not alone:
        raise InputError(
            "--profile and --benchmark-model take one model, one number of threads, no --stage, and not each other"
        )
    size = None if photo_size is None else _photo_size(photo_size)
    if size is not None and stage is Stage.INVOKE:
        raise InputError(f"--photo-size is for stages that see a photo; --stage {stage} has none, leave it out")
    if benchmark_model and (rule is not Rule.QUICK or memory or backend):
        raise InputError("--benchmark-model measures in its own way; leave --rule, --memory and --backend out")
    cores = None if cpus is None else tuple(_numbers(cpus, "--cpus"))
    if device != DESKTOP:
        from portraitlite.benchmarks.phone_command import Output, bench_on_phones, official_on_phone, settings_from

        if profile is not None or memory or backend:
            raise InputError("--profile, --memory and --backend are for the desktop; leave them out with a phone")
        common: dict[str, Any] = {"accelerator": accelerator.value, "cpus": cores, "cool_s": cool_seconds, "keep": keep}
        if benchmark_model is not None:
            common |= {"runs": runs, "warmup": warmup, "threads": counts[0]}
            official = official_on_phone(device, adb, benchmark_model, models[0], **common)
            _show_official(official, output, force=force, json=json, quiet=quiet)
            return
        bench_on_phones(
            device,
            adb,
            models,
            Schedule(runs=runs, warmup=warmup) if rule is Rule.QUICK else Schedule.mlperf(warmup=warmup),
            settings_from(harness, litert, accept_library=accept_library, rounds=rounds, **common),
            Output(output, force, json, quiet),
            stage=stage,
            threads=counts,
            photo_size=size,
        )
        return
    with fixed_affinity(cores):
        if benchmark_model is not None:
            from portraitlite.benchmarks.official import run_official

            official = run_official(benchmark_model, models[0], runs=runs, warmup=warmup, threads=counts[0])
            _show_official(official, output, force=force, json=json, quiet=quiet)
            return
        if profile is not None:
            from portraitlite.benchmarks.profile import profile_model
            from portraitlite.benchmarks.profile_output import check_suffix, save_profile

            check_suffix(profile)
            measured = profile_model(models[0], runs=runs, warmup=warmup, threads=counts[0])
            save_profile(profile, measured, force=force)
            if not (json and quiet):
                bench_report.print_profile(measured, to_stderr=json)
            for warning in measured.warnings:
                say(f"warning: {warning}", quiet=quiet)
        schedule = Schedule(runs=runs, warmup=warmup) if rule is Rule.QUICK else Schedule.mlperf(warmup=warmup)
        with native_stderr_silenced(), _progress_bar(quiet=quiet) as move:
            run = bench_models(
                models,
                schedule,
                stage=stage,
                threads=counts,
                backend=backend,
                photo_size=size,
                memory=memory,
                progress=move,
            )
    if output is not None:
        save_run(output, run, force=force)
    if json:
        print_json(run.to_dict())
    else:
        bench_report.print_run(run)
    for warning in dict.fromkeys(warning for record in run.records for warning in record.warnings):
        say(f"warning: {warning}", quiet=quiet)


def _show_official(found: OfficialRun, output: Path | None, *, force: bool, json: bool, quiet: bool) -> None:
    from portraitlite.benchmarks import bench_report
    from portraitlite.benchmarks.official import save_official

    if output is not None:
        save_official(output, found, force=force)
    if json:
        print_json(found.to_dict())
    else:
        bench_report.print_official(found)
    for finding in found.findings:
        say(f"finding: {finding}", quiet=quiet)
    if found.result.failed:
        raise CheckFailedError(f"{found.program} failed on {found.model_name}; its findings say why")


def _numbers(text: str, option: str) -> list[int]:
    if not re.fullmatch(r"\d{1,4}(,\d{1,4})*", text):
        raise typer.BadParameter(f"{text} is no list of numbers; give 1 or 1,2", param_hint=option)
    values = [int(number) for number in text.split(",")]
    if len(set(values)) < len(values) or (option == "--threads" and 0 in values):
        raise typer.BadParameter(f"{text} has a number twice or a zero; give 1 or 1,2", param_hint=option)
    return values


def _photo_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text} is no size; give WIDTHxHEIGHT: 4032x3024", param_hint="--photo-size")
    return int(match[1]), int(match[2])


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


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("bench")(bench)
