"""Real adb programs with a server of their own: never the developer's server, keys or phones."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portraitlite.android_harness.adb import ADB_VARIABLE

__all__ = ["ADB_36_VARIABLE", "adb_29", "adb_36", "connect", "disconnect", "private_adb", "wait_until_usable"]

ADB_36_VARIABLE = "PORTRAITLITE_ADB36"
LIMIT_S = 30


def adb_29() -> Path | None:
    """The one on the PATH: Debian's 29, or whatever the developer has."""
    found = shutil.which("adb")
    return None if found is None else Path(found)


def adb_36() -> Path | None:
    """Google's, from the environment variable or from the wheel of `adbutils`."""
    named = os.environ.get(ADB_36_VARIABLE)
    if named:
        return Path(named)
    spec = importlib.util.find_spec("adbutils")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "binaries" / "adb"
    return found if found.is_file() else None


@contextlib.contextmanager
def private_adb(program: Path, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`program` with a free port and a home folder below `folder`, also for what finds it by the environment."""
    port = _free_port()
    folder.mkdir(exist_ok=True)
    for name, value in {
        "ANDROID_ADB_SERVER_PORT": str(port),
        "HOME": str(folder),
        "ADB_MDNS_OPENSCREEN": "0",  # no search in the network
        "ADB_MDNS": "0",
        "TMPDIR": str(folder),
        ADB_VARIABLE: str(program),
    }.items():
        patch.setenv(name, value)
    for name in ("ANDROID_SERIAL", "ANDROID_ADB_SERVER_ADDRESS", "ADB_SERVER_SOCKET"):
        patch.delenv(name, raising=False)
    try:
        yield program
    finally:
        subprocess.run([str(program), "kill-server"], capture_output=True, check=False, timeout=LIMIT_S)


def _free_port() -> int:
    """Below the range that systems hand out by themselves: between choosing and starting, a double or a connection
    could take one of those, and adb would wait for its answer."""
    while True:
        port = secrets.choice(range(15_000, 30_000))
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def connect(program: Path, serial: str) -> str:
    """Connect, and give what adb says; it ends with 0 whatever happens."""
    return _say(program, "connect", serial)


def disconnect(program: Path, serial: str) -> None:
    """Forget a device, so that the next test does not see it."""
    _say(program, "disconnect", serial)


def wait_until_usable(program: Path, serial: str) -> None:
    """After a cable was cut: the server notices late, and connects again by itself later still."""
    end = time.monotonic() + LIMIT_S
    while _say(program, "-s", serial, "get-state").strip() != "device":
        assert time.monotonic() < end, f"{serial} does not come back"
        connect(program, serial)
        time.sleep(0.1)


def _say(program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
    )
    return f"{done.stdout}{done.stderr}"
