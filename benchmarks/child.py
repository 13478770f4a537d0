"""Work in a process of its own that answers with a line of JSON: what brings it down takes only that process along."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["ChildError", "run_child"]


class ChildError(Exception):
    """There is no answer; the text says why in a few words."""


def run_child(arguments: Sequence[str], *, limit_s: float) -> Any:
    """The last line that this Python, started with `arguments`, writes to stdout, read as JSON.

    Args:
        arguments: of the interpreter: `-m`, a module, and what the module takes.
        limit_s: how long it may take, in seconds.

    Raises:
        ChildError: it took longer, or ended with an exit code or a signal.
    """
    # The child must find the same packages, also where the search path was changed after the start.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-P", *arguments],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # runtimes print names as a file has them
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ChildError(f"it takes more than {limit_s} s") from error
    if child.returncode != 0:
        end = signal.Signals(-child.returncode).name if child.returncode < 0 else f"exit code {child.returncode}"
        reason = (child.stderr.strip().splitlines() or [""])[-1][:200]
        raise ChildError(f"{end}: {reason}")
    return json.loads(child.stdout.splitlines()[-1])
