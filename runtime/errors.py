"""Every error that portraitlite raises on purpose.

    PortraitLiteError            exit code 2
    ├── InputError               2   a file, picture, model or argument that cannot be used
    ├── NothingToDoError         1   the input is fine but there is nothing to do (no person in the photo)
    ├── CheckFailedError         1   a gate or check failed
    └── MissingDependencyError   3   something is missing from the environment

Messages are one line: what was found, what was expected, what to do.
"""

from __future__ import annotations

__all__ = [
    "CheckFailedError",
    "InputError",
    "MissingDependencyError",
    "NothingToDoError",
    "PortraitLiteError",
]


class PortraitLiteError(Exception):
    """Root of the hierarchy.

    Attributes:
        exit_code: what the command line returns for this error.
    """

    exit_code = 2


class InputError(PortraitLiteError):
    """A file, picture, model or argument cannot be used as it is."""


class NothingToDoError(PortraitLiteError):
    """The input is fine, but there is nothing to do."""

    exit_code = 1


class CheckFailedError(PortraitLiteError):
    """A gate or check did not pass."""

    exit_code = 1


class MissingDependencyError(PortraitLiteError):
    """A package, program or device is missing; the message says how to get it."""

    exit_code = 3
