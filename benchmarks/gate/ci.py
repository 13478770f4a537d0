"""A verdict for machines: JUnit XML, and GitHub Actions' annotations and step summary."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

from portraitlite.benchmarks.gate.gate import Verdict
from portraitlite.runtime.errors import InputError

__all__ = ["check_step_summary", "error_annotations", "junit_xml", "step_summary", "write_step_summary"]


def junit_xml(verdict: Verdict) -> bytes:
    """A test suite with a case for each limit."""
    counts = {"tests": str(len(verdict.limits)), "failures": str(len(verdict.breaches))}
    suite = ElementTree.Element("testsuite", {"name": f"portraitlite check {_plain(verdict.model)}", **counts})
    for limit in verdict.limits:
        case = ElementTree.SubElement(suite, "testcase", {"classname": _plain(verdict.dataset), "name": limit.figure})
        if not limit.passed:
            ElementTree.SubElement(case, "failure", {"message": str(limit)})
    root = ElementTree.Element("testsuites", counts)
    root.append(suite)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _plain(text: str) -> str:
    """Names of others as one line of characters that XML and UTF-8 allow."""
    return "".join(one if unicodedata.category(one)[0] != "C" else "?" for one in text)


def error_annotations(verdict: Verdict) -> tuple[str, ...]:
    """A workflow command for each breach (docs.github.com, "Workflow commands")."""
    return tuple(f"::error title=portraitlite check::{_escape(f'{verdict.model}: {one}')}" for one in verdict.breaches)


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def step_summary(verdict: Verdict) -> str:
    """A Markdown table."""
    state = f"{len(verdict.breaches)} of {len(verdict.limits)} limits broken" if verdict.breaches else "passed"
    name, data = (_plain(text).replace("|", "\\|").replace("`", "'") for text in (verdict.model, verdict.dataset))
    rows = [
        f"| {one.figure} | {one.value:.6g} | {'≥' if one.side == 'minimum' else '≤'} {one.limit:.6g} | "
        f"{'✅' if one.passed else '❌'} |"
        for one in verdict.limits
    ]
    head = ["| figure | measured | limit | |", "| --- | --- | --- | --- |"]
    return "\n".join([f"### `{name}` on `{data}`: {state}", "", *head, *rows, "", ""])


def check_step_summary() -> None:
    """Refuse a summary file that could not be written after minutes of measuring; raises as `write_step_summary`."""
    _append_summary("")


def write_step_summary(verdict: Verdict) -> None:
    """Append to the file that GitHub Actions names; nothing elsewhere.

    Raises:
        InputError: it cannot be written.
    """
    _append_summary(step_summary(verdict))


def _append_summary(text: str) -> None:
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"GITHUB_STEP_SUMMARY {target} cannot be written ({error.strerror}); unset it") from error
