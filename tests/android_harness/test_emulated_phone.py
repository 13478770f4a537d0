"""End to end without a phone: real adb, the double, arm64 programs under qemu; the results compared with Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from emulated_phone import ARM64_LITERT, emulated_shell, make_emulated_phone, missing
from fake_device import FakeDevice
from PIL import Image
from private_adb import connect, disconnect
from tiny_segmenter import tiny_segmenter

from portraitlite.android_harness.adb import AdbProgram
from portraitlite.android_harness.build import Target, build_harness
from portraitlite.android_harness.facts import read_facts, read_state
from portraitlite.android_harness.run_folder import RunFolder
from portraitlite.android_harness.self_test import run_self_test
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.parity import PhotoParity
from portraitlite.benchmarks.parity_record import ParityRecord
from portraitlite.benchmarks.parity_run import ParitySettings, run_parity
from portraitlite.benchmarks.parity_stages import ParityStage
from portraitlite.benchmarks.phone import PhoneSettings, bench_phone
from portraitlite.benchmarks.schedule import Schedule

SIZE = (256, 192)


@pytest.fixture(scope="module")
def emulated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emulated")
    reason = missing(folder)
    if reason is not None:
        pytest.skip(reason)
    return make_emulated_phone(folder / "phone")


@pytest.fixture(scope="module")
def harness(emulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_harness(tmp_path_factory.mktemp("arm64"), Target.AARCH64_LINUX_GNU).path


@pytest.fixture(scope="module")
def library() -> Path:
    return Path(os.environ[ARM64_LITERT])


@pytest.fixture
def emulated(adb: AdbProgram, emulated_root: Path) -> Iterator[Phone]:
    """The phone, connected; at the end nothing of ours may be left on it."""
    with FakeDevice(emulated_root, emulated_shell(emulated_root)) as double:
        connect(adb.path, double.serial)
        yield Phone(adb, double.serial)
        disconnect(adb.path, double.serial)
    assert list((emulated_root / "data/local/tmp").iterdir()) == []


@pytest.fixture(scope="module")
def photo(request: pytest.FixtureRequest) -> npt.NDArray[np.uint8]:
    path = Path(request.config.rootpath) / "examples/photos/woman.jpg"
    return np.asarray(Image.open(path).convert("RGB").resize(SIZE))


def show(record: ParityRecord) -> PhotoParity:
    """The only photo; its figures are printed (`pytest -rP`)."""
    (found,) = record.photos
    for stage in found.stages:
        print(f"{record.model.name} {stage.stage}: {100 * stage.equal_share:.4f} % equal, largest {stage.largest:.3g}")
    return found


def test_facts_are_those_of_the_made_phone(emulated: Phone) -> None:
    facts, state = read_facts(emulated), read_state(emulated)
    assert (facts.abi, facts.soc) == ("arm64-v8a", "Acme AC100")
    assert [len(cluster.cpus) for cluster in facts.clusters or ()] == [4, 2]
    assert facts.emulated is not None
    assert state.celsius == {"skin": 30.0, "cpu": 44.5}


def test_the_library_passes_its_test(emulated: Phone, harness: Path, library: Path) -> None:
    with RunFolder(emulated) as folder:
        run_self_test(folder, folder.put(harness, executable=True), folder.put(library))


def test_a_bench_runs_and_gives_no_figures(emulated: Phone, harness: Path, library: Path, tmp_path: Path) -> None:
    model = tiny_segmenter(tmp_path / "tiny.tflite")
    result = bench_phone(emulated, [model], Schedule(runs=4, warmup=1), PhoneSettings(harness, library, cpus=(0,)))
    assert result.error is None, result.error
    assert result.run is None
    (run,) = result.emulated
    assert run.phone.complete
    assert run.phone.emulated
    assert run.environment.cpu_affinity == (0,)
    assert run.environment.backend_version == "2.3.0 (glibc)"


@pytest.mark.parametrize("adb_path", ["adb 36"], indirect=True)
def test_float_labels_and_picture(
    emulated: Phone, harness: Path, library: Path, tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    model = tiny_segmenter(tmp_path / "tiny.tflite")
    record = run_parity(emulated, model, [("woman", photo)], ParitySettings(harness, library))
    found = show(record)
    assert record.emulated
    assert record.failures == ()
    assert found.stage(ParityStage.INPUT).equal_share == 1
    assert found.stage(ParityStage.LABELS).equal_share >= 0.999
    assert found.stage(ParityStage.PICTURE).largest <= 2


@pytest.mark.parametrize("adb_path", ["adb 29"], indirect=True)
def test_int8_labels_are_equal_byte_by_byte(
    emulated: Phone, harness: Path, library: Path, photo: npt.NDArray[np.uint8]
) -> None:
    record = run_parity(emulated, "portrait", [("woman", photo)], ParitySettings(harness, library))
    found = show(record)
    assert found.stage(ParityStage.INPUT).equal_share == 1
    assert found.stage(ParityStage.LABELS).equal_share == 1
    assert found.stage(ParityStage.PICTURE).largest <= 2
    assert record.failures == ()
