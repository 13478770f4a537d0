"""Only a whole document of the right kind is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portraitlite.android_harness.device_errors import DeviceError, PhoneProgramError
from portraitlite.android_harness.phone_harness import SCHEMA, HarnessAnswer, parse_answer
from portraitlite.android_harness.shell import ShellResult
from portraitlite.runtime.errors import InputError, NothingToDoError

GOOD: dict[str, Any] = {
    "schema": SCHEMA,
    "mode": "run",
    "exit_code": 0,
    "error": None,
    "timing": {"total_ms": [1, 2.5]},
}


def said(document: object, code: int = 0, *, end: str | None = None, stderr: str = "") -> ShellResult:
    text = document if isinstance(document, str) else json.dumps(document)
    return ShellResult(code, f"a log line\n{text}\n{end or f'portraitlite_harness end {code}'}\n", stderr)


def test_a_whole_document() -> None:
    assert parse_answer(said(GOOD), "run").numbers("timing", "total_ms") == (1.0, 2.5)


@pytest.mark.parametrize(
    "done",
    [
        ShellResult(0, "", ""),
        said(""),
        said("[]"),
        said("{" * 100_000),
        said('{"schema": "' + "x" * (5 << 20) + '"}'),
        said(json.dumps(GOOD).replace("2.5", "NaN")),
        said(GOOD, end="portraitlite_harness end"),
        said(GOOD, end="something else"),
        said(GOOD, 0, end="portraitlite_harness end 3"),
        said(GOOD | {"schema": "portraitlite-harness/2"}),
        said(GOOD | {"mode": "segment"}),
        said(json.dumps(GOOD) + "\nand more"),
    ],
)
def test_anything_else_is_an_error_of_one_line(done: ShellResult) -> None:
    with pytest.raises(PhoneProgramError) as caught:
        parse_answer(done, "run")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("code", "kind"), [(1, NothingToDoError), (2, InputError), (3, DeviceError)])
def test_errors_have_the_program_s_exit_code(code: int, kind: type[Exception]) -> None:
    failed = GOOD | {"exit_code": code, "error": {"kind": "x", "message": "why\x1b[31m\nmore"}}
    with pytest.raises(kind, match=r"the harness says: why \[31m more$") as caught:
        parse_answer(said(failed, code), "run")
    assert getattr(caught.value, "exit_code", None) == code


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (139, PhoneProgramError, "SIGSEGV"),
        (132, PhoneProgramError, "SIGILL"),
        (137, PhoneProgramError, "memory"),
        (126, DeviceError, "ABI"),
        (127, DeviceError, "ABI"),
    ],
)
def test_a_program_that_does_not_come_to_its_end(code: int, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        parse_answer(ShellResult(code, "", "/system/bin/sh: not executable"), "run")


@pytest.mark.parametrize("value", [None, "x", [True], [1, "2"], [-1], [1e400], {"a": 1}, [[1]]])
def test_numbers_must_be_numbers(value: object) -> None:
    with pytest.raises(PhoneProgramError, match=r"a list of numbers at a\.b"):
        HarnessAnswer({"a": {"b": value}}).numbers("a", "b")


def test_absent_facts_are_none_and_others_must_fit() -> None:
    answer = HarnessAnswer({"a": {"n": 1, "t": "x\ny", "l": [{"q": 2}]}})
    assert (answer.number("a", "n"), answer.text("a", "t"), answer.number("a", "zz")) == (1.0, "x y", None)
    assert answer.items("a", "l")[0].number("q") == 2.0
    assert answer.items("a", "zz") == ()
    for read in (answer.number, answer.text, answer.items):
        with pytest.raises(PhoneProgramError):
            read("a")
