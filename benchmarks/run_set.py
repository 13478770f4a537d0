"""Several run records that were measured together, and how they compare.

The file is a record of kind `latency_set`; one of kind `latency` is read as a set of one. Its schema lies in
`schema/run_set.schema.json`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.parsing import parse
from portraitlite.benchmarks.record import (
    KIND,
    SCHEMA_VERSION,
    RunRecord,
    check_version,
    read_document,
    write_document,
)
from portraitlite.benchmarks.statistics import RatioInterval, paired_ratio

__all__ = ["SET_KIND", "RunSet", "Turns", "compare_turns", "load_run", "save_run"]

SET_KIND = "latency_set"


@dataclasses.dataclass(frozen=True)
class Turns:
    """How much slower a record is than the set's first, from runs that took turns.

    Attributes:
        record: its position in the set.
        interval: latency / the first one's latency.
    """

    record: int
    interval: RatioInterval


@dataclasses.dataclass(frozen=True)
class RunSet:
    """At least one record; `turns` has one entry for each but the first."""

    records: tuple[RunRecord, ...]
    turns: tuple[Turns, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the record itself where there is one alone."""
        if len(self.records) == 1:
            return self.records[0].to_dict()
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": SET_KIND,
            "records": [record.to_dict() for record in self.records],
            "turns": [dataclasses.asdict(turn) for turn in self.turns],
        }

    @classmethod
    def from_dict(cls, document: Any) -> RunSet:
        """The inverse of `to_dict`, also after a trip through JSON.

        Raises:
            ValueError: not of this version, or with a value that cannot be.
        """
        if isinstance(document, dict) and document.get("kind") == KIND:
            return cls((RunRecord.from_dict(document),), ())
        values = check_version(document, SET_KIND)
        if sorted(values) != ["records", "turns"] or not isinstance(values["records"], list):
            raise ValueError(f"a set has records and turns; this one has {', '.join(sorted(values)) or 'nothing'}")
        records = tuple(RunRecord.from_dict(record) for record in values["records"])
        turns: tuple[Turns, ...] = parse(tuple[Turns, ...], values["turns"], "turns")
        if len(records) < 2 or [turn.record for turn in turns] != list(range(1, len(records))):
            raise ValueError(f"{len(turns)} comparisons for {len(records)} records")
        return cls(records, turns)


def compare_turns(records: Sequence[RunRecord]) -> tuple[Turns, ...]:
    """Every record but the first against the first; all must have run equally often, in turns."""
    first = records[0].figures.latency_ms
    return tuple(
        Turns(number, paired_ratio(record.figures.latency_ms, first, seed=record.configuration.seed))
        for number, record in enumerate(records[1:], 1)
    )


def save_run(path: Path, run: RunSet, *, force: bool = False) -> None:
    """Write as JSON, whole or not at all; raises as `save_record`."""
    write_document(path, run.to_dict(), force=force)


def load_run(path: Path) -> RunSet:
    """Read what `save_run` or `save_record` wrote; raises as `load_record`."""
    return read_document(path, RunSet.from_dict)
