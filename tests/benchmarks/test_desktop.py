from __future__ import annotations

import dataclasses
import datetime
import hashlib
from pathlib import Path

import pytest
from run_records import made_environment

from portraitlite.benchmarks.desktop import bench_desktop, bench_models, noise_warnings
from portraitlite.benchmarks.environment import Environment, MachineState
from portraitlite.benchmarks.record import RunRecord
from portraitlite.benchmarks.schedule import Schedule
from portraitlite.benchmarks.statistics import summarize
from portraitlite.runtime.errors import InputError


def machine(*, load: float = 0.0, cpus: int = 4, usable: int = 4) -> Environment:
    state = MachineState(load, (1000.0,), 10, {})
    return made_environment(cpu_count=cpus, cpu_affinity=tuple(range(usable)), before=state, after=state)


def test_the_record_says_what_ran(model_file: Path) -> None:
    content = model_file.read_bytes()
    record = bench_desktop(model_file, runs=12, warmup=2, threads=1)
    assert record.model.name == "add.tflite"
    assert record.model.size_bytes == len(content)
    assert record.model.sha256 == hashlib.sha256(content).hexdigest()
    configuration = record.configuration
    assert (configuration.runs, configuration.warmup, configuration.threads) == (12, 2, 1)
    assert (configuration.device, configuration.backend, configuration.scope) == ("desktop", "litert", "invoke")
    assert record.figures.statistics == summarize(record.figures.latency_ms)
    created = datetime.datetime.fromisoformat(record.created)
    assert created.utcoffset() == datetime.timedelta(0)
    assert abs(datetime.datetime.now(datetime.UTC) - created) < datetime.timedelta(minutes=5)
    assert RunRecord.from_dict(record.to_dict() | {"warnings": ["x"]}).warnings == ("x",)


@pytest.mark.parametrize(("content", "message"), [(b"", "TFL3"), (b"\x89PNG\r\n\x1a\n" * 9, "TFL3")])
def test_no_model(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        bench_desktop(path)


def test_half_a_model(model_file: Path) -> None:
    content = model_file.read_bytes()
    model_file.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"add\.tflite cannot be loaded"):
        bench_desktop(model_file)


def test_memory_that_cannot_be_measured_is_said(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portraitlite.benchmarks.memory.STATUS", tmp_path / "none")
    (record,) = bench_models([model_file], Schedule(runs=2, warmup=0), memory=True).records
    assert record.figures.memory is None
    assert record.warnings[-1].startswith("memory is not measured")


def test_a_quiet_machine_gives_no_warning() -> None:
    assert noise_warnings(summarize([10.0, 10.1, 10.2]), machine(load=4.0), threads=4) == ()


def test_more_threads_than_usable_cpus() -> None:
    (warning,) = noise_warnings(summarize([1.0]), machine(usable=2), threads=3)
    assert warning.startswith("3 threads share 2 usable CPUs")


def test_a_busy_machine() -> None:
    (warning,) = noise_warnings(summarize([1.0]), machine(load=4.1), threads=1)
    assert "load 4.1 on 4 CPUs" in warning


def test_scattered_runs() -> None:
    (warning,) = noise_warnings(summarize([8.0, 9.0, 10.0, 11.2, 12.0]), machine(), threads=1)
    assert "MAD is 12 % of p50" in warning
    assert noise_warnings(summarize([8.0, 9.0, 10.0, 11.0, 12.0]), machine(), threads=1) == ()


def test_what_the_machine_does_not_tell_is_not_judged() -> None:
    reasons = {"cpu_count": "hidden", "cpu_affinity": "hidden"}
    silent = dataclasses.replace(machine(load=99.0, usable=1), cpu_count=None, cpu_affinity=None, unavailable=reasons)
    assert noise_warnings(summarize([1.0]), silent, threads=8) == ()
