"""Where the harness runs: a folder on a phone, or one on this machine with a host build."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from portraitlite.android_harness.bounded import call_bounded
from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.shell import ShellResult
from portraitlite.runtime.errors import InputError

__all__ = ["LocalFolder", "Place", "check_name"]

SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class Place(Protocol):
    """What both offer; see `RunFolder` for what the methods do and raise."""

    def put(self, source: Path, *, executable: bool = False) -> str:
        """A file that programs there can read; gives its path."""
        ...

    def put_named(self, sources: Sequence[Path], folder: str) -> str:
        """Files that a program looks for by name; gives their folder's path."""
        ...

    def name(self, name: str) -> str:
        """The path of a file that a program shall write."""
        ...

    def make_folder(self, name: str) -> str:
        """An empty folder that a program shall write to; gives its path."""
        ...

    def fetch(self, name: str, target: Path, *, size_bytes: int) -> None:
        """Copy such a file here; `name` may have one folder in front."""

    def execute(self, words: Sequence[str], *, limit_s: float) -> ShellResult:
        """Run a program."""
        ...


class LocalFolder:
    """A temporary folder of this machine, for a host build of the harness. Use it as a context manager."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="portraitlite-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._folder is not None
        self._folder.cleanup()

    def put(self, source: Path, *, executable: bool = False) -> str:
        """A copy, as the source may be gone when a program reads it; equal content is copied once.

        Raises:
            InputError: no such file.
        """
        if not source.is_file():
            raise InputError(f"{source} is no file; give one")
        with source.open("rb") as stream:
            target = Path(self.name(hashlib.file_digest(stream, "sha256").hexdigest()))
        if not target.exists():
            shutil.copyfile(source, target)
        if executable:
            target.chmod(0o700)
        return str(target)

    def put_named(self, sources: Sequence[Path], folder: str) -> str:
        """A folder with copies of the files."""
        place = Path(self.make_folder(folder))
        for source in sources:
            shutil.copyfile(source, place / check_name(source.name))
        return str(place)

    def name(self, name: str) -> str:
        """A path in the folder."""
        assert self._folder is not None
        return f"{self._folder.name}/{check_name(name)}"

    def make_folder(self, name: str) -> str:
        """A folder in the folder."""
        path = self.name(name)
        Path(path).mkdir()
        return path

    def fetch(self, name: str, target: Path, *, size_bytes: int) -> None:
        """Copy a file that a program wrote.

        Raises:
            DeviceError: it is not there, or has another size.
        """
        assert self._folder is not None
        source = Path(self._folder.name, *(check_name(part) for part in name.split("/")))
        found = source.stat().st_size if source.is_file() else None
        if found != size_bytes:
            raise DeviceError(f"{name} has {found} bytes, expected {size_bytes}; run again")
        shutil.copyfile(source, target)

    def execute(self, words: Sequence[str], *, limit_s: float) -> ShellResult:
        """Run a program; one that a signal ends has 128 + its number as exit code, as in a shell."""
        done = call_bounded(Path(words[0]), words[1:], what=Path(words[0]).name, timeout_s=limit_s)
        return ShellResult(done.code if done.code >= 0 else 128 - done.code, done.stdout, done.stderr)


def check_name(name: str) -> str:
    """The name itself.

    Raises:
        InputError: not a plain file name.
    """
    if not SAFE_NAME.fullmatch(name):
        raise InputError(f"{name[:60]!r} is no plain file name; give letters, digits, dots, dashes")
    return name
