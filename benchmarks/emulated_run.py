"""The record of a run on an emulated phone.

It proves that the programs run and which bytes come out, and nothing about time or memory: there is no place for them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.environment import Environment
from portraitlite.benchmarks.phone_record import PhoneRun
from portraitlite.benchmarks.record import SCHEMA_VERSION, Configuration, ModelFacts, write_document

__all__ = ["KIND", "EmulatedRun", "emulated_document", "save_emulated"]

KIND = "emulated"


@dataclasses.dataclass(frozen=True)
class EmulatedRun:
    """What is left of a `RunRecord` where nothing could be measured; attributes as there."""

    created: str
    model: ModelFacts
    configuration: Configuration
    environment: Environment
    phone: PhoneRun
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.phone.emulated or self.phone.memory is not None:
            raise ValueError("a real phone, or figures of an emulated one")

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "kind": KIND, **dataclasses.asdict(self)}


def save_emulated(path: Path, runs: Sequence[EmulatedRun], *, force: bool = False) -> None:
    """Write one record, or several as `{"kind": "emulated_set", "records": [...]}`; raises as `save_record`."""
    write_document(path, emulated_document(runs), force=force)


def emulated_document(runs: Sequence[EmulatedRun]) -> dict[str, Any]:
    """What `save_emulated` writes."""
    if len(runs) == 1:
        return runs[0].to_dict()
    return {"schema_version": SCHEMA_VERSION, "kind": f"{KIND}_set", "records": [run.to_dict() for run in runs]}
