"""Our folder on the phone: filled by content, removed whatever happens."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from fake_device import FakeDevice
from fake_phone import plain_shell
from private_adb import wait_until_usable

from portraitlite.android_harness.device_errors import DeviceError, DeviceLostError
from portraitlite.android_harness.run_folder import HOME, RunFolder, leftovers
from portraitlite.android_harness.shell import Phone
from portraitlite.runtime.errors import InputError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "a model's name; $(id).tflite"
    path.write_bytes(b"model" * 1000)
    return path


def _there(device: FakeDevice) -> list[str]:
    base = device.root / "data/local/tmp"
    return sorted(str(path.relative_to(base)) for path in base.rglob("*"))


def test_files_are_there_inside_and_nothing_afterwards(phone: Phone, device: FakeDevice, model: Path) -> None:
    with RunFolder(phone) as folder:
        target = folder.put(model, executable=True)
        assert phone.shell(f"cat {target}").stdout == model.read_text()
        assert folder.put(model) == target
        assert folder.pushed == 1
    assert _there(device) == []


def test_kept_files_are_found_by_content(phone: Phone, device: FakeDevice, model: Path) -> None:
    with RunFolder(phone, keep=True) as folder:
        folder.put(model)
    with RunFolder(phone) as folder:
        folder.put(model)
        assert (folder.pushed, folder.reused) == (0, 1)
    # The same size and another content: a stale model that a comparison of sizes would take.
    kept = next((device.root / "data/local/tmp/portraitlite/kept").iterdir())
    kept.write_bytes(b"MODEL" * 1000)
    with RunFolder(phone, keep=True) as folder:
        target = folder.put(model)
        assert (folder.pushed, folder.reused) == (1, 0)
        assert phone.shell(f"cat {target}").stdout == model.read_text()


def test_files_with_names(phone: Phone, device: FakeDevice, tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(b"1")
    (tmp_path / "two.bin").write_bytes(b"2")
    (tmp_path / "bad name").write_bytes(b"3")
    with RunFolder(phone) as folder:
        place = folder.put_named([tmp_path / "one.bin", tmp_path / "two.bin"], "blur")
        assert phone.shell(f"cat {place}/one.bin {place}/two.bin").stdout == "12"
        with pytest.raises(InputError, match="plain file name"):
            folder.put_named([tmp_path / "bad name"], "blur")
        for name in ("../x", "-x", "a/b", "$(id)", ""):
            with pytest.raises(InputError, match="plain file name"):
                folder.name(name)


def test_fetched_files_have_the_expected_size(phone: Phone, tmp_path: Path) -> None:
    with RunFolder(phone) as folder:
        phone.shell(f"printf 12345 > {folder.name('out.bin')}")
        folder.fetch("out.bin", tmp_path / "out", size_bytes=5)
        assert (tmp_path / "out").read_bytes() == b"12345"
        for size_bytes, said in ((6, "has 5 bytes, expected 6"), (4, "larger than the 4 bytes")):
            with pytest.raises(DeviceError, match=said):
                folder.fetch("out.bin", tmp_path / "other", size_bytes=size_bytes)
            assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_phone_that_takes_no_file_keeps_nothing(phone: Phone, device: FakeDevice, model: Path, number: int) -> None:
    device.refuse_writes = number
    with pytest.raises(DeviceError) as caught, RunFolder(phone) as folder:
        folder.put(model)
    assert os.strerror(number) in str(caught.value)
    assert _there(device) == []


def test_a_full_disk_in_mid_file(phone: Phone, device: FakeDevice, model: Path) -> None:
    device.space_bytes = 100
    with pytest.raises(DeviceError, match=r"No space left on device.*free some space"), RunFolder(phone) as folder:
        folder.put(model)
    assert _there(device) == []


def test_a_read_only_folder(phone: Phone, device: FakeDevice, tmp_path: Path) -> None:
    tools = tmp_path / "read-only"
    tools.mkdir()
    (tools / "mkdir").write_text("#!/bin/sh\necho \"mkdir: '$2': Read-only file system\" >&2\nexit 1\n")
    (tools / "mkdir").chmod(0o755)
    device.start = plain_shell(device.root, tools=[tools])
    with pytest.raises(DeviceError, match=r"Read-only file system.*restart it") as caught, RunFolder(phone):
        pass
    assert caught.value.exit_code == 3
    assert _there(device) == []


def test_a_file_that_arrives_changed_is_refused(phone: Phone, device: FakeDevice, model: Path, tmp_path: Path) -> None:
    tools = tmp_path / "liar"
    tools.mkdir()
    (tools / "sha256sum").write_text(f"#!/bin/sh\necho {'0' * 64}\n")
    (tools / "sha256sum").chmod(0o755)
    device.start = plain_shell(device.root, tools=[tools])
    with pytest.raises(DeviceError, match="did not arrive"), RunFolder(phone) as folder:
        folder.put(model)
    assert _there(device) == []


def test_the_folder_goes_after_an_unplugging_too(phone: Phone, device: FakeDevice, model: Path) -> None:
    """What cannot be removed at once is removed by the next run from this machine."""

    def run() -> None:
        with RunFolder(phone) as folder:
            folder.put(model)
            threading.Timer(0.3, device.unplug).start()
            phone.shell("sleep 20")

    with pytest.raises(DeviceLostError):
        run()
    wait_until_usable(phone.adb.path, device.serial)
    # As if that run had been of a process that has ended.
    for left in (device.root / "data/local/tmp/portraitlite").glob("run-*"):
        machine, _, rest = left.name.removeprefix("run-").split("-")
        left.rename(left.with_name(f"run-{machine}-4194305-{rest}"))
    with RunFolder(phone):
        pass
    assert _there(device) == []


def test_only_folders_of_dead_runs_are_leftovers(phone: Phone, device: FakeDevice) -> None:
    home = device.root / "data/local/tmp/portraitlite"
    with RunFolder(phone) as folder:
        machine = folder.path.split("-")[1]
        names = {
            f"run-{machine}-4194305-0123456789ab": True,  # no such process here
            f"run-{machine}-{os.getpid()}-0123456789ab": False,
            "run-00000000-1-0123456789ab": False,  # of another machine
            "run-00000000-2-0123456789ab": True,  # the same, since yesterday
            "kept": False,
            "run-x; rm -rf": False,
        }
        for name in names:
            (home / name).mkdir()
        os.utime(home / "run-00000000-2-0123456789ab", (0, 0))
        assert set(leftovers(phone)) == {f"{HOME}/{name}" for name, dead in names.items() if dead}
