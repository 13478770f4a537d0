"""Drive the official `benchmark_model` and record what it says, findings included."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import re
import subprocess
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.benchmark_output import BenchmarkOutput, parse_output
from portraitlite.benchmarks.contestant import read_model
from portraitlite.benchmarks.environment import Environment, read_environment, read_state
from portraitlite.benchmarks.parsing import parse
from portraitlite.benchmarks.phone_record import PhoneRun
from portraitlite.benchmarks.record import SCHEMA_VERSION, ModelFacts, check_version, read_document, write_document
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError

__all__ = [
    "KIND",
    "OfficialRun",
    "Program",
    "kind_from_help",
    "load_official",
    "official_arguments",
    "official_result",
    "program_kind",
    "run_official",
    "save_official",
]

KIND = "benchmark_model"
HELP_LIMIT_S, RUN_LIMIT_S = 60, 1800


class Program(enum.StrEnum):
    """Which of the programs of that name: TFLite's, LiteRT's (it has no `--use_xnnpack`), or Python's."""

    CLASSIC = "benchmark_model"
    LITERT = "LiteRT benchmark_model"
    PYTHON = "litert-benchmark"


@dataclasses.dataclass(frozen=True)
class OfficialRun:
    """What was run and what came out.

    Attributes:
        created: UTC, ISO 8601 with seconds.
        program: which, see `Program`.
        program_sha256: of its file.
        model: which file.
        threads, runs, warmup: as asked for; how many runs there were stands in `result`.
        exit_code: of the program.
        result: its figures and findings.
        phone: what only a phone has; None on the desktop.
    """

    created: str
    program: str
    program_sha256: str
    model: ModelFacts
    threads: int
    runs: int
    warmup: int
    exit_code: int
    result: BenchmarkOutput
    environment: Environment
    phone: PhoneRun | None

    @property
    def model_name(self) -> str:
        return self.model.name

    @property
    def findings(self) -> tuple[str, ...]:
        """Those of the result."""
        return self.result.findings

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "kind": KIND, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, document: Any) -> OfficialRun:
        """The inverse of `to_dict`.

        Raises:
            ValueError: not of this version or kind, or with a value that cannot be.
        """
        run: OfficialRun = parse(cls, check_version(document, KIND), "record")
        return run


def run_official(program: Path, model: str | Path, *, runs: int = 50, warmup: int = 5, threads: int = 1) -> OfficialRun:
    """Run the program once; what it reports as failed is a result too.

    Args:
        program: an executable for this machine.
        model: bundled name or path.
        runs, warmup: least counts; the classic program may do more or fewer.
        threads: CPU threads.

    Raises:
        InputError: the program cannot be run, is none of the known ones, or takes more than half an hour.
    """
    path = resolve_model(model)
    facts = ModelFacts.of(*read_model(path))
    kind = program_kind(program)
    arguments = official_arguments(kind, str(path.resolve()), runs=runs, warmup=warmup, threads=threads)
    before = read_state()
    done = _call(program, arguments, RUN_LIMIT_S)
    environment = read_environment(backend_version=str(kind), before=before, after=read_state())
    result = official_result(f"{done.stdout}\n{done.stderr}", done.returncode)
    return OfficialRun(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        program=kind.value,
        program_sha256=hashlib.sha256(program.read_bytes()).hexdigest(),
        model=facts,
        threads=threads,
        runs=runs,
        warmup=warmup,
        exit_code=done.returncode,
        result=result,
        environment=environment,
        phone=None,
    )


def program_kind(program: Path) -> Program:
    """Which program this is, by the flags that its `--help` lists.

    Raises:
        InputError: it cannot be run, or is none of them.
    """
    done = _call(program, ["--help"], HELP_LIMIT_S)  # the classic one ends with 1 here
    return kind_from_help(program.name, f"{done.stdout}\n{done.stderr}")


def kind_from_help(name: str, text: str) -> Program:
    """Which program says this of itself.

    Raises:
        InputError: none of them.
    """
    flags = set(re.findall(r"--([a-z_0-9]+)", text))
    if {"model", "result_json", "num_runs"} <= flags:
        return Program.PYTHON
    if {"graph", "num_runs"} <= flags:
        return Program.CLASSIC if flags & {"use_xnnpack", "use_nnapi"} else Program.LITERT
    raise InputError(f"{name} is no benchmark_model: its --help lists neither --graph nor --model")


def official_arguments(
    kind: Program, model: str, *, runs: int, warmup: int, threads: int, accelerator: str = "cpu"
) -> list[str]:
    """Its command line; `model` is a path where it runs.

    Raises:
        InputError: the program has no such accelerator.
    """
    flags: dict[str, object] = {
        "model" if kind is Program.PYTHON else "graph": model,
        "num_threads": threads,
        "num_runs": runs,
        "warmup_runs": warmup,
    }
    if kind is not Program.PYTHON:
        flags |= {"min_secs": 0, "warmup_min_secs": 0}  # otherwise it goes on for a second
    if kind is Program.LITERT:
        flags[f"use_{accelerator}"] = "true"
    elif accelerator == "gpu" and kind is Program.CLASSIC:
        flags["use_gpu"] = "true"
    elif accelerator != "cpu":
        raise InputError(f"{kind} has no option for the {accelerator}; measure with the harness, or the cpu")
    return [f"--{name}={value}" for name, value in flags.items()]


def official_result(text: str, code: int) -> BenchmarkOutput:
    """What it printed and how it ended."""
    result = parse_output(text)
    extra = []
    if code != 0:
        extra.append(f"the program ended with exit code {code}")
    if result.failed:
        extra.append("it gave no timings")
    return dataclasses.replace(result, findings=(*result.findings, *extra), failed=result.failed or code != 0)


def save_official(path: Path, run: OfficialRun, *, force: bool = False) -> None:
    """Write as JSON, whole or not at all; raises as `save_record`."""
    write_document(path, run.to_dict(), force=force)


def load_official(path: Path) -> OfficialRun:
    """Read what `save_official` wrote; raises as `load_record`."""
    return read_document(path, OfficialRun.from_dict)


def _call(program: Path, arguments: list[str], limit_s: int) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the program that the user named, without a shell
            [str(program.resolve()), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise InputError(
            f"{program} cannot be run ({error.strerror}); give benchmark_model for this machine"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{program.name} takes more than {limit_s} s; give fewer --runs") from error
