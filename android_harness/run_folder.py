"""A folder of our own on the phone: made for a run, filled by content, removed at its end, also after an error."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from portraitlite.android_harness.bounded import one_line
from portraitlite.android_harness.device_errors import DeviceError, DeviceLostError
from portraitlite.android_harness.place import check_name
from portraitlite.android_harness.shell import REMEDIES, Phone, ShellResult, quoted
from portraitlite.runtime.errors import InputError

__all__ = ["HOME", "RunFolder", "leftovers"]

HOME = "/data/local/tmp/portraitlite"
KEPT = f"{HOME}/kept"  # files by their sha256, for the next run
RUN_NAME = re.compile(r"run-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{12}")
DAY_MINUTES = 24 * 60
CLEANING_PAUSES_S = (0.0, 1.0, 2.0)


class RunFolder:
    """Use it as a context manager.

    Attributes:
        phone: where it lies.
        path: on the phone.
        pushed, reused: how many files were sent, and how many were there already with the same content.

    Example:
        >>> with RunFolder(phone) as folder:
        ...     model = folder.put(Path("m.tflite"))
        ...     phone.shell(quoted("ls", "-l", model))
    """

    def __init__(self, phone: Phone, *, keep: bool = False) -> None:
        """
        Args:
            phone: where to work.
            keep: leave the folder, and keep pushed files so that the next run finds them.
        """
        self.phone, self._keep = phone, keep
        self.path = f"{HOME}/run-{_this_machine()}-{os.getpid()}-{secrets.token_hex(6)}"
        self.pushed = self.reused = 0
        self._there: dict[str, str] = {}

    def __enter__(self) -> Self:
        """
        Raises:
            DeviceError: the folder cannot be made; the message has the phone's reason.
        """
        for stale in leftovers(self.phone):
            self.phone.shell(quoted("rm", "-rf", stale))
        made = self.phone.shell(quoted("mkdir", "-p", self.path, *([KEPT] if self._keep else [])))
        if made.code != 0:
            reason = one_line(f"{made.stderr}\n{made.stdout}", 200)
            remedy = next((text for key, text in REMEDIES.items() if key in reason), "restart the phone")
            raise DeviceError(f"{self.phone.serial}: no folder can be made below /data/local/tmp ({reason}); {remedy}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keep:
            return
        # `rmdir` keeps what other runs or --keep have there.
        script = f"{quoted('rm', '-rf', self.path)}; {quoted('rmdir', HOME)} 2>/dev/null; true"
        if error is None:
            self.phone.shell(script)
            return
        # The first error is the one to report. A phone that was lost may be there again in a moment.
        for pause_s in CLEANING_PAUSES_S if isinstance(error, DeviceLostError) else (0.0,):
            time.sleep(pause_s)
            with contextlib.suppress(DeviceError):
                if pause_s:
                    self.phone.connect_again()
                self.phone.shell(script)
                return

    def put(self, source: Path, *, executable: bool = False) -> str:
        """Send a file unless the phone has the same content already; gives its path there.

        Raises:
            InputError: the file cannot be read.
            DeviceError: it cannot be sent, or arrived changed.
        """
        digest = _sha256(source)
        if digest not in self._there:
            self._there[digest] = self._send(source, digest)
        target = self._there[digest]
        if executable:
            self.phone.shell(quoted("chmod", "755", target))
        return target

    def put_named(self, sources: Sequence[Path], folder: str) -> str:
        """Files that a program looks for by name, in a folder below this one; gives the folder's path.

        Raises:
            InputError, DeviceError: as `put`; also a name with other characters than letters, digits, dots, dashes.
        """
        place = self.make_folder(folder)
        script = ["true"]
        for source in sources:
            script.append(quoted("cp", self.put(source), f"{place}/{check_name(source.name)}"))
        done = self.phone.shell(" && ".join(script))
        if done.code != 0:
            raise DeviceError(f"{self.phone.serial}: {folder} cannot be filled on the phone ({one_line(done.stderr)})")
        return place

    def name(self, name: str) -> str:
        """The path of a file that a program shall write here.

        Raises:
            InputError: not a plain name.
        """
        return f"{self.path}/{check_name(name)}"

    def make_folder(self, name: str) -> str:
        """An empty folder that a program shall write to; gives its path.

        Raises:
            InputError: not a plain name.
            DeviceError: it cannot be made.
        """
        path = self.name(name)
        if self.phone.shell(quoted("mkdir", "-p", path)).code != 0:
            raise DeviceError(f"{self.phone.serial}: no folder can be made in {self.path}; restart the phone")
        return path

    def execute(self, words: Sequence[str], *, limit_s: float) -> ShellResult:
        """Run a program with these words; raises as `Phone.shell`."""
        return self.phone.shell(quoted(*words), timeout_s=limit_s)

    def fetch(self, name: str, target: Path, *, size_bytes: int) -> None:
        """Copy a file of this folder, or of one in it, here; it must have exactly this size.

        Raises:
            InputError: not a plain name, or one behind a folder's.
            DeviceError: it cannot be copied, or has another size.
        """
        source = "/".join([self.path, *(check_name(part) for part in name.split("/"))])
        self.phone.pull(source, target, max_bytes=size_bytes)
        if (found := target.stat().st_size) != size_bytes:
            target.unlink()
            raise DeviceError(f"{self.phone.serial}: {name} has {found} bytes, expected {size_bytes}; run again")

    def _send(self, source: Path, digest: str) -> str:
        kept, own = f"{KEPT}/{digest}", f"{self.path}/{digest}"
        if _remote_sha256(self.phone, kept) == digest:
            self.reused += 1
            return kept
        target = kept if self._keep else own
        # Under another name until its content is known to be right: other runs look into `kept`.
        part = f"{self.path}/{digest}.part"
        self.phone.push(source.resolve(), part)
        if (found := _remote_sha256(self.phone, part)) != digest:
            what = "it is not there" if found is None else "its content is another"
            raise DeviceError(f"{self.phone.serial}: {source.name} did not arrive ({what}); try again")
        moved = self.phone.shell(quoted("mv", part, target))
        if moved.code != 0:
            reason = one_line(moved.stderr)
            raise DeviceError(f"{self.phone.serial}: {source.name} cannot be moved on the phone ({reason})")
        self.pushed += 1
        return target


def leftovers(phone: Phone) -> tuple[str, ...]:
    """Folders of runs that died: of this machine's ended processes, or older than a day.

    Raises:
        DeviceError: as `Phone.shell`.
    """
    old_ones = f"find . -maxdepth 1 -mmin +{DAY_MINUTES}"
    listed = phone.shell(f"cd {quoted(HOME)} 2>/dev/null && ls && echo && {old_ones}")
    names, _, old = listed.stdout.partition("\n\n")
    found = []
    for name in names.split():
        match = RUN_NAME.fullmatch(name)
        if match is None:
            continue
        dead = match[1] == _this_machine() and not _alive(int(match[2]))
        if dead or f"./{name}" in old.split():
            found.append(f"{HOME}/{name}")
    return tuple(found)


def _remote_sha256(phone: Phone, path: str) -> str | None:
    match = re.match(r"\\?([0-9a-f]{64})\b", phone.shell(quoted("sha256sum", path)).stdout)
    return None if match is None else match[1]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a file") from error


def _this_machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
