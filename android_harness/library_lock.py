"""Which LiteRT libraries the native harness may open: by sha256, those tried before and those the user vouches for.

The latter must pass the self-test (`self_test`) before it measures anything.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

from portraitlite.android_harness.elf import elf_abi
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["LOCK_FILE", "CheckedLibrary", "LockedLibrary", "Verdict", "check_library", "read_lock"]

LOCK_FILE = Path(__file__).parent / "runtime-lock.toml"
SCHEMA_VERSION = 1
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_LIBRARY_BYTES = 256 << 20


class Verdict(enum.StrEnum):
    """What came of trying a library."""

    WORKS = "works"
    FAILS = "fails"


@dataclasses.dataclass(frozen=True)
class LockedLibrary:
    """A library that somebody tried.

    Attributes:
        version: of LiteRT.
        abi: Android's name, `arm64-v8a`, `armeabi-v7a` or `x86_64`.
        libc: `glibc` or `bionic`.
        size_bytes, sha256: of the file.
        reason: why it fails; empty where it works.
    """

    version: str
    abi: str
    libc: str
    size_bytes: int
    sha256: str
    verdict: Verdict
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class CheckedLibrary:
    """A library that may be opened.

    Attributes:
        path: here.
        abi: from its ELF header.
        size_bytes, sha256: of the file.
        known: its entry in the lock; None: the user vouched for it, and it must pass the self-test first.
    """

    path: Path
    abi: str
    size_bytes: int
    sha256: str
    known: LockedLibrary | None

    @property
    def needs_self_test(self) -> bool:
        return self.known is None

    def to_dict(self) -> dict[str, Any]:
        """For a run record; JSON-able. Version and libc of an unlisted library are not known."""
        return {
            "version": self.known.version if self.known else None,
            "abi": self.abi,
            "libc": self.known.libc if self.known else None,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "listed": self.known is not None,
        }


def read_lock(path: Path = LOCK_FILE) -> tuple[LockedLibrary, ...]:
    """All libraries that were tried.

    Raises:
        InputError: the file cannot be read or is of another form.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        version = document["schema_version"]
        if version != SCHEMA_VERSION:
            raise ValueError(f"schema version {version!r}, this portraitlite reads {SCHEMA_VERSION}")
        libraries = tuple(LockedLibrary(**{**row, "verdict": Verdict(row["verdict"])}) for row in document["library"])
        for library in libraries:
            if not SHA256.fullmatch(library.sha256):
                raise ValueError(f"{library.sha256!r} is no sha256")
            if (library.verdict is Verdict.FAILS) != bool(library.reason):
                raise ValueError("a library that fails needs a reason, one that works has none")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no list of libraries ({error}); install portraitlite again") from error
    return libraries


def check_library(
    path: Path, *, abi: str | None = None, accept_sha256: str | None = None, lock: Path = LOCK_FILE
) -> CheckedLibrary:
    """Refuse what is known to fail, and what nobody tried unless the user names its sha256.

    Args:
        path: of a `libLiteRt.so`.
        abi: of the harness that is to open it; None: any.
        accept_sha256: 64 hexadecimal digits, of the file that the user vouches for.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.android_harness.library_lock import check_library
        >>> check_library(Path("libLiteRt.so"), abi="arm64-v8a").needs_self_test
        False

    Raises:
        InputError: no such file, no library, a wrong digest, known to fail, or unlisted and not accepted.
        MissingDependencyError: it is for another machine.
    """
    digest, size_bytes = _measure(path)
    found = elf_abi(path)
    if found is None:
        raise InputError(f"{path} is no library for a known machine; give a libLiteRt.so")
    if abi is not None and found != abi:
        raise MissingDependencyError(f"{path.name} is built for {found}, the harness for {abi}; give one for {abi}")
    if accept_sha256 is not None:
        accept_sha256 = accept_sha256.lower()
        if not SHA256.fullmatch(accept_sha256):
            raise InputError(f"--accept-library {accept_sha256[:80]!r} is no sha256; give 64 hexadecimal digits")
        if accept_sha256 != digest:
            raise InputError(f"{path.name} has sha256 {digest}, --accept-library names another one; compare them")
    known = next((library for library in read_lock(lock) if library.sha256 == digest), None)
    if known is not None and known.verdict is Verdict.FAILS:
        raise InputError(
            f"{path.name} is LiteRT {known.version}, which does not work here: {known.reason}; take "
            f"{_newest(lock, found)}"
        )
    if known is None and accept_sha256 is None:
        raise InputError(
            f"{path.name} (sha256 {digest}) is no library that was tried; take {_newest(lock, found)}, or try this one "
            f"with --accept-library {digest}"
        )
    return CheckedLibrary(path, found, size_bytes, digest, known)


def _newest(lock: Path, abi: str) -> str:
    works = [library for library in read_lock(lock) if library.verdict is Verdict.WORKS]
    same = [library for library in works if library.abi == abi]
    newest = max(same or works, key=lambda library: tuple(map(int, library.version.split("."))))
    return f"LiteRT {newest.version}"


def _measure(path: Path) -> tuple[str, int]:
    """sha256 and size in bytes."""
    try:
        if not path.is_file():
            raise InputError(f"{path} is no file; give a libLiteRt.so")
        size_bytes = path.stat().st_size
        if size_bytes > MAX_LIBRARY_BYTES:
            raise InputError(
                f"{path} has {size_bytes} bytes, at most {MAX_LIBRARY_BYTES} are read; give a libLiteRt.so"
            )
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest(), size_bytes
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a libLiteRt.so") from error
