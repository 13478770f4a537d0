"""The run record: the JSON document of one benchmark. Its schema lies in `schema/run_record.schema.json`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.environment import Environment
from portraitlite.benchmarks.parsing import parse
from portraitlite.benchmarks.statistics import LatencyStatistics
from portraitlite.runtime.errors import InputError

__all__ = [
    "KIND",
    "SCHEMA_VERSION",
    "Configuration",
    "Figures",
    "ModelFacts",
    "RunRecord",
    "load_record",
    "save_record",
]

SCHEMA_VERSION = 1
KIND = "latency"
MAX_RECORD_BYTES = 64 << 20


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """Which file ran: its name without folders, size and sha256 (hexadecimal)."""

    name: str
    size_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What was asked for.

    Attributes:
        device: `desktop`.
        backend: the TFLite runtime.
        delegate: `default`: the runtime's own choice, which is XNNPACK where it is built in.
        threads: CPU threads.
        runs: timed inferences.
        warmup: untimed inferences between the first and the timed ones.
        seed: of the random input.
        scope: what was timed; `invoke` is the inference alone, without filling inputs and fetching outputs.
    """

    device: str
    backend: str
    delegate: str
    threads: int
    runs: int
    warmup: int
    seed: int
    scope: str


@dataclasses.dataclass(frozen=True)
class Figures:
    """What came out, in ms; the parts are described at `Latency` and `LatencyStatistics`."""

    load_ms: float
    first_ms: float
    statistics: LatencyStatistics
    latency_ms: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """One benchmark run.

    Attributes:
        created: UTC, ISO 8601 with seconds.
        warnings: one line for each reason to distrust the figures; empty for a quiet run.
    """

    created: str
    model: ModelFacts
    configuration: Configuration
    figures: Figures
    environment: Environment
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "kind": KIND, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, document: Any) -> RunRecord:
        """The inverse of `to_dict`, also after a trip through JSON.

        Raises:
            ValueError: not a run record of this version, or one with a value that cannot be.
        """
        if not isinstance(document, dict) or "schema_version" not in document:
            raise ValueError("no portraitlite run record; give a file that `portraitlite bench -o` wrote")
        values = dict(document)
        version, kind = values.pop("schema_version"), values.pop("kind", None)
        if version != SCHEMA_VERSION:
            raise ValueError(f"schema version {version!r}; this portraitlite reads {SCHEMA_VERSION}: update it")
        if kind != KIND:
            raise ValueError(f"a run record of kind {kind!r}; {KIND!r} is wanted")
        record: RunRecord = parse(cls, values, "record")
        figures = record.figures
        if len(figures.latency_ms) != record.configuration.runs:
            raise ValueError(f"{len(figures.latency_ms)} latencies for {record.configuration.runs} runs")
        if min(figures.load_ms, figures.first_ms, *figures.latency_ms) < 0:
            raise ValueError("a negative latency")
        return record


def save_record(path: Path, record: RunRecord, *, force: bool = False) -> None:
    """Write `record` as JSON, whole or not at all.

    Raises:
        InputError: the file exists and `force` is off, or the folder cannot be written.
    """
    from portraitlite.runtime.save import write_atomically

    text = json.dumps(record.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode(), force=force)


def load_record(path: Path) -> RunRecord:
    """Read what `save_record` wrote.

    Raises:
        InputError: no such file, not a run record, of another version, or with NaN or infinite numbers.
    """
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise InputError(f"{path} is larger than {MAX_RECORD_BYTES >> 20} MiB; that is no run record")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a run record") from error
    try:
        document = json.loads(content)
        return RunRecord.from_dict(document)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON ({error}); give a run record") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} cannot be used: {' '.join(str(error).split())[:300]}") from error
