"""The verb `doctor`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.console import print_json
from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["doctor", "register"]


def doctor(
    adb: Annotated[Path | None, typer.Option("--adb", help="The adb program.")] = None,
    harness: Annotated[Path | None, typer.Option("--harness", help="A native program to look at.")] = None,
    litert: Annotated[Path | None, typer.Option("--litert", help="A libLiteRt.so to look at.")] = None,
    accept_library: Annotated[
        str | None, typer.Option("--accept-library", metavar="SHA256", help="Vouch for a library that is not listed.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings on stdout as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only problems.")] = False,
) -> None:
    """Look at runtime, extras, adb, phones and libraries; exit code 3 where what was asked for does not work."""
    from portraitlite.android_harness.doctor import Finding, Level, Wanted, examine

    findings = examine(Wanted(adb, harness, litert, accept_library))
    problems: list[Finding] = [finding for finding in findings if finding.level is Level.PROBLEM]
    if json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in findings], "problems": len(problems)})
    else:
        for finding in problems if quiet else findings:
            print(f"{finding.level:8} {finding.subject}: {finding.found}")
            if finding.step:
                print(f"{'':8} -> {finding.step}")
    if problems:
        named = ", ".join(dict.fromkeys(finding.subject for finding in problems))
        raise MissingDependencyError(f"to be solved: {named[:300]}; the next steps are in the list")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("doctor")(doctor)
