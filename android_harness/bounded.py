"""Programs with bounds on time and output, and their words made safe for a terminal."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["Finished", "call_bounded", "one_line"]

MAX_OUTPUT_BYTES = 8 << 20
POLL_S = 0.05
READER_LIMIT_S = 2.0


@dataclasses.dataclass(frozen=True)
class Finished:
    """What a call left; undecodable bytes are replaced.

    Attributes:
        code: of the program itself.
        stdout, stderr: its text.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both, as one line of bounded length, for messages."""
        return one_line(f"{self.stderr}\n{self.stdout}")

    @property
    def reason(self) -> str:
        """The end of the last line that tells of an error, or of the last line: some versions say much before it."""
        lines = [line for line in f"{self.stdout}\n{self.stderr}".splitlines() if line.strip()]
        telling = [line for line in lines if "error" in line.lower()] or lines
        return one_line(telling[-1][-200:]) if telling else ""


def one_line(text: str, limit: int = 300) -> str:
    """Foreign text for a message or a record: bounded, on one line, without control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * limit]).split())[:limit]


def call_bounded(
    path: Path,
    arguments: Sequence[str],
    *,
    what: str,
    timeout_s: float,
    stop: Callable[[], bool] = lambda: False,
) -> Finished:
    """Run a program once, without a shell and without stdin.

    Args:
        path: of the program.
        arguments: as they are.
        what: how messages call it.
        timeout_s: how long it may take.
        stop: looked at twenty times a second; True ends it as if it had taken too long.

    Raises:
        DeviceError: it took longer, wrote more than 8 MiB to either output, or was stopped. It has been killed then.
        MissingDependencyError: it cannot be started.
    """
    what = one_line(what, 100)
    try:
        child = subprocess.Popen(  # noqa: S603 - a program that the user named, without a shell
            [str(path), *arguments],
            stdin=subprocess.DEVNULL,  # adb would swallow the caller's
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        raise MissingDependencyError(f"{path} cannot be run ({error}); name another program") from error
    assert child.stdout is not None
    assert child.stderr is not None
    readers = [_Reader(child.stdout), _Reader(child.stderr)]
    end = time.monotonic() + timeout_s
    failure = None
    try:
        while failure is None:
            try:
                child.wait(POLL_S)
                break
            except subprocess.TimeoutExpired:
                pass
            if time.monotonic() > end:
                failure = f"{what}: no answer within {timeout_s:g} s; look whether the phone is awake, or replug it"
            elif any(reader.overflowed for reader in readers):
                failure = f"{what}: more than {MAX_OUTPUT_BYTES >> 20} MiB of output; that is no answer to use"
            elif stop():
                failure = f"{what}: stopped"
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        # A server that adb started may hold the pipes open for ever; what was said is there by now.
        for reader in readers:
            reader.join(READER_LIMIT_S)
    if failure is None and any(reader.overflowed for reader in readers):
        failure = f"{what}: more than {MAX_OUTPUT_BYTES >> 20} MiB of output; that is no answer to use"
    if failure is not None:
        raise DeviceError(failure)
    return Finished(child.returncode, readers[0].text, readers[1].text)


class _Reader(threading.Thread):
    """Reads a pipe to its end and keeps a bounded part."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._kept = pipe, bytearray()
        self.overflowed = False
        self.start()

    def run(self) -> None:
        with self._pipe:
            while part := os.read(self._pipe.fileno(), 65536):
                if len(self._kept) + len(part) > MAX_OUTPUT_BYTES:
                    self.overflowed = True
                else:
                    self._kept += part

    @property
    def text(self) -> str:
        return bytes(self._kept).decode("utf-8", "replace")
