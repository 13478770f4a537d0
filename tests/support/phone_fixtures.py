"""Fixtures: a double of a phone behind each real adb that is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_device import FakeDevice
from fake_phone import make_phone, plain_shell
from private_adb import ADB_36_VARIABLE, adb_29, adb_36, connect, disconnect, private_adb

from portraitlite.android_harness.adb import AdbProgram, find_adb
from portraitlite.android_harness.shell import Phone

__all__ = ["adb", "adb_path", "device", "phone"]

ADB_PROGRAMS = {"adb 29": adb_29, "adb 36": adb_36}
MISSING = {
    "adb 29": "no adb on the PATH (Debian: apt-get install adb)",
    "adb 36": f"no adb 36: install the Python package adbutils, or name the program in {ADB_36_VARIABLE}",
}


@pytest.fixture(scope="module", params=ADB_PROGRAMS)
def adb_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Each real adb, with a private server for the module: starting one takes seconds."""
    found = ADB_PROGRAMS[request.param]()
    if found is None:
        pytest.skip(MISSING[request.param])
    with pytest.MonkeyPatch.context() as patch, private_adb(found, tmp_path_factory.mktemp("adb"), patch) as program:
        yield program


@pytest.fixture
def adb(adb_path: Path) -> AdbProgram:
    return find_adb(adb_path)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[FakeDevice]:
    """A double that plays the made-up phone in this machine's shell; nothing is connected."""
    root = make_phone(tmp_path / "phone")
    with FakeDevice(root, plain_shell(root)) as double:
        yield double


@pytest.fixture
def phone(adb: AdbProgram, device: FakeDevice) -> Iterator[Phone]:
    """The double, connected."""
    connect(adb.path, device.serial)
    yield Phone(adb, device.serial)
    disconnect(adb.path, device.serial)
