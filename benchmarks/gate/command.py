"""The verb `check`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.errors import CheckFailedError, InputError
from portraitlite.runtime.options import Backend, Force, Jobs, Json, Quiet, Threads

if TYPE_CHECKING:
    from portraitlite.benchmarks.gate.baseline import Baseline
    from portraitlite.benchmarks.gate.gate import Verdict

__all__ = ["check", "register"]


def check(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A .tflite file or a bundled model's name.")],
    baseline: Annotated[Path, typer.Option("--baseline", "-b", help="Limits: .toml.")],
    update: Annotated[bool, typer.Option("--update", help="Write the limits anew from this model.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="With --update: why; goes into the baseline.")] = "",
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="For a new baseline: as for evaluate; default: regression.")
    ] = None,
    label_map: Annotated[str | None, typer.Option("--label-map", help="For a new baseline: as for evaluate.")] = None,
    figures: Annotated[
        list[str] | None, typer.Option("--figure", help="For a new baseline: what to limit; again for more.")
    ] = None,
    float_model: Annotated[
        str, typer.Option("--float", help="For a new baseline: the float file; allows ..._percent_of_float.")
    ] = "",
    reference: Annotated[
        str, typer.Option("--reference", help="For a new baseline: the file that latency_ratio compares with.")
    ] = "",
    junit: Annotated[Path | None, typer.Option("--junit", help="JUnit report to write: .xml.")] = None,
    jobs: Jobs = None,
    threads: Threads = 1,
    backend: Backend = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Pass or fail a model on a committed baseline: exit code 0, 1 for broken limits, 2 where it cannot be judged."""
    from portraitlite.benchmarks.gate.baseline import read_baseline, write_baseline
    from portraitlite.benchmarks.gate.ci import check_step_summary, junit_xml
    from portraitlite.benchmarks.gate.gate import Options, check_model, update_baseline
    from portraitlite.runtime.save import check_target, write_atomically

    options = Options(jobs, threads, backend)
    if not update:
        if dataset or label_map or figures or float_model or reference or reason:
            raise InputError("what is measured stands in the baseline; give the options of a new one with --update")
        if junit is not None:
            check_target(junit, force=force)
        check_step_summary()
        limits = read_baseline(baseline)
        with native_stderr_silenced(), progress_bar(quiet=quiet) as move:
            verdict = check_model(model, limits, baseline.parent, options, progress=move)
        if junit is not None:
            write_atomically(junit, junit_xml(verdict), force=force)
        _report(verdict, json=json, quiet=quiet)
        return
    if junit is not None:
        raise InputError("--update judges nothing; leave out --junit")
    check_target(baseline, force=True)
    if baseline.exists():
        if dataset or label_map or figures or float_model or reference:
            raise InputError(f"{baseline} exists and says what is measured; edit it, or remove it for a new one")
        old = read_baseline(baseline)
    else:
        old = _new_baseline(dataset, label_map, figures, float_model, reference)
    with native_stderr_silenced(), progress_bar(quiet=quiet) as move:
        new = update_baseline(model, old, baseline.parent, reason, options, progress=move)
    write_baseline(baseline, new)
    say(f"{baseline}: limits from {model}; look at the difference and commit it", quiet=quiet)


def _new_baseline(
    dataset: str | None, label_map: str | None, figures: list[str] | None, float_model: str, reference: str
) -> Baseline:
    from portraitlite.benchmarks.gate.baseline import Baseline, Data, Model
    from portraitlite.benchmarks.gate.gate import DEFAULT_FIGURES

    data = Data(dataset or "regression", 0, "", label_map=label_map or "")
    return Baseline(data, Model((), float_model, reference), dict.fromkeys(figures or DEFAULT_FIGURES, 0.0), {}, ())


def _report(verdict: Verdict, *, json: bool, quiet: bool) -> None:
    from portraitlite.benchmarks.gate.ci import error_annotations, write_step_summary

    write_step_summary(verdict)
    if json:
        print_json(verdict.to_dict())
    for limit in verdict.limits:
        if not limit.passed:
            say(f"{verdict.model}: {limit}")
        elif not json:
            say(f"{verdict.model}: {limit}", quiet=quiet)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in error_annotations(verdict):
            say(line)
    if verdict.breaches:
        raise CheckFailedError(
            f"{verdict.model} breaks {len(verdict.breaches)} of {len(verdict.limits)} limits on {verdict.dataset}"
        )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("check")(check)
