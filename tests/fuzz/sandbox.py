"""A process that may die or hang: it does one case after another, and is replaced when a case has ended it."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from portraitlite.runtime.console import native_stderr_silenced

__all__ = ["Attempt", "Sandbox"]

Attempt = Callable[[Path, str, bytes], str]
"""(folder for files, name, data) -> how it ended."""

_START_LIMIT_S = 300.0


class Sandbox:
    """Runs `attempt`, which must be importable by the other process, under limits of time and address space."""

    def __init__(self, attempt: Attempt, *, limit_s: float = 20.0, memory_bytes: int = 4 << 30) -> None:
        self._attempt, self._limit_s, self._memory_bytes = attempt, limit_s, memory_bytes
        self._folder = tempfile.TemporaryDirectory()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def run(self, name: str, data: bytes) -> str:
        """What the attempt says, "hang ..." or "the process died ..."."""
        connection = self._connection or self._start()
        connection.send((name, data))
        try:
            if connection.poll(self._limit_s):
                outcome: str = connection.recv()
                return outcome
            outcome = f"hang of more than {self._limit_s:.0f} s"
        except (EOFError, ConnectionError):
            assert self._process is not None
            self._process.join()
            outcome = f"the process died with {self._process.exitcode}"
        self._stop()
        return outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._folder.cleanup()

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, self._attempt, Path(self._folder.name), self._memory_bytes)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(_START_LIMIT_S):
            raise RuntimeError("the sandbox did not start")
        self._connection.recv()
        return self._connection

    def _stop(self) -> None:
        if self._process is not None and self._connection is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
        self._process = self._connection = None


def _serve(connection: Connection, attempt: Attempt, folder: Path, memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with native_stderr_silenced(), contextlib.suppress(EOFError):
        connection.send("ready")
        while True:
            name, data = connection.recv()
            connection.send(attempt(folder, name, data))
