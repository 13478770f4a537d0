"""The code blocks of the README and of every page of docs/."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

__all__ = ["PAGES", "ROOT", "code_blocks", "commands"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELLS = ("", "bash", "sh")


def code_blocks(page: Path, *languages: str) -> list[str]:
    """Its fenced blocks in these languages, in order."""
    return [text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands(page: Path) -> list[list[str]]:
    """The arguments of every `portraitlite` in its shell blocks."""
    found = []
    for block in code_blocks(page, *SHELLS):
        for line in block.replace("\\\n", " ").splitlines():
            for command in re.split(r"&&|;", re.sub(r"(^|\s)#.*", "", line)):
                name, *arguments = shlex.split(command) if "portraitlite " in command else [""]
                if Path(name).name == "portraitlite":
                    found.append(arguments)
    return found
