"""The log of a run: one JSON object a line, to be plotted or followed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portraitlite.runtime.save import write_atomically

__all__ = ["append_record", "cut_log", "read_log"]


def append_record(path: Path, record: dict[str, Any]) -> None:
    """Add a line: `step` and losses, or `step` and `evaluation`."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """All whole lines; a last one that a killed run left unfinished is left out."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def cut_log(path: Path, step: int) -> None:
    """Drop what came after a checkpoint: a resumed run writes it again."""
    if path.exists():
        kept = [record for record in read_log(path) if record["step"] <= step]
        write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept).encode(), force=True)
