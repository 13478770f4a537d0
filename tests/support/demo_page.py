"""The page of `portraitlite demo`, running in a process of its own, and a browser's way through it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chromium_pipe import Chromium

__all__ = ["STATUS", "demo_python", "drop", "running_demo"]

SOURCE = Path(__file__).resolve().parents[2] / "src"
NO_PHOTO = "drop a photo first"
STATUS = "document.querySelector('#status textarea').value"


def demo_python() -> str | None:
    """A Python that has the extra `demo`: PORTRAITLITE_DEMO_PYTHON, or this one."""
    here = sys.executable if importlib.util.find_spec("gradio") else None
    return os.environ.get("PORTRAITLITE_DEMO_PYTHON", here)


@contextlib.contextmanager
def running_demo(python: str, folder: Path, *options: str) -> Iterator[str]:
    """The page's address; `folder` is for temporary files. Asserts that it ends well and leaves nothing there."""
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(SOURCE)}
    command = [python, "-m", "portraitlite", "demo", "--port", "0", "--quiet", *options]
    errors = folder.parent / "demo-errors.txt"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment, cwd=folder) as process,
    ):
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            assert address, errors.read_text()
            yield address
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, errors.read_text()
        finally:
            process.kill()
    assert errors.read_text() == ""
    assert list(folder.iterdir()) == []


def drop(browser: Chromium, photo: Path) -> str:
    """Give the page a photo in the place of the one that it has; the status line that follows."""
    browser.run("document.querySelector('button[title=Clear]')?.click()")
    browser.wait(STATUS, lambda words: words == NO_PHOTO)
    browser.upload("input[type=file]", photo)
    line: str = browser.wait(STATUS, lambda words: words not in ("", NO_PHOTO))
    return line
