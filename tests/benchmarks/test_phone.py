"""`bench` on the double of a phone with a stand-in for the native program: what is measured and recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_device import FakeDevice
from fake_phone import make_phone, plain_shell, properties_text, thermal_text
from phone_bench import Bench, prepare_bench, records
from private_adb import connect, disconnect

from portraitlite.android_harness.adb import AdbProgram
from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.devices import list_devices
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.compare import compare_runs
from portraitlite.benchmarks.phone import bench_phones
from portraitlite.benchmarks.run_set import RunSet, load_run, save_run
from portraitlite.benchmarks.schedule import Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.runtime.errors import InputError

# One adb is enough here: what differs between them is tested in test_shell.py and test_phone_faults.py.
pytestmark = pytest.mark.parametrize("adb_path", ["adb 29"], indirect=True)


@pytest.fixture
def bench(phone: Phone, device: FakeDevice, tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return prepare_bench(phone, device, tmp_path / "stand-in", model_file, monkeypatch)


@pytest.fixture
def other(adb: AdbProgram, tmp_path: Path) -> Iterator[FakeDevice]:
    """A second double, connected."""
    root = make_phone(tmp_path / "other")
    with FakeDevice(root, plain_shell(root)) as double:
        connect(adb.path, double.serial)
        yield double
        disconnect(adb.path, double.serial)


def test_a_record_says_how_and_where(bench: Bench, tmp_path: Path) -> None:
    run = records(bench.run(threads=[2]))
    (record,) = run.records
    assert record.model.name == "add.tflite"
    assert (record.configuration.device, record.configuration.delegate, record.configuration.threads) == (
        "adb",
        "cpu",
        2,
    )
    assert (record.configuration.runs, record.configuration.warmup) == (6, 2)
    assert len(record.figures.latency_ms) == 6
    assert record.figures.load_ms == 5.0
    assert record.environment.backend_version == "9.9.9 (bionic)"
    assert record.environment.os == "Android 14 (API 34), Linux 5.15.0-made-up"
    assert record.environment.cpu_governor == ("schedutil",) * 6
    assert record.phone is not None
    assert record.phone.complete
    assert not record.phone.emulated
    assert [round_.runs for round_ in record.phone.rounds] == [2, 2, 2]
    assert record.phone.facts.name == "Acme Anvil [2]"
    assert record.phone.memory is not None
    assert record.phone.memory.peak_bytes == 9_000_000
    assert record.phone.adb == bench.phone.adb.version
    assert record.phone.library is not None
    assert not record.phone.library.accepted
    save_run(tmp_path / "run.json", run)
    assert load_run(tmp_path / "run.json") == run
    text = (tmp_path / "run.json").read_text()
    assert "SECRET" not in text
    assert bench.phone.serial not in text


def test_configurations_take_turns(bench: Bench, tmp_path: Path) -> None:
    second = shutil.copy(bench.model, tmp_path / "larger.tflite")
    second.write_bytes(second.read_bytes() + bytes(500_000))
    run = records(bench.run(models=[bench.model, second]))
    turns = [call["options"]["model"] for call in bench.calls]
    assert len(turns) == 6
    assert turns[:2] * 3 == turns
    assert turns[0] != turns[1]
    assert [record.model.name for record in run.records] == ["add.tflite", "larger.tflite"]
    assert run.turns[0].interval.ratio == pytest.approx(1.5, rel=0.01)


def test_the_cpu_is_timed_as_on_the_desktop_and_a_gpu_with_reading_back(bench: Bench) -> None:
    cpu, gpu = (records(bench.run(accelerator=name)).records[0] for name in ("cpu", "gpu"))
    assert cpu.figures.latency_ms[0] == pytest.approx(0.9 * gpu.figures.latency_ms[0], rel=1e-3)
    assert any("gpu took only a part" in line for line in gpu.warnings)
    assert bench.calls[-1]["options"]["accelerator"] == "gpu"


def test_cores_are_passed_as_a_mask(bench: Bench) -> None:
    (record,) = records(bench.run(cpus=(4, 5))).records
    assert bench.calls[0]["options"]["cpus"] == "30"
    assert record.environment.cpu_affinity == (4, 5)
    assert record.phone is not None
    assert record.phone.cpus == "30"
    assert isinstance(bench.run(cpus=(9,)).error, InputError)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.INVOKE])
def test_stages_run_on_the_same_made_photo(bench: Bench, stage: Stage) -> None:
    (record,) = records(bench.run(stage=stage, models=["portrait"], photo_size=(64, 48))).records
    assert record.configuration.scope == stage
    assert record.configuration.photo_size == (64, 48)
    options = bench.calls[-1]["options"]
    assert options["size"] == "64x48"
    assert bench.calls[-1]["mode"] == stage
    assert ("blur" in options) == (stage is not Stage.SEGMENT)
    assert ("model" in options) == stage.uses_model
    assert bench.there() == []


def test_a_kept_run_is_found_again(bench: Bench) -> None:
    records(bench.run(keep=True))
    assert bench.there() != []
    pushed = len([command for command in bench.device.commands if command.startswith("(\nmv ")])
    records(bench.run())
    again = len([command for command in bench.device.commands if command.startswith("(\nmv ")]) - pushed
    assert pushed >= 4
    assert again == 0


def test_throttling_and_warmth_are_flagged(bench: Bench) -> None:
    (bench.device.root / "answers/thermalservice").write_text(thermal_text(status=2))
    (record,) = records(bench.run()).records
    assert record.phone is not None
    assert record.phone.throttled == ("thermal status 2",)
    assert any("slows itself down: thermal status 2" in line for line in record.warnings)
    assert any("not known to be cool" in line for line in record.warnings)


def test_an_emulated_phone_gives_no_figures(bench: Bench) -> None:
    properties = properties_text() + "[ro.boot.qemu]: [1]\n"
    (bench.device.root / "answers/getprop").write_text(properties)
    result = bench.run()
    assert result.error is None
    assert result.run is None
    (run,) = result.emulated
    document = run.to_dict()
    assert document["phone"]["emulated"] is True
    assert document["phone"]["memory"] is None
    assert not [key for key in _keys(document) if key.endswith("_ms") or key in ("figures", "statistics")]
    with pytest.raises(ValueError, match="'emulated'"):
        RunSet.from_dict(document)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _keys(item)


def test_figures_of_an_emulated_phone_are_not_read(bench: Bench) -> None:
    document = json.loads(json.dumps(records(bench.run()).to_dict()))
    document["phone"]["emulated"] = True
    with pytest.raises(ValueError, match="mean nothing"):
        RunSet.from_dict(document)


def test_runs_of_a_phone_are_compared_as_others_are(bench: Bench) -> None:
    first, second = records(bench.run()), records(bench.run())
    assert not compare_runs(first, second).slower


def test_model_names_with_shell_characters(bench: Bench, tmp_path: Path) -> None:
    model = Path(shutil.copy(bench.model, tmp_path / "a; touch $(whoami) 'b`id`.tflite"))
    (record,) = records(bench.run(models=[model])).records
    assert record.model.name == model.name


def test_several_phones_at_the_same_time(bench: Bench, other: FakeDevice) -> None:
    devices = list_devices(bench.phone.adb)
    results = bench_phones(bench.phone.adb, devices, [bench.model], Schedule(runs=3, warmup=0), bench.settings)
    assert len({result.unit for result in results}) == 2
    assert all(result.run is not None and result.error is None for result in results)


def test_one_lost_phone_does_not_stop_the_others(bench: Bench, other: FakeDevice) -> None:
    devices = list_devices(bench.phone.adb)
    other.refuse_writes = 28
    results = bench_phones(bench.phone.adb, devices, [bench.model], Schedule(runs=3, warmup=0), bench.settings)
    assert sorted(result.error is None for result in results) == [False, True]


@pytest.mark.parametrize(("runs", "rounds"), [(2, 3), (1, 5)])
def test_more_rounds_than_runs_are_refused_before_anything_is_sent(bench: Bench, runs: int, rounds: int) -> None:
    result = bench.run(schedule=Schedule(runs=runs, warmup=0), rounds=rounds)
    assert isinstance(result.error, InputError)
    assert bench.device.commands == []


def test_a_phone_that_says_little_is_measured_all_the_same(bench: Bench, tmp_path: Path) -> None:
    root = bench.device.root
    for name in ("thermalservice", "battery", "power"):
        (root / "answers" / name).unlink()
    for path in ("sys/devices/system/cpu", "proc/sys"):
        shutil.rmtree(root / path)
    for name in ("cpuinfo", "meminfo", "loadavg"):
        (root / "proc" / name).unlink()
    (root / "answers/getprop").write_text("[ro.product.cpu.abi]: [arm64-v8a]\n")
    run = records(bench.run())
    (record,) = run.records
    assert record.phone is not None
    assert record.phone.facts.clusters is None
    assert record.phone.rounds[0].before.celsius is None
    assert record.environment.cpu_governor is None
    assert any("neither thermal status nor temperature" in line for line in record.warnings)
    save_run(tmp_path / "run.json", run)
    assert load_run(tmp_path / "run.json") == run


def test_a_phone_without_an_abi_is_refused(bench: Bench) -> None:
    (bench.device.root / "answers/getprop").write_text("")
    result = bench.run()
    assert isinstance(result.error, DeviceError)
    assert "does not say its ABI" in str(result.error)
