"""An extension of griffe: how this project writes docstrings, turned into what griffe takes for Google's style.

`a, b: what both are` becomes two entries, so that each has its type and strict builds notice names that do not exist;
`Example:` becomes a section with highlighted code.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

# A line of several names and a colon, and the deeper lines that go on with it.
SHARED_ENTRY = re.compile(r"^( +)(\w+(?:, \w+)+):(.*(?:\n\1 +.*)*)$", re.MULTILINE)


class HouseStyle(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Called by griffe for every module, class, function and attribute."""
        if obj.docstring is None:
            return
        text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
        obj.docstring.value = SHARED_ENTRY.sub(_split, text)


def _split(match: re.Match[str]) -> str:
    indent, names, rest = match.groups()
    return "\n".join(f"{indent}{name}:{rest}" for name in names.split(", "))
