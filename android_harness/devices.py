"""Which phones are there, in which state, and what to do about those that cannot be used."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import re

from portraitlite.android_harness.adb import AdbProgram
from portraitlite.android_harness.bounded import one_line
from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.runtime.errors import InputError

__all__ = ["Device", "DeviceState", "check_serial", "choose_devices", "list_devices", "parse_devices", "unit_of"]

# What USB, TCP (also IPv6 with a zone) and mDNS serials look like; nothing that a shell or an option parser reads.
SERIAL = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:%\[\]-]{0,127}")


class DeviceState(enum.StrEnum):
    """As `adb devices` says it; OTHER is a state that this version does not know."""

    DEVICE = "device"
    OFFLINE = "offline"
    UNAUTHORIZED = "unauthorized"
    AUTHORIZING = "authorizing"
    CONNECTING = "connecting"
    NO_PERMISSIONS = "no permissions"
    RECOVERY = "recovery"
    SIDELOAD = "sideload"
    BOOTLOADER = "bootloader"
    OTHER = "other"


REMEDIES = {
    DeviceState.OFFLINE: "replug the cable, or switch USB debugging off and on; over Wi-Fi: adb connect again",
    DeviceState.UNAUTHORIZED: "unlock the phone and confirm 'Allow USB debugging'; if it does not ask, revoke USB "
    "debugging authorisations in its developer options and replug",
    DeviceState.AUTHORIZING: "unlock the phone, confirm 'Allow USB debugging', and try again",
    DeviceState.CONNECTING: "wait a few seconds and try again",
    DeviceState.NO_PERMISSIONS: "this user may not open the USB device: install Android's udev rules (Debian: apt-get "
    "install android-sdk-platform-tools-common), join the group plugdev, and replug",
    DeviceState.RECOVERY: "restart the phone into Android",
    DeviceState.SIDELOAD: "restart the phone into Android",
    DeviceState.BOOTLOADER: "restart the phone into Android",
    DeviceState.OTHER: "see adb devices -l",
}
PLUG_IN = "connect one, switch on its developer options and USB debugging, and look at adb devices -l"


@dataclasses.dataclass(frozen=True)
class Device:
    """One line of `adb devices -l`.

    Attributes:
        serial: how adb calls it.
        state: see `DeviceState`.
        detail: the rest of the line.
    """

    serial: str
    state: DeviceState
    detail: str

    @property
    def usable(self) -> bool:
        """Whether commands can be sent."""
        return self.state is DeviceState.DEVICE

    @property
    def problem(self) -> str:
        """One line: what is wrong and what to do; empty for a usable one."""
        if self.usable:
            return ""
        found = f"{self.state} ({self.detail})" if self.state is DeviceState.OTHER else self.state
        return f"{self.serial} is {found}, expected device: {REMEDIES[self.state]}"


def check_serial(serial: str) -> str:
    """The serial itself.

    Raises:
        InputError: it has characters that no serial has.
    """
    if not SERIAL.fullmatch(serial):
        raise InputError(f"{serial[:60]!r} is no serial of a device; take one from adb devices -l")
    return serial


def parse_devices(text: str) -> tuple[Device, ...]:
    """Read what `adb devices -l` prints; lines whose serial could not be passed back safely are left out."""
    found = []
    states = "|".join(re.escape(state) for state in DeviceState if state is not DeviceState.OTHER)
    for line in text.splitlines():
        match = re.fullmatch(rf"(\S+)\s+({states}|\S+)(?:\s*(.*))?", line.strip())
        if match is None or not SERIAL.fullmatch(match[1]) or line.startswith(("List of", "*")):
            continue
        known = match[2] in tuple(DeviceState)
        state = DeviceState(match[2]) if known else DeviceState.OTHER
        detail = match[3] or "" if known else f"{match[2]} {match[3] or ''}"
        found.append(Device(match[1], state, one_line(detail, 200)))
    return tuple(found)


def list_devices(adb: AdbProgram) -> tuple[Device, ...]:
    """All that adb's server sees; it is started where it does not run.

    Raises:
        DeviceError: the server cannot be started, or does not answer.
    """
    done = adb.call(["devices", "-l"])
    if done.code != 0:
        raise DeviceError(f"adb devices failed ({done.said}); try adb kill-server, then adb devices")
    return parse_devices(done.stdout)


def choose_devices(adb: AdbProgram, wanted: str) -> tuple[Device, ...]:
    """The usable devices that `wanted` names.

    Args:
        adb: the program to ask.
        wanted: `adb` for the only one, `adb:SERIAL`, or `all` for every usable one.

    Raises:
        InputError: `wanted` is none of these.
        DeviceError: there is none, or it cannot be used, or `adb` where there are several.
    """
    kind, _, serial = wanted.partition(":")
    if (kind, bool(serial)) not in (("adb", False), ("adb", True), ("all", False)) or wanted.endswith(":"):
        raise InputError(f"--device {wanted[:60]!r} is unknown; give adb, adb:SERIAL or all")
    if serial:
        check_serial(serial)
    devices = list_devices(adb)
    if serial:
        devices = tuple(device for device in devices if device.serial == serial)
        if not devices:
            raise DeviceError(f"no device {serial} here; {PLUG_IN}")
    if not devices:
        raise DeviceError(f"adb sees no phone; {PLUG_IN}")
    usable = tuple(device for device in devices if device.usable)
    if not usable:
        raise DeviceError("; ".join(device.problem for device in devices))
    if kind == "adb" and not serial and len(devices) > 1:
        names = ", ".join(f"adb:{device.serial}" for device in usable)
        raise DeviceError(f"adb sees {len(devices)} devices; choose with --device {names}, or --device all")
    return usable


def unit_of(serial: str) -> str:
    """A short name for records that tells phones apart without their serial numbers."""
    return hashlib.sha256(f"portraitlite {serial}".encode()).hexdigest()[:8]
