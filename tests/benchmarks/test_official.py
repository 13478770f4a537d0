from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portraitlite.benchmarks.official import Program, load_official, program_kind, run_official, save_official
from portraitlite.runtime.errors import InputError

CLASSIC = "--graph=x --num_threads=1 --num_runs=50 --use_xnnpack=false"
LITERT = "--graph=x --num_threads=1 --num_runs=50 --use_cpu --use_npu"
PYTHON = "--model MODEL --num_runs N --result_json F"
COUNT = "count=7 first=9 curr=9 min=8000 max=10000 avg=9000 std=500"
TIMINGS = "Inference timings in us: Init: 10, First inference: 20, Warmup (avg): 30, Inference (avg): 9000"

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A program that lists flags on --help, else writes its arguments to a file, prints and ends as told."""

    def write(flags: str, output: str = f"{COUNT}\n{TIMINGS}", code: int = 0, help_code: int = 1) -> Path:
        path = tmp_path / "program"
        path.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"if sys.argv[1:] == ['--help']:\n    print({flags!r}); sys.exit({help_code})\n"
            f"json.dump(sys.argv[1:], open({str(tmp_path / 'arguments.json')!r}, 'w'))\n"
            f"print({output!r}); sys.exit({code})\n"
        )
        path.chmod(0o755)
        return path

    return write


def arguments(tmp_path: Path) -> dict[str, str]:
    given: list[str] = json.loads((tmp_path / "arguments.json").read_text())
    return {flag.split("=")[0]: flag.split("=", 1)[1] for flag in given}


@pytest.mark.parametrize(
    ("flags", "kind"), [(CLASSIC, Program.CLASSIC), (LITERT, Program.LITERT), (PYTHON, Program.PYTHON)]
)
def test_programs_are_told_apart_and_get_only_flags_that_they_know(
    make: Make, tmp_path: Path, model_file: Path, flags: str, kind: Program
) -> None:
    program = make(flags)
    assert program_kind(program) is kind
    run = run_official(program, model_file, runs=7, warmup=2, threads=3)
    assert (run.program, run.exit_code, run.result.mean_ms, run.result.runs) == (kind.value, 0, 9.0, 7)
    given = arguments(tmp_path)
    model = given.pop("--model" if kind is Program.PYTHON else "--graph")
    assert Path(model) == model_file
    expected = {"--num_threads": "3", "--num_runs": "7", "--warmup_runs": "2"}
    seconds = {"--min_secs": "0", "--warmup_min_secs": "0"}
    extra = {Program.CLASSIC: seconds, Program.LITERT: {**seconds, "--use_cpu": "true"}, Program.PYTHON: {}}
    assert given == expected | extra[kind]


def test_round_trip(make: Make, model_file: Path, tmp_path: Path) -> None:
    run = run_official(make(CLASSIC), model_file)
    path = tmp_path / "run.json"
    save_official(path, run)
    assert load_official(path) == run
    values = json.loads(path.read_text())
    assert (values["kind"], values["result"]["failed"], values["result"]["median_ms"]) == (
        "benchmark_model",
        False,
        None,
    )
    values["result"]["failed"] = 0
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="failed is int, not bool"):
        load_official(path)


@pytest.mark.parametrize(
    ("output", "code", "findings"),
    [
        ("Benchmarking failed.", 1, ["the program ended with exit code 1", "it gave no timings"]),
        (f"{COUNT}\n{TIMINGS}", 3, ["the program ended with exit code 3"]),
        ("", 0, ["it gave no timings"]),
    ],
)
def test_failures_are_findings(make: Make, model_file: Path, output: str, code: int, findings: list[str]) -> None:
    run = run_official(make(CLASSIC, output, code), model_file)
    assert run.result.failed
    assert list(run.findings) == findings
    assert run.exit_code == code


def test_unknown_flags_are_findings_but_no_failure(make: Make, model_file: Path) -> None:
    run = run_official(make(CLASSIC, f"Unconsumed cmdline flags: --zoom\n{COUNT}\n{TIMINGS}"), model_file)
    assert run.findings == ("unknown flags: --zoom",)
    assert not run.result.failed


@pytest.mark.parametrize(("flags", "message"), [("usage: true", "program is no benchmark_model"), ("--model", "is no")])
def test_another_program(make: Make, model_file: Path, flags: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_official(make(flags), model_file)


def test_no_program(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "text").write_text("hello")
    for name in ("none", "text", "."):
        with pytest.raises(InputError, match="cannot be run"):
            run_official(tmp_path / name, model_file)


def test_a_program_that_hangs(make: Make, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program: Any = make(CLASSIC)
    program.write_text(program.read_text().replace("print(", "__import__('time').sleep(9); print(", 2))
    monkeypatch.setattr("portraitlite.benchmarks.official.HELP_LIMIT_S", 0.3)
    with pytest.raises(InputError, match=r"takes more than 0\.3 s"):
        run_official(program, model_file)
