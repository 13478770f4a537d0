"""The options of `bench` beyond a single model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from run_records import made_environment, made_record
from typer.testing import CliRunner

from portraitlite.benchmarks import commands
from portraitlite.benchmarks.desktop import noise_warnings
from portraitlite.benchmarks.environment import MachineState
from portraitlite.benchmarks.run_set import RunSet, load_run
from portraitlite.benchmarks.schedule import Rule, Schedule
from portraitlite.benchmarks.statistics import stability, summarize
from portraitlite.runtime.errors import CheckFailedError, InputError

FAST = ("--runs", "6", "--warmup", "1")


def run(*arguments: str | int | Path) -> Any:
    application = typer.Typer()
    application.callback()(lambda: None)  # keeps `bench` a verb although it is the only one
    commands.register(application)
    return CliRunner().invoke(application, ["bench", *map(str, arguments)])


def test_models_and_threads_take_turns(model_file: Path, make_model: Callable[..., bytes], tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(make_model(shape=(1, 64, 64, 3)))
    output = tmp_path / "run.json"
    result = run(model_file, other, *FAST, "--threads", "1,2", "-o", output)
    assert result.exit_code == 0, result.exception
    found = load_run(output)
    assert [(one.model.name, one.configuration.threads) for one in found.records] == [
        ("add.tflite", 1),
        ("add.tflite", 2),
        ("other.tflite", 1),
        ("other.tflite", 2),
    ]
    assert {one.configuration.contestants for one in found.records} == {4}
    assert [turn.record for turn in found.turns] == [1, 2, 3]
    assert found.turns[1].interval.ratio > 1  # 256 times the pixels
    text = " ".join(result.stdout.split())
    for piece in ("in turns", "add", "other", "band", f"{found.turns[1].interval.ratio:.3f}"):
        assert piece in text


def test_a_photo_size_without_a_photo_is_refused(model_file: Path) -> None:
    result = run(model_file, *FAST, "--photo-size", "640x480")
    assert isinstance(result.exception, InputError)
    assert "--photo-size" in str(result.exception)
    assert "invoke" in str(result.exception)


def test_mlperf_and_stage_reach_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def measured(models: list[str], schedule: Schedule, **options: Any) -> RunSet:
        seen.update(options, models=models, schedule=schedule)
        return RunSet((made_record([1.0] * 8),), ())

    monkeypatch.setattr("portraitlite.benchmarks.desktop.bench_models", measured)
    result = run("portrait", "--rule", "mlperf", "--stage", "apply", "--photo-size", "640x480", "--memory", "--quiet")
    assert result.exit_code == 0, result.exception
    assert seen["schedule"] == Schedule.mlperf()
    assert seen["schedule"].rule is Rule.MLPERF
    assert (seen["stage"], seen["photo_size"], seen["memory"]) == ("apply", (640, 480), True)


def test_a_stage_with_memory_in_the_record(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    arguments = ("--stage", "plan", "--photo-size", "160x120", "--memory", "--runs", "2", "--warmup", "0", "--json")
    result = run("portrait", *arguments, "-o", output)
    assert result.exit_code == 0, result.exception
    (record,) = load_run(output).records
    assert (record.configuration.scope, record.configuration.photo_size) == ("plan", (160, 120))
    assert json.loads(result.stdout) == json.loads(output.read_text())
    if Path("/proc/self/status").is_file():
        assert record.figures.memory is not None
        assert record.figures.memory.run_bytes > record.figures.memory.before_bytes


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no sched_setaffinity")
def test_fixed_cpus_stand_in_the_record(model_file: Path, tmp_path: Path) -> None:
    output, cpu = tmp_path / "run.json", min(os.sched_getaffinity(0))
    assert run(model_file, *FAST, "--cpus", str(cpu), "-o", output).exit_code == 0
    assert load_run(output).records[0].environment.cpu_affinity == (cpu,)


@pytest.mark.parametrize(
    "arguments",
    [("--threads", "1,1"), ("--threads", "1,"), ("--cpus", "a"), ("--photo-size", "12"), ("--rule", "fast")],
)
def test_options_that_cannot_be(model_file: Path, arguments: tuple[str, ...]) -> None:
    assert run(model_file, *arguments).exit_code == 2


@pytest.mark.parametrize("extra", [("portrait",), ("--threads", "1,2"), ("--stage", "plan")])
def test_profile_is_of_one_model(model_file: Path, tmp_path: Path, extra: tuple[str, ...]) -> None:
    result = run(model_file, *extra, "--profile", tmp_path / "p.csv")
    assert isinstance(result.exception, InputError)
    assert "one model, one number of threads, no --stage" in str(result.exception)


def test_a_profile_beside_the_record(model_file: Path, tmp_path: Path) -> None:
    result = run(model_file, *FAST, "--profile", tmp_path / "p.json", "--json", "-o", tmp_path / "run.json")
    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)["kind"] == "latency"
    (op,) = json.loads((tmp_path / "p.json").read_text())["ops"]
    assert (op["op"], op["layer"], op["partition"]) == ("Add (ND)", "sum", 0)


def program(tmp_path: Path, output: str) -> Path:
    path = tmp_path / "program"
    flags = "--graph --num_runs --use_xnnpack"
    path.write_text(f"#!{sys.executable}\nimport sys\nprint({flags!r} if '--help' in sys.argv else {output!r})\n")
    path.chmod(0o755)
    return path


def test_the_official_program(model_file: Path, tmp_path: Path) -> None:
    good = program(tmp_path, "Unconsumed cmdline flags: --zoom\nInference timings in us: Inference (avg): 2500")
    result = run(model_file, "--benchmark-model", good, "-o", tmp_path / "o.json")
    assert result.exit_code == 0, result.exception
    assert "2.50" in result.stdout
    assert result.stderr == "finding: unknown flags: --zoom\n"
    assert json.loads((tmp_path / "o.json").read_text())["result"]["findings"] == ["unknown flags: --zoom"]


@pytest.mark.parametrize("extra", [("--rule", "mlperf"), ("--memory",), ("--backend", "litert")])
def test_the_official_program_takes_no_options_of_ours(
    model_file: Path, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    result = run(model_file, "--benchmark-model", program(tmp_path, ""), *extra)
    assert isinstance(result.exception, InputError)
    assert "leave --rule, --memory and --backend out" in str(result.exception)


def test_a_failure_of_the_official_program_is_recorded_and_ends_with_1(model_file: Path, tmp_path: Path) -> None:
    bad = program(tmp_path, "Benchmarking failed.")
    result = run(model_file, "--benchmark-model", bad, "-o", tmp_path / "o.json", "--json")
    assert isinstance(result.exception, CheckFailedError)
    assert result.exception.exit_code == 1
    assert json.loads(result.stdout) == json.loads((tmp_path / "o.json").read_text())


def test_drift_and_changing_clocks_are_flagged() -> None:
    rising = [10.0 + 0.05 * i for i in range(60)]
    (drift,) = noise_warnings(summarize(rising), made_environment(), 1, stability(rising))
    assert "the last quarter took 1.22 of the first" in drift
    moved = made_environment(after=MachineState(0.5, (1200.0,), 10, {}))
    (clock,) = noise_warnings(summarize([1.0]), moved, 1, stability([1.0]))
    assert "a CPU clock changed by 20 %" in clock
