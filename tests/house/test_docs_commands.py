"""The command line takes every `portraitlite ...` that a page shows: verbs, options, their values. Nothing is run."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import pytest
import typer.main
from doc_blocks import PAGES, ROOT, commands

from portraitlite.cli import app

SHOWN = [
    pytest.param(arguments, id=f"{page.name}: {' '.join(arguments)}") for page in PAGES for arguments in commands(page)
]
INLINE = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# The other programs that pages name: scripts, and the native harness.
PROGRAMS = ("scripts/*.py", "tests/fuzz/*.py", "android_harness/native/**/*.c")


@functools.cache
def command_line() -> Any:
    return typer.main.get_command(app)


def take(arguments: Sequence[str]) -> None:
    """Parses as the command line does, without running the verb."""
    command = command_line()
    context = None
    rest = list(arguments)
    while hasattr(command, "commands"):
        verb, *rest = rest
        assert verb in command.commands, f"no verb {verb}"
        command, context = command.commands[verb], command.make_context(verb, [], resilient_parsing=True)
    command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("arguments", SHOWN)
def test_the_command_is_taken(arguments: list[str]) -> None:
    take(arguments)


def test_most_pages_show_commands() -> None:
    assert len({page for page in PAGES if commands(page)}) >= 8


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["portrait", "a.jpg", "-o", "b.jpg", "--power", "1"], "--power"),
        (["portrait", "a.jpg"], "output"),
        (["convert", "a", "-o", "b.tflite", "--recipe", "int4"], "int4"),
        (["bench", "a.tflite", "--runs", "many"], "integer"),
    ],
)
def test_a_wrong_command_is_noticed(arguments: list[str], complaint: str) -> None:
    with pytest.raises(Exception, match=complaint):
        take(arguments)


def options(command: Any) -> set[str]:
    own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return own.union(*(options(inner) for inner in getattr(command, "commands", {}).values()))


def test_options_in_the_text_exist() -> None:
    known = options(command_line()) | {"--help"}
    for pattern in PROGRAMS:
        for source in ROOT.glob(pattern):
            text = source.read_text(encoding="utf-8")
            known |= set(re.findall(r'"(--[a-z-]+)"', text))
            if source.suffix == ".c":
                known |= {f"--{name}" for name in re.findall(r'\{"([a-z-]+)",', text)}
    unknown = [
        f"{page.name}: {option}"
        for page in PAGES
        for span in INLINE.findall(page.read_text(encoding="utf-8"))
        for option in OPTION.findall(span)
        if option not in known
    ]
    assert not unknown
