"""Unit results on disk while an evaluation runs, so that it can go on after an interruption.

JSON Lines: a header that says what is evaluated, then a unit a line. A torn last line is dropped.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from portraitlite.benchmarks.accuracy.worker import UnitResult
from portraitlite.runtime.errors import InputError

__all__ = ["appending", "read_shard"]

MAX_BYTES = 4 << 30


def read_shard(path: Path, header: dict[str, object]) -> dict[str, UnitResult]:
    """Results by unit key; empty where there is no file.

    Raises:
        InputError: the file belongs to another evaluation, or is no shard.
    """
    if not path.exists():
        return {}
    found: dict[str, UnitResult] = {}
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        lines = path.read_bytes().split(b"\n")
        if json.loads(lines[0]) != header:
            raise InputError(
                f"{path} was begun with other models, data or options; remove it, or give --force instead of --resume"
            )
        for line in lines[1:-1]:  # after the last line end there is nothing, or half a line
            result = UnitResult.from_dict(json.loads(line))
            found[result.key] = result
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be resumed from ({error}); remove it and start again") from error
    return found


@contextlib.contextmanager
def appending(path: Path, header: dict[str, object], *, resumed: bool) -> Iterator[Callable[[UnitResult], None]]:
    """A function that adds a result to the file at once; without `resumed` the file is begun anew.

    Raises:
        InputError: the file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with _writing(path):
            stream = stack.enter_context(path.open("r+b" if resumed else "wb"))
            if resumed:
                whole = path.read_bytes().rfind(b"\n") + 1
                stream.truncate(whole)
                stream.seek(whole)
            else:
                stream.write(json.dumps(header).encode() + b"\n")

        def add(result: UnitResult) -> None:
            with _writing(path):
                stream.write(json.dumps(result.to_dict()).encode() + b"\n")
                stream.flush()

        yield add


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another output") from error
