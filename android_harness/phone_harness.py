"""The native harness, on a phone or here: believed only when its document is whole.

The document and the closing line are described in docs/harness.md. All of it is foreign: a phone may answer anything.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from portraitlite.android_harness.bounded import one_line
from portraitlite.android_harness.device_errors import DeviceError, PhoneProgramError
from portraitlite.android_harness.place import Place
from portraitlite.android_harness.shell import ShellResult
from portraitlite.runtime.errors import InputError, NothingToDoError

__all__ = ["Accelerator", "HarnessAnswer", "parse_answer", "run_harness"]

SCHEMA = "portraitlite-harness/1"
END = re.compile(r"portraitlite_harness end (\d{1,3})")
MAX_DOCUMENT_CHARACTERS = 4 << 20
CANNOT_START = (126, 127)
HINTS = {
    "SIGSEGV": "the LiteRT library may be of another version than the harness knows",
    "SIGILL": "the program or library uses instructions that this phone has not",
    "SIGKILL": "the phone may have run out of memory",
    "SIGHUP": "the connection was cut",
}


class Accelerator(enum.StrEnum):
    """What shall run a model; the harness says where it did not."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"


@dataclasses.dataclass(frozen=True)
class HarnessAnswer:
    """A document of the harness; what is taken out of it is checked then.

    Attributes:
        values: as JSON gave it.
    """

    values: dict[str, Any]

    def numbers(self, *path: str) -> tuple[float, ...]:
        """A list of finite numbers from 0 on.

        Raises:
            PhoneProgramError: there is none.
        """
        found = self._at(path)
        if not isinstance(found, list) or not all(_is_amount(value) for value in found):
            raise _malformed(path, "a list of numbers")
        return tuple(float(value) for value in found)

    def number(self, *path: str) -> float | None:
        """A finite number from 0 on; None for null or where there is none.

        Raises:
            PhoneProgramError: it is something else.
        """
        found = self._at(path)
        if found is not None and not _is_amount(found):
            raise _malformed(path, "a number")
        return None if found is None else float(found)

    def text(self, *path: str) -> str | None:
        """One line; None where there is none.

        Raises:
            PhoneProgramError: it is something else.
        """
        found = self._at(path)
        if found is not None and not isinstance(found, str):
            raise _malformed(path, "text")
        return None if found is None else one_line(found)

    def items(self, *path: str) -> tuple[HarnessAnswer, ...]:
        """A list of objects; empty where there is none.

        Raises:
            PhoneProgramError: it is something else.
        """
        found = self._at(path)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise _malformed(path, "a list of objects")
        return tuple(HarnessAnswer(item) for item in found)

    def _at(self, path: Sequence[str]) -> Any:
        found: Any = self.values
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found


def run_harness(
    place: Place, program: str, mode: str, options: Sequence[tuple[str, str]] = (), *, limit_s: float = 600.0
) -> HarnessAnswer:
    """Run the harness once.

    Args:
        place: where.
        program: its path there.
        mode, options: as in docs/harness.md, options without their dashes.
        limit_s: how long it may take.

    Raises:
        DeviceError: the phone was lost or is too slow, the program cannot be started there, or it says that something
            is missing there.
        PhoneProgramError: it was killed, or its answer is not whole.
        InputError: it cannot use a model or another file.
        NothingToDoError: it says so.
    """
    words = [program, mode]
    for name, value in options:
        words += [f"--{name}", value]
    return parse_answer(place.execute(words, limit_s=limit_s), mode)


def parse_answer(done: ShellResult, mode: str) -> HarnessAnswer:
    """What the harness said; raises as `run_harness`."""
    document, end = _document(done.stdout)
    if document is None or end is None:
        said = one_line(done.stderr or done.stdout, 160) or "nothing"
        if done.code in CANNOT_START:
            raise DeviceError(f"the harness cannot be started on the phone ({said}); build it for the phone's ABI")
        if (name := done.signal_name) is not None:
            raise PhoneProgramError(f"the harness was killed by {name}; {HINTS.get(name, 'see logcat')}")
        raise PhoneProgramError(
            f"the harness gave no whole document (exit code {done.code}, it says {said!r}); build harness and "
            f"portraitlite from the same version"
        )
    answer = HarnessAnswer(document)
    if document.get("schema") != SCHEMA or document.get("mode") != mode or end != done.code:
        raise PhoneProgramError(f"the harness answered another question; {SCHEMA} in mode {mode} was expected")
    if end == 0:
        return answer
    message = f"the harness says: {answer.text('error', 'message') or f'exit code {end}'}"
    kinds: dict[int, type[Exception]] = {1: NothingToDoError, 2: InputError, 3: DeviceError}
    raise kinds.get(end, PhoneProgramError)(message)


def _document(text: str) -> tuple[dict[str, Any] | None, int | None]:
    """The document and the closing line's code, where they are the last two lines; None for what is missing."""
    lines = text.strip().splitlines()
    if len(lines) < 2 or len(lines[-2]) > MAX_DOCUMENT_CHARACTERS:
        return None, None
    end = END.fullmatch(lines[-1].strip())
    try:
        found = json.loads(lines[-2], parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None, None
    return (found if isinstance(found, dict) else None), (None if end is None else int(end[1]))


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _is_amount(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(float(value)) and float(value) >= 0  # type: ignore[arg-type]


def _malformed(path: Sequence[str], expected: str) -> PhoneProgramError:
    return PhoneProgramError(f"the harness's document has not {expected} at {'.'.join(path)}; build it again")
