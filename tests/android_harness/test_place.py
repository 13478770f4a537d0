"""A folder of this machine offers what one on a phone does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_phone import fake_library

from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.elf import check_abi, elf_abi
from portraitlite.android_harness.place import LocalFolder, check_name
from portraitlite.runtime.errors import InputError, MissingDependencyError


def test_files_there_and_back(tmp_path: Path) -> None:
    source = tmp_path / "a=b.bin"
    source.write_bytes(b"12345")
    with LocalFolder() as folder:
        there = folder.put(source)
        source.unlink()
        assert Path(there).read_bytes() == b"12345"
        assert "=" not in there
        out = folder.make_folder("out")
        Path(out, "x.bin").write_bytes(b"123")
        folder.fetch("out/x.bin", tmp_path / "back", size_bytes=3)
        assert (tmp_path / "back").read_bytes() == b"123"
        for name, size_bytes in (("out/x.bin", 4), ("out/absent", 3)):
            with pytest.raises(DeviceError, match="expected"):
                folder.fetch(name, tmp_path / "other", size_bytes=size_bytes)
    assert not Path(there).exists()


def test_programs_end_with_a_code_or_a_signal() -> None:
    with LocalFolder() as folder:
        done = folder.execute([sys.executable, "-c", "print('x'); raise SystemExit(7)"], limit_s=30)
        assert (done.code, done.stdout) == (7, "x\n")
        killed = folder.execute([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], limit_s=30)
        assert killed.signal_name == "SIGKILL"
        with pytest.raises(DeviceError, match="no answer within"):
            folder.execute([sys.executable, "-c", "import time; time.sleep(60)"], limit_s=0.5)


@pytest.mark.parametrize("name", ["", ".x", "-x", "a/b", "..", "a b", "a;b", "x" * 101, "\n"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(InputError):
        check_name(name)


@pytest.mark.parametrize(
    ("machine", "abi", "fits"),
    [(183, "arm64-v8a", True), (62, "x86_64", True), (62, "arm64-v8a", False), (183, "armeabi-v7a", False)],
)
def test_programs_must_be_of_the_phone_s_abi(tmp_path: Path, machine: int, abi: str, fits: bool) -> None:
    path = fake_library(tmp_path / "program", machine=machine)
    if fits:
        check_abi(path, abi)
    else:
        with pytest.raises(MissingDependencyError, match=f"the phone runs {abi}"):
            check_abi(path, abi)


def test_what_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"", b"\x7fELF", b"PK\x03\x04" + bytes(50), b"#!/bin/sh\n" + bytes(50)):
        path.write_bytes(content)
        assert elf_abi(path) is None
        with pytest.raises(InputError, match="no ELF file"):
            check_abi(path, "arm64-v8a")
    check_abi(path, "arm64-v8a", script=True)
    with pytest.raises(InputError, match="cannot be read"):
        elf_abi(tmp_path / "absent")
