"""Faults on a phone: one clear line, what was measured before is kept and marked, nothing is left there."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_device import FakeDevice
from fake_phone import fake_library
from phone_bench import Bench, prepare_bench, records

from portraitlite.android_harness import library_lock
from portraitlite.android_harness.device_errors import DeviceError, DeviceLostError, PhoneProgramError
from portraitlite.android_harness.library_lock import LockedLibrary, Verdict, read_lock
from portraitlite.android_harness.self_test import self_test
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks import phone_library
from portraitlite.benchmarks.phone import bench_phone
from portraitlite.benchmarks.phone_record import LibraryFacts
from portraitlite.benchmarks.schedule import Schedule
from portraitlite.runtime.errors import CheckFailedError, InputError, MissingDependencyError


@pytest.fixture
def bench(phone: Phone, device: FakeDevice, tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return prepare_bench(phone, device, tmp_path / "stand-in", model_file, monkeypatch)


@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        ("killed", PhoneProgramError, "killed by SIGKILL; the phone may have run out of memory"),
        ("garbage", PhoneProgramError, "no whole document"),
        ("cut", PhoneProgramError, "no whole document"),
        ("no end", PhoneProgramError, "no whole document"),
        ("no times", PhoneProgramError, r"has not a list of numbers at timing\.total_ms"),
        ("linker", PhoneProgramError, "CANNOT LINK EXECUTABLE"),
        ("old library", DeviceError, "status 500"),
        ("bad model", InputError, "status 500"),
    ],
)
def test_faults_of_the_program(bench: Bench, what: str, kind: type[Exception], said: str) -> None:
    bench.behave(what)
    result = bench.run()
    assert type(result.error) is kind
    assert re.search(said, str(result.error))
    assert "\n" not in str(result.error)
    assert "\x1b" not in str(result.error)
    assert result.run is None
    assert bench.there() == []


@pytest.mark.parametrize("what", ["killed", "garbage", "old library"])
def test_what_was_measured_before_is_kept_and_marked(bench: Bench, what: str) -> None:
    bench.behave(f"{what} from 3")
    result = bench.run()
    assert result.error is not None
    assert result.error.exit_code in (1, 3)
    assert result.run is not None
    (record,) = result.run.records
    assert record.phone is not None
    assert not record.phone.complete
    assert len(record.phone.rounds) == 2
    assert len(record.figures.latency_ms) == 4
    assert any("only 2 of 3 rounds" in line for line in record.warnings)
    assert bench.there() == []


def _when_hanging(bench: Bench, action: Callable[[], None]) -> threading.Thread:
    def wait() -> None:
        end = time.monotonic() + 20
        while not (bench.folder / "hanging").exists() and time.monotonic() < end:
            time.sleep(0.05)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_unplugging_in_mid_run(bench: Bench) -> None:
    """The server connects a TCP device again, so that the folder can still be removed."""
    bench.behave("hang from 3")
    thread = _when_hanging(bench, bench.device.unplug)
    result = bench.run()
    thread.join()
    assert isinstance(result.error, DeviceLostError)
    assert result.error.exit_code == 3
    assert result.run is not None
    assert result.run.records[0].phone is not None
    assert len(result.run.records[0].phone.rounds) == 2
    assert bench.there() == []


def test_a_restart_between_two_turns(bench: Bench) -> None:
    start = bench.device.root / "proc/sys/kernel/random/boot_id"

    def restart() -> None:
        start.write_text("00000000-0000-4000-8000-000000000002\n")

    bench.behave("slow from 3")
    harness = bench.settings.harness
    harness.write_text(
        harness.read_text().replace(
            "time.sleep(60)", "time.sleep(2); return answer(document(mode, {'library': sys.argv[0]}), 0)"
        )
    )
    thread = _when_hanging(bench, restart)
    result = bench.run()
    thread.join()
    assert isinstance(result.error, DeviceLostError)
    assert "restarted" in str(result.error)
    assert bench.there() == []


def test_a_harness_for_another_machine(bench: Bench, tmp_path: Path) -> None:
    result = bench.run(harness=fake_library(tmp_path / "other", machine=62))
    assert isinstance(result.error, MissingDependencyError)
    assert "built for x86_64, the phone runs arm64-v8a" in str(result.error)
    assert bench.calls == []


def test_a_library_for_another_machine(bench: Bench, tmp_path: Path) -> None:
    result = bench.run(library=fake_library(tmp_path / "lib.so", machine=62))
    assert isinstance(result.error, MissingDependencyError)
    assert result.error.exit_code == 3


def test_an_unlisted_library_needs_to_be_accepted_and_to_pass_the_test(bench: Bench, tmp_path: Path) -> None:
    library = fake_library(tmp_path / "new.so")
    library.write_bytes(library.read_bytes() + b"new")
    digest = hashlib.sha256(library.read_bytes()).hexdigest()
    refused = bench.run(library=library)
    assert isinstance(refused.error, InputError)
    assert f"--accept-library {digest}" in str(refused.error)
    for tensor, content in self_test().outputs.items():
        (bench.folder / tensor).write_bytes(content)
    (record,) = records(bench.run(library=library, accept_library=digest)).records
    assert record.phone is not None
    assert record.phone.library == LibraryFacts(digest, version=None, accepted=True, self_test="passed")
    assert record.environment.backend_version == f"unlisted {digest[:12]}"
    (bench.folder / "byte_sums").write_bytes(bytes(len(self_test().outputs["byte_sums"])))
    wrong = bench.run(library=library, accept_library=digest)
    assert isinstance(wrong.error, CheckFailedError)
    assert wrong.run is None
    assert bench.there() == []


def test_a_full_phone(bench: Bench) -> None:
    bench.device.space_bytes = 1000
    result = bench.run()
    assert isinstance(result.error, DeviceError)
    assert "No space left on device" in str(result.error)
    assert bench.there() == []


def test_an_old_library_is_refused_with_the_reason(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = fake_library(tmp_path / "old.so")
    library.write_bytes(library.read_bytes() + b"old")
    digest = hashlib.sha256(library.read_bytes()).hexdigest()
    failing = LockedLibrary("1.0.0", "arm64-v8a", "bionic", 23, digest, Verdict.FAILS, "status 500")
    monkeypatch.setattr(library_lock, "read_lock", lambda *_: (failing, *read_lock()))
    monkeypatch.setattr(phone_library, "read_lock", lambda: (failing, *read_lock()))
    monkeypatch.setattr(phone_library, "check_library", library_lock.check_library)
    result = bench.run(library=library)
    assert isinstance(result.error, MissingDependencyError)
    assert "status 500" in str(result.error)
    assert bench.calls == []


def test_ctrl_c_leaves_nothing(bench: Bench) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench_phone(bench.phone, [bench.model], Schedule(runs=4, warmup=0), bench.settings, progress=interrupt)
    assert bench.there() == []
