"""`bench --device adb` from the command line: files, exit codes, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_device import Auth, FakeDevice
from fake_phone import make_phone, plain_shell, properties_text
from phone_bench import Bench, prepare_bench
from private_adb import connect, disconnect
from typer.testing import CliRunner

from portraitlite.android_harness.devices import unit_of
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.run_set import load_run
from portraitlite.cli import app

pytestmark = pytest.mark.parametrize("adb_path", ["adb 29"], indirect=True)


@pytest.fixture
def bench(phone: Phone, device: FakeDevice, tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return prepare_bench(phone, device, tmp_path / "stand-in", model_file, monkeypatch)


def run(bench: Bench, *words: object) -> Any:
    settings = (
        "--harness",
        bench.settings.harness,
        "--litert",
        bench.settings.library,
        "--runs",
        2,
        "--cool-seconds",
        0,
    )
    asked = ["bench", bench.model, "--device", "adb", *settings, *words]
    return CliRunner().invoke(app, [str(word) for word in asked])


def code(done: Any) -> int:
    return int(getattr(done.exception, "exit_code", done.exit_code))


def test_a_table_and_a_record(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    done = run(bench, "-o", out)
    assert done.exit_code == 0, done.output
    assert "Acme Anvil [2]" in done.stdout
    assert "latency in ms" in done.stdout
    record = load_run(out).records[0]
    assert record.phone is not None
    assert code(run(bench, "-o", out)) == 2
    assert run(bench, "-o", out, "--force").exit_code == 0


def test_json(bench: Bench) -> None:
    done = run(bench, "--json", "--quiet")
    assert json.loads(done.stdout)["phone"]["complete"] is True


def test_what_was_measured_is_written_before_the_error(bench: Bench, tmp_path: Path) -> None:
    bench.behave("killed from 2")
    done = run(bench, "-o", tmp_path / "run.json")
    assert code(done) == 1
    assert "SIGKILL" in str(done.exception)
    record = load_run(tmp_path / "run.json").records[0]
    assert record.phone is not None
    assert not record.phone.complete


def test_an_emulated_phone(bench: Bench, tmp_path: Path) -> None:
    (bench.device.root / "answers/getprop").write_text(properties_text(ro_hardware="ranchu"))
    done = run(bench, "-o", tmp_path / "run.json")
    assert done.exit_code == 0, done.output
    assert "emulated, no figures" in done.stdout
    document = json.loads((tmp_path / "run.json").read_text())
    assert (document["kind"], "figures" in document) == ("emulated", False)


def test_one_file_for_each_phone(bench: Bench, tmp_path: Path) -> None:
    root = make_phone(tmp_path / "other")
    hidden = FakeDevice(root, plain_shell(root), auth=Auth.NEVER)
    with hidden, FakeDevice(root, plain_shell(root)) as other:
        for double in (other, hidden):
            connect(bench.phone.adb.path, double.serial)
        done = run(bench, "--device", "all", "-o", tmp_path / "run.json")
        for double in (other, hidden):
            disconnect(bench.phone.adb.path, double.serial)
    assert done.exit_code == 0, done.output
    names = {f"run-{unit_of(serial)}.json" for serial in (bench.phone.serial, other.serial)}
    assert {path.name for path in tmp_path.glob("run*.json")} == names
    assert f"left out: {hidden.serial} is unauthorized" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "phone"), "give adb, adb:SERIAL or all"),
        (("--device", "adb:$(reboot)"), "is no serial"),
        (("--memory",), "for the desktop"),
        (("--profile", "x.csv"), "for the desktop"),
        (("--device", "desktop"), "--harness is for phones"),
        (("--rounds", "9"), "9 rounds for 2 runs"),
        (("-o", "/no/such/folder/run.json"), "does not exist"),
    ],
)
def test_what_cannot_be_is_refused(bench: Bench, words: tuple[str, ...], said: str) -> None:
    done = run(bench, *words)
    assert code(done) == 2
    assert said in str(done.exception)
    assert bench.calls == []


def test_the_files_must_be_named(bench: Bench) -> None:
    done = CliRunner().invoke(app, ["bench", str(bench.model), "--device", "adb"])
    assert code(done) == 2
    assert "--harness and --litert" in str(done.exception)


def test_a_phone_that_is_not_there(bench: Bench) -> None:
    done = run(bench, "--device", "adb:127.0.0.1:1")
    assert code(done) == 3
    assert "no device 127.0.0.1:1" in str(done.exception)
