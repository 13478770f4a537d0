"""How every verb talks: results on stdout, progress and notices on stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["native_stderr_silenced", "print_json", "progress_bar", "say"]


def say(message: str, *, quiet: bool = False) -> None:
    """One line on stderr."""
    if not quiet:
        print(message, file=sys.stderr)


def print_json(document: dict[str, Any]) -> None:
    """A result on stdout."""
    # A file name that is no text has half characters, which cannot be printed; with a backslash they are JSON.
    print(json.dumps(document, indent=2, ensure_ascii=False).encode(errors="backslashreplace").decode())


@contextlib.contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A function (stage, done, total) that moves a bar on stderr; silent when quiet or not on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def move(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield move


@contextlib.contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Drop what C++ code writes to file descriptor 2: neither TensorFlow nor LiteRT has a switch for it.

    Python's own `sys.stderr` (progress, notices) still reaches the terminal. For command lines only: it acts on the
    whole process.
    """
    sys.stderr.flush()
    saved, sink, before = os.dup(2), os.open(os.devnull, os.O_WRONLY), sys.stderr
    try:
        os.dup2(sink, 2)
        with os.fdopen(os.dup(saved), "w", encoding="utf-8", errors="replace", buffering=1) as terminal:
            # Where tests or callers have put something else in its place, that does not write to descriptor 2 anyway.
            sys.stderr = terminal if before is sys.__stderr__ else before
            yield
    finally:
        sys.stderr = before
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
