"""The official program on the double of a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_device import FakeDevice
from fake_phone import fake_library, properties_text

from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.official import load_official, save_official
from portraitlite.benchmarks.phone_official import run_official_on_phone
from portraitlite.runtime.errors import InputError, MissingDependencyError

pytestmark = pytest.mark.parametrize("adb_path", ["adb 29"], indirect=True)

# What the classic program prints, as it would be on a phone.
PROGRAM = """#!/bin/sh
case "$1" in
--help) echo "  --graph=... --num_runs=50 --use_xnnpack=true --use_gpu=false" >&2; exit 1;;
esac
echo "INFO: Graph: [$1]"
{body}
"""
GOOD = """echo "INFO: count=1 curr=900" >&2
echo "count=6 first=2000 curr=1000 min=1000 max=2000 avg=1200 std=3 p5=1000 median=1100 p95=1900"
echo "Inference timings in us: Init: 500, First inference: 2000, Warmup (avg): 2000, Inference (avg): 1200"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "benchmark_model"
    path.write_text(PROGRAM.replace("{body}", GOOD))
    return path


def test_its_figures_with_the_phone_around_them(phone: Phone, program: Path, model_file: Path, tmp_path: Path) -> None:
    run = run_official_on_phone(phone, program, model_file, runs=6, warmup=1, threads=2, cool_s=0)
    assert (run.result.failed, run.result.mean_ms, run.result.median_ms) == (False, 1.2, 1.1)
    assert run.program == "benchmark_model"
    assert run.phone is not None
    assert run.phone.engine == "benchmark_model"
    assert run.phone.facts.name == "Acme Anvil [2]"
    assert run.environment.os.startswith("Android 14")
    save_official(tmp_path / "run.json", run)
    assert load_official(tmp_path / "run.json") == run


def test_a_failure_is_a_result_too(phone: Phone, program: Path, model_file: Path) -> None:
    program.write_text(PROGRAM.replace("{body}", 'echo "Benchmarking failed."; exit 1'))
    run = run_official_on_phone(phone, program, model_file, cool_s=0)
    assert run.result.failed
    assert run.exit_code == 1
    assert run.phone is not None
    assert not run.phone.complete


def test_nothing_is_left(phone: Phone, device: FakeDevice, program: Path, model_file: Path) -> None:
    program.write_text("#!/bin/sh\necho something else\n")
    with pytest.raises(InputError, match="no benchmark_model"):
        run_official_on_phone(phone, program, model_file, cool_s=0)
    assert list((device.root / "data/local/tmp").iterdir()) == []


def test_an_accelerator_that_it_does_not_have(phone: Phone, program: Path, model_file: Path) -> None:
    with pytest.raises(InputError, match="no option for the npu"):
        run_official_on_phone(phone, program, model_file, accelerator="npu", cool_s=0)


def test_emulated_phones_and_other_machines(
    phone: Phone, device: FakeDevice, program: Path, model_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(MissingDependencyError, match="built for x86_64"):
        run_official_on_phone(phone, fake_library(tmp_path / "x", machine=62), model_file, cool_s=0)
    (device.root / "answers/getprop").write_text(properties_text(ro_hardware="ranchu"))
    with pytest.raises(DeviceError, match="emulated"):
        run_official_on_phone(phone, program, model_file, cool_s=0)
