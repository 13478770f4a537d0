"""The LiteRT library that a phone shall load: listed in the lock, or vouched for by the user and tested there first."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from pathlib import Path
from typing import Self

from portraitlite.android_harness.library_lock import CheckedLibrary, Verdict, check_library, read_lock
from portraitlite.android_harness.place import Place
from portraitlite.android_harness.self_test import run_self_test
from portraitlite.benchmarks.phone_record import LibraryFacts
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["OpenLibrary", "open_library"]


@dataclasses.dataclass(frozen=True)
class OpenLibrary:
    """A library that may be tried.

    Attributes:
        checked: what the lock says.
        self_test: how it went; None before, and where none is needed.
    """

    checked: CheckedLibrary
    self_test: str | None = None

    @property
    def facts(self) -> LibraryFacts:
        """For the record."""
        known = self.checked.known
        return LibraryFacts(
            self.checked.sha256, None if known is None else known.version, known is None, self.self_test
        )

    @property
    def name(self) -> str:
        """Version, or the beginning of its sha256 where it is not listed."""
        known = self.checked.known
        return f"unlisted {self.checked.sha256[:12]}" if known is None else f"{known.version} ({known.libc})"

    def tested(self, place: Place, program: str, library: str) -> Self:
        """The same after the self-test, where one is needed.

        Raises:
            CheckFailedError: it gives another answer, or crashes.
            DeviceError: it cannot be run there.
        """
        if not self.checked.needs_self_test:
            return self
        run_self_test(place, program, library)
        return dataclasses.replace(self, self_test="passed")


def open_library(path: Path, abi: str, *, accept: str | None) -> OpenLibrary:
    """A library for programs of `abi`; `accept` is the sha256 of one that the user vouches for.

    Raises:
        InputError: no library, or not listed and not accepted.
        MissingDependencyError: for another machine, or known to fail: another one is needed.
    """
    try:
        return OpenLibrary(check_library(path, abi=abi, accept_sha256=accept))
    except InputError as error:
        if _known_to_fail(path):
            raise MissingDependencyError(str(error)) from error
        raise


def _known_to_fail(path: Path) -> bool:
    failing = {library.sha256 for library in read_lock() if library.verdict is Verdict.FAILS}
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() in failing
    return False
