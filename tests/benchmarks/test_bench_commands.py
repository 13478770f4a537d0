from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from portraitlite.benchmarks import commands
from portraitlite.benchmarks.record import RunRecord, load_record
from portraitlite.runtime.errors import InputError, PortraitLiteError

FAST = ("--runs", "6", "--warmup", "1")


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    application.callback()(lambda: None)  # keeps `bench` a verb although it is the only one
    commands.register(application)
    return application


def run(app: typer.Typer, *arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_json_on_stdout_is_the_record(app: typer.Typer, model_file: Path) -> None:
    result = run(app, model_file, *FAST, "--json")
    assert result.exit_code == 0
    record = RunRecord.from_dict(json.loads(result.stdout))
    assert record.configuration.runs == 6
    assert len(record.figures.latency_ms) == 6


def test_quiet_is_quiet_about_what_native_code_says_too(app: typer.Typer, model_file: Path, capfd: Any) -> None:
    assert run(app, model_file, *FAST, "--quiet").exit_code == 0
    assert capfd.readouterr().err == ""


def test_the_file_holds_what_stdout_says(app: typer.Typer, model_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    result = run(app, model_file, *FAST, "--threads", "2", "--backend", "litert", "--json", "-o", output)
    record = load_record(output)
    assert RunRecord.from_dict(json.loads(result.stdout)) == record
    assert (record.configuration.threads, record.configuration.backend) == (2, "litert")


def test_the_table_shows_figures_and_how_they_came(app: typer.Typer, model_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    result = run(app, model_file, *FAST, "-o", output)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    record = load_record(output)
    assert f"{record.figures.load_ms:.2f}" in text
    for piece in ("p50", "p90", "p99", "add.tflite", "latency in ms", "6 runs", "1 thread,", "litert"):
        assert piece in text


def test_warnings_go_to_stderr_unless_quiet(
    app: typer.Typer, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portraitlite.benchmarks.desktop.noise_warnings", lambda *_: ("a train passed",))
    loud = run(app, model_file, *FAST, "--json")
    assert "warning: a train passed\n" in loud.stderr
    assert json.loads(loud.stdout)["warnings"] == ["a train passed"]
    quiet = run(app, model_file, *FAST, "--json", "--quiet")
    assert quiet.stderr == ""
    assert json.loads(quiet.stdout)["warnings"] == ["a train passed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--device", "adb"), "a phone needs --harness and --litert"),
        (("--backend", "torch"), "unknown backend 'torch'"),
        (("-o", "none/run.json"), "none does not exist"),
        (("-o", "."), "is a folder"),
    ],
)
def test_bad_arguments(
    app: typer.Typer,
    model_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(model_file.parent)
    result = run(app, model_file, *FAST, *arguments)
    assert isinstance(result.exception, PortraitLiteError)
    assert result.exception.exit_code == 2
    assert message in str(result.exception)
    assert list(model_file.parent.iterdir()) == [model_file]


@pytest.mark.parametrize("arguments", [("--runs", "0"), ("--warmup", "-1"), ("--threads", "0"), ("--runs", "x")])
def test_counts_out_of_range_are_usage_errors(app: typer.Typer, model_file: Path, arguments: tuple[str, ...]) -> None:
    assert run(app, model_file, *arguments).exit_code == 2


def test_a_wrong_file_leaves_no_record(app: typer.Typer, tmp_path: Path) -> None:
    wrong = tmp_path / "text.tflite"
    wrong.write_text("hello")
    result = run(app, wrong, "-o", tmp_path / "run.json")
    assert isinstance(result.exception, InputError)
    assert list(tmp_path.iterdir()) == [wrong]


def test_an_existing_record_is_refused_before_measuring(
    app: typer.Typer, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "run.json"
    output.write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr("portraitlite.benchmarks.desktop.bench_models", lambda *_, **__: pytest.fail("measured"))
        result = run(app, model_file, "-o", output)
    assert isinstance(result.exception, InputError)
    assert output.read_text() == "mine"
    assert run(app, model_file, *FAST, "-o", output, "--force").exit_code == 0
    assert load_record(output).configuration.runs == 6


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def bar_text(monkeypatch: pytest.MonkeyPatch, *, first_ms: float, quiet: bool = False) -> str:
    """What the progress bar writes to a terminal over ten inferences, a second apart."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    seconds = iter(range(1, 1000))
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    monkeypatch.setenv("TERM", "xterm")
    with commands._progress_bar(quiet=quiet) as move:
        if move is not None:
            for done in range(10):
                move(done + 1, 10, first_ms)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())


def test_a_bar_for_long_runs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    text = bar_text(monkeypatch, first_ms=300)
    assert "bench" in text
    assert " 10%" in text
    assert "100%" in text
    assert "bench" not in bar_text(monkeypatch, first_ms=1)
    assert bar_text(monkeypatch, first_ms=300, quiet=True) == ""
