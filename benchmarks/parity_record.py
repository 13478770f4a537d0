"""The result of `parity`: every photo and stage, what ran where, and whether it is allowed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from portraitlite.android_harness.facts import PhoneFacts
from portraitlite.benchmarks.parity import PhotoParity
from portraitlite.benchmarks.parity_stages import ParityGate
from portraitlite.benchmarks.phone_record import LibraryFacts
from portraitlite.benchmarks.record import ModelFacts, write_document

__all__ = ["KIND", "SCHEMA_VERSION", "ParityRecord", "find_failures", "save_parity"]

KIND, SCHEMA_VERSION = "parity", 1


@dataclasses.dataclass(frozen=True)
class ParityRecord:
    """One model on one phone, or with a host build here.

    Attributes:
        created: UTC, ISO 8601 with seconds.
        model: which file.
        device: `adb` or `desktop`, where the native program ran.
        unit, phone: which phone; None on the desktop.
        emulated: whether the phone was emulated; what comes out counts all the same.
        desktop_runtime: the TFLite runtime that Python used.
        harness_sha256, library: what ran there.
        accelerator: as asked for there.
        gate: what is allowed.
        photos: in the order given.
        passed: whether there are no failures.
        failures: one line for each photo and stage that is not allowed.
    """

    created: str
    model: ModelFacts
    device: str
    unit: str | None
    phone: PhoneFacts | None
    emulated: bool
    desktop_runtime: str
    harness_sha256: str
    library: LibraryFacts
    accelerator: str
    gate: ParityGate
    photos: tuple[PhotoParity, ...]
    passed: bool
    failures: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "kind": KIND, **dataclasses.asdict(self)}


def find_failures(photos: Sequence[PhotoParity], gate: ParityGate) -> tuple[str, ...]:
    """One line for each photo and stage that is not allowed."""
    return tuple(
        f"{photo.photo}: {failure}"
        for photo in photos
        for stage in photo.stages
        if (failure := gate.failure(stage)) is not None
    )


def save_parity(path: Path, record: ParityRecord, *, force: bool = False) -> None:
    """Write as JSON, whole or not at all; raises as `save_record`."""
    write_document(path, record.to_dict(), force=force)
