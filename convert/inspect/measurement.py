"""What a run here says about a delegate, and the process that runs it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Measurement", "NotMeasured", "run_probe"]

TIMEOUT_S = 120
MAX_ARENA_BYTES = 2 << 30


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Of one run.

    Attributes:
        taken: op index -> whether the delegate took it; an op of which the run does not tell is not in it.
        version: of the runtime, and of the device where there is a choice.
        basis: one sentence for people.
        reasons: op index -> the delegate's own words for a refusal, where it gives any.
    """

    taken: Mapping[int, bool]
    version: str
    basis: str
    reasons: Mapping[int, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class NotMeasured:
    """Why there is no measurement."""

    reason: str


def run_probe(delegate: str, model: Path, arena_bytes: int) -> tuple[dict[str, Any], str] | NotMeasured:
    """(what `probe.py` answers, the runtime's log).

    Args:
        delegate: `xnnpack` or `gpu`.
        model: the file.
        arena_bytes: what its activations will take; files above 2 GiB are not loaded.
    """
    if arena_bytes > MAX_ARENA_BYTES:
        return NotMeasured(f"its activations take {arena_bytes / 2**30:.1f} GiB, above the 2 GiB tried here")
    probe = Path(__file__).with_name("probe.py")
    try:
        # -P: modules beside the probe must not stand in for installed ones.
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-P", str(probe), delegate, str(model)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return NotMeasured(f"the runtime did not load it within {TIMEOUT_S} s")
    log = run.stderr.decode("utf-8", "replace")
    answer = _answer(run.stdout.decode("utf-8", "replace"))
    if answer is None:
        return NotMeasured(f"the runtime ended with code {run.returncode} while loading it")
    if "error" in answer:
        return NotMeasured(f"the runtime does not load it: {answer['error']}")
    return answer, log


def _answer(output: str) -> dict[str, Any] | None:
    """The last line that is a JSON object; the runtime may write before it."""
    for line in reversed(output.splitlines()):
        try:
            document = json.loads(line)
        except ValueError:
            continue
        return document if isinstance(document, dict) else None
    return None
