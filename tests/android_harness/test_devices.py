"""The list of devices, the choice among them, and the remedy for each state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_device import Auth, FakeDevice
from fake_phone import make_phone, plain_shell
from private_adb import connect, disconnect

from portraitlite.android_harness.adb import AdbProgram, find_adb
from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.devices import (
    REMEDIES,
    Device,
    DeviceState,
    choose_devices,
    list_devices,
    parse_devices,
    unit_of,
)
from portraitlite.android_harness.shell import Phone
from portraitlite.runtime.errors import InputError, MissingDependencyError

LISTED = """* daemon started successfully
List of devices attached
0A1B2C3D4E5F           device usb:1-2 product:anvil model:Anvil device:anvil transport_id:1
192.168.1.5:5555       offline transport_id:2
emulator-5554          unauthorized transport_id:3
????????????           no permissions (user in plugdev group; are your udev rules wrong?); see [page]
ABC123                 no permissions (missing udev rules? user is in the plugdev group); see [page]
adb-1A2B3C-xyz._adb-tls-connect._tcp recovery
[fe80::1%eth0]:5555    levitating somewhere
evil;reboot            device
-s                     device

"""


@pytest.fixture
def other(adb: AdbProgram, tmp_path: Path) -> Iterator[FakeDevice]:
    """A second double, connected."""
    root = make_phone(tmp_path / "other")
    with FakeDevice(root, plain_shell(root)) as double:
        connect(adb.path, double.serial)
        yield double
        disconnect(adb.path, double.serial)


def test_states_are_read_and_unsafe_serials_left_out() -> None:
    assert [(device.serial, device.state) for device in parse_devices(LISTED)] == [
        ("0A1B2C3D4E5F", DeviceState.DEVICE),
        ("192.168.1.5:5555", DeviceState.OFFLINE),
        ("emulator-5554", DeviceState.UNAUTHORIZED),
        ("ABC123", DeviceState.NO_PERMISSIONS),
        ("adb-1A2B3C-xyz._adb-tls-connect._tcp", DeviceState.RECOVERY),
        ("[fe80::1%eth0]:5555", DeviceState.OTHER),
    ]
    assert parse_devices("") == ()


def test_every_state_but_the_usable_one_has_a_remedy() -> None:
    assert set(REMEDIES) == set(DeviceState) - {DeviceState.DEVICE}
    assert Device("x", DeviceState.DEVICE, "").problem == ""
    assert "unlock the phone" in Device("x", DeviceState.UNAUTHORIZED, "").problem
    assert "levitating" in Device("x", DeviceState.OTHER, "levitating").problem


def test_units_tell_phones_apart_without_their_serials() -> None:
    assert unit_of("SECRET") == unit_of("SECRET") != unit_of("OTHER")
    assert "SECRET" not in unit_of("SECRET")


def test_no_adb_no_phone(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="platform-tools"):
        find_adb(tmp_path / "adb")
    (tmp_path / "adb").write_text("#!/bin/sh\necho something else\n")
    (tmp_path / "adb").chmod(0o755)
    with pytest.raises(MissingDependencyError, match="is no adb"):
        find_adb(tmp_path / "adb")


def test_the_version_is_told(adb: AdbProgram) -> None:
    assert adb.version.split(".")[0].isdigit()


def test_nothing_is_connected(adb: AdbProgram) -> None:
    for wanted in ("adb", "all", "adb:127.0.0.1:1"):
        with pytest.raises(DeviceError, match="USB debugging") as caught:
            choose_devices(adb, wanted)
        assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "wanted", ["phone", "adb:", "all:x", "", "desktop2", "adb:a b", "adb:$(id)", "adb:-x", "adb:'"]
)
def test_other_words_are_refused(adb: AdbProgram, wanted: str) -> None:
    with pytest.raises(InputError, match=r"give adb, adb:SERIAL or all|is no serial"):
        choose_devices(adb, wanted)


def test_one_phone_needs_no_serial(phone: Phone) -> None:
    for wanted in ("adb", f"adb:{phone.serial}", "all"):
        assert [device.serial for device in choose_devices(phone.adb, wanted)] == [phone.serial]


def test_two_phones_need_a_choice(phone: Phone, other: FakeDevice) -> None:
    with pytest.raises(DeviceError, match="2 devices; choose with --device adb:127"):
        choose_devices(phone.adb, "adb")
    assert {device.serial for device in choose_devices(phone.adb, "all")} == {phone.serial, other.serial}
    assert [device.serial for device in choose_devices(phone.adb, f"adb:{other.serial}")] == [other.serial]


def test_an_unauthorised_phone(adb: AdbProgram, device: FakeDevice) -> None:
    """`adb connect` ends with 0 all the same."""
    device.auth = Auth.NEVER
    connect(adb.path, device.serial)
    with pytest.raises(DeviceError, match=r"unauthorized.*unlock the phone|authorizing.*unlock the phone"):
        choose_devices(adb, "adb")
    with pytest.raises(DeviceError):
        choose_devices(adb, f"adb:{device.serial}")
    with pytest.raises(DeviceError):
        Phone(adb, device.serial).shell("echo", timeout_s=5)
    disconnect(adb.path, device.serial)


def test_a_phone_that_takes_the_key(adb: AdbProgram, device: FakeDevice) -> None:
    device.auth = Auth.ACCEPT
    connect(adb.path, device.serial)
    end = time.monotonic() + 10
    while not list_devices(adb)[0].usable and time.monotonic() < end:
        time.sleep(0.1)
    assert Phone(adb, device.serial).shell("echo yes").stdout == "yes\n"
    disconnect(adb.path, device.serial)


def test_an_offline_phone(phone: Phone, device: FakeDevice) -> None:
    device.auth = Auth.SILENT
    device.unplug()
    time.sleep(0.5)
    with pytest.raises(DeviceError, match=r"offline|connecting|gone"):
        phone.shell("echo", timeout_s=5)
    with pytest.raises(DeviceError, match=r"offline|connecting|sees no phone") as caught:
        choose_devices(phone.adb, "adb")
    assert caught.value.exit_code == 3
