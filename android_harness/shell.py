"""One phone: commands, files in, files out. The serial is always passed; a closing line proves that a command ended."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import secrets
import shlex
import signal
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from portraitlite.android_harness.adb import AdbProgram
from portraitlite.android_harness.device_errors import DeviceError, DeviceLostError
from portraitlite.android_harness.devices import PLUG_IN, check_serial, list_devices

__all__ = ["Phone", "ShellResult", "quoted"]

SHELL_LIMIT_S = 60.0
COPY_LIMIT_S = 600.0
CONNECT_LIMIT_S = 10.0
MAX_PULL_BYTES = 1 << 30
REMEDIES = {
    "No space left on device": "free some space on the phone",
    "Read-only file system": "/data of this phone is read-only; restart it",
    "Permission denied": "the adb shell may not write there on this phone; switch USB debugging off and on",
}


@dataclasses.dataclass(frozen=True)
class ShellResult:
    """What a command on the phone left; stdout and stderr of adb's client are mixed in by some versions.

    Attributes:
        code: of the command.
        stdout, stderr: its text.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def signal_name(self) -> str | None:
        """The signal that killed it (the shell reports 128 + number), if one did."""
        with contextlib.suppress(ValueError):
            return signal.Signals(self.code - 128).name
        return None


class Phone:
    """Bound to one serial. Safe to use from one thread; several phones may work at the same time.

    Attributes:
        serial: how adb calls it.
        adb: the program.
    """

    def __init__(self, adb: AdbProgram, serial: str) -> None:
        """
        Raises:
            InputError: no serial of a device.
        """
        self.adb, self.serial = adb, check_serial(serial)

    def shell(self, script: str, *, timeout_s: float = SHELL_LIMIT_S) -> ShellResult:
        """Run a script in the phone's shell.

        Args:
            script: what the shell reads; put foreign words into it with `quoted` only.
            timeout_s: how long it may take; the command is hung up then, as when the cable is pulled.

        Raises:
            DeviceLostError: the phone went away before the end.
            DeviceError: no answer in time, or too long an answer.
        """
        mark = f"end-{secrets.token_hex(8)}"
        # The code must be kept before the empty `echo`, which ends with 0.
        wrapped = f"(\n{script}\n)\ncode=$?; echo; echo {mark} $code"
        done = self.adb.call(["-s", self.serial, "shell", wrapped], timeout_s=timeout_s)
        match = re.search(rf"\n{mark} (\d{{1,3}})\s*\Z", done.stdout)
        if match is None:
            raise DeviceLostError(self._lost(script, done.said))
        return ShellResult(int(match[1]), done.stdout[: match.start()], done.stderr)

    def push(self, source: Path, target: str) -> None:
        """Copy a file to the phone.

        Raises:
            DeviceLostError: the phone went away.
            DeviceError: it did not work; the message has adb's reason and what to do.
        """
        self._copy("push", [str(source), target])

    def pull(self, source: str, target: Path, *, max_bytes: int = MAX_PULL_BYTES) -> None:
        """Copy a file from the phone, whole or not at all; one that exists is replaced.

        Raises:
            DeviceLostError: the phone went away.
            DeviceError: it did not work, or the file is larger than `max_bytes`.
        """
        part = target.with_name(f".{target.name[:100]}-{secrets.token_hex(8)}.part")
        too_large = f"{self.serial}: {source} is larger than the {max_bytes} bytes that it may have"

        def outgrown() -> bool:
            with contextlib.suppress(OSError):
                return part.stat().st_size > max_bytes
            return False

        try:
            try:
                self._copy("pull", [source, str(part)], stop=outgrown)
            except DeviceError as error:
                if outgrown():
                    raise DeviceError(too_large) from error
                raise
            if outgrown():
                raise DeviceError(too_large)
            if not part.is_file():
                raise DeviceError(f"{self.serial}: adb pull {source} brought nothing; try again")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def connect_again(self) -> None:
        """Ask for a phone on the network; one on a cable comes back by itself, or not.

        Raises:
            DeviceError: no answer; that it answers does not say that it is connected.
        """
        if re.search(r":\d{1,5}$", self.serial):
            self.adb.call(["connect", self.serial], timeout_s=CONNECT_LIMIT_S)

    def _copy(self, verb: str, paths: Sequence[str], *, stop: Callable[[], bool] = lambda: False) -> None:
        done = self.adb.call(["-s", self.serial, verb, *paths], timeout_s=COPY_LIMIT_S, stop=stop)
        if done.code == 0:
            return
        remedy = next((remedy for reason, remedy in REMEDIES.items() if reason in done.reason), None)
        name = PurePosixPath(paths[0]).name
        if remedy is None and not self._present():
            raise DeviceLostError(self._lost(f"adb {verb} {name}", done.said))
        raise DeviceError(f"{self.serial}: adb {verb} {name}: {done.reason}; {remedy or 'try again'}")

    def _present(self) -> bool:
        with contextlib.suppress(DeviceError):
            return any(device.serial == self.serial and device.usable for device in list_devices(self.adb))
        return False

    def _lost(self, what: str, said: str) -> str:
        state = f"it is gone: {PLUG_IN}"
        try:
            for device in list_devices(self.adb):
                if device.serial == self.serial:
                    state = device.problem or "it is there again: start once more"
        except DeviceError as error:
            state = str(error)
        command = " ".join(what.split())[:60]
        return f"{self.serial}: the phone was lost during `{command}` ({said[:120] or 'adb says nothing'}); {state}"


def quoted(*words: str) -> str:
    """Words as the phone's shell must read them, whatever characters they have."""
    return shlex.join(words)
