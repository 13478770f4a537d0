"""The run record: the JSON document of one benchmark. Its schema lies in `schema/run_record.schema.json`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from portraitlite.benchmarks.environment import Environment
from portraitlite.benchmarks.memory import Memory
from portraitlite.benchmarks.parsing import parse
from portraitlite.benchmarks.phone_record import PhoneRun
from portraitlite.benchmarks.statistics import LatencyStatistics, Stability
from portraitlite.runtime.errors import InputError

__all__ = [
    "KIND",
    "SCHEMA_VERSION",
    "Configuration",
    "Figures",
    "ModelFacts",
    "RunRecord",
    "check_version",
    "load_record",
    "read_document",
    "save_record",
    "write_document",
]

SCHEMA_VERSION = 3
KIND = "latency"
MAX_RECORD_BYTES = 64 << 20
Document = TypeVar("Document")


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """Which file ran: its name without folders, size and sha256 (hexadecimal)."""

    name: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> ModelFacts:
        """Of a file with this content."""
        return cls(name, len(content), hashlib.sha256(content).hexdigest())


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What was asked for.

    Attributes:
        device: `desktop`, or `adb` for a phone.
        backend: the TFLite runtime.
        delegate: `default`: the runtime's own choice, which is XNNPACK where it is built in; on a phone `cpu` (the
            same), `gpu` or `npu`.
        threads: CPU threads.
        rule: how long, see `Rule`.
        runs: timed runs.
        warmup: untimed runs between the first and the timed ones.
        contestants: how many took turns with this one, itself included.
        seed: of the random input.
        scope: what was timed, see `Stage`; `invoke` is the inference alone, without filling inputs and fetching
            outputs (on a phone's GPU and NPU with fetching, because their drivers return before the work is done).
        photo_size: width and height of the photo in pixels, where `scope` needs one.
    """

    device: str
    backend: str
    delegate: str
    threads: int
    rule: str
    runs: int
    warmup: int
    contestants: int
    seed: int
    scope: str
    photo_size: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True)
class Figures:
    """What came out; times in ms.

    Attributes:
        load_ms: until the model is ready to run; importing the runtime is not in it.
        first_ms: the very first run.
        statistics, stability: of the timed runs.
        memory: None where it was not asked for or cannot be measured.
        latency_ms: the timed runs, in the order they ran.
    """

    load_ms: float
    first_ms: float
    statistics: LatencyStatistics
    stability: Stability
    memory: Memory | None
    latency_ms: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """One benchmark run.

    Attributes:
        created: UTC, ISO 8601 with seconds.
        phone: what only a phone has; None on the desktop. There `environment` is the phone's, but for the versions of
            Python and its packages.
        warnings: one line for each reason to distrust the figures; empty for a quiet run.
    """

    created: str
    model: ModelFacts
    configuration: Configuration
    figures: Figures
    environment: Environment
    phone: PhoneRun | None
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
        values = check_version(document, KIND)
        record: RunRecord = parse(cls, values, "record")
        figures = record.figures
        if len(figures.latency_ms) != record.configuration.runs:
            raise ValueError(f"{len(figures.latency_ms)} latencies for {record.configuration.runs} runs")
        if min(figures.load_ms, figures.first_ms, *figures.latency_ms) < 0:
            raise ValueError("a negative latency")
        if record.phone is not None and record.phone.emulated:
            raise ValueError("figures of an emulated phone, which mean nothing")
        if figures.statistics.p50_ms <= 0:
            raise ValueError(f"a median of {figures.statistics.p50_ms} ms")
        return record


def check_version(document: Any, kind: str) -> dict[str, Any]:
    """The keys of a run record of this version and kind, without these two.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(document, dict) or "schema_version" not in document:
        raise ValueError("no portraitlite run record; give a file that `portraitlite bench -o` wrote")
    values = dict(document)
    version, found = values.pop("schema_version"), values.pop("kind", None)
    if version != SCHEMA_VERSION:
        older = type(version) is int and version < SCHEMA_VERSION
        remedy = "measure again" if older else "update it"
        raise ValueError(f"schema version {version!r}; this portraitlite reads {SCHEMA_VERSION}: {remedy}")
    if found != kind:
        raise ValueError(f"a run record of kind {found!r}; {kind!r} is wanted")
    return values


def save_record(path: Path, record: RunRecord, *, force: bool = False) -> None:
    """Write `record` as JSON, whole or not at all.

    Raises:
        InputError: the file exists and `force` is off, or the folder cannot be written.
    """
    write_document(path, record.to_dict(), force=force)


def load_record(path: Path) -> RunRecord:
    """Read what `save_record` wrote.

    Raises:
        InputError: no such file, not a run record, of another version, or with NaN or infinite numbers.
    """
    return read_document(path, RunRecord.from_dict)


def write_document(path: Path, document: dict[str, Any], *, force: bool = False) -> None:
    """Write JSON whole or not at all; raises as `save_record`."""
    from portraitlite.runtime.save import write_atomically

    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode(), force=force)


def read_document(path: Path, build: Callable[[Any], Document]) -> Document:
    """What `build` makes of the JSON in a file; it raises ValueError for what it cannot use.

    Raises:
        InputError: as `load_record`.
    """
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise InputError(f"{path} is larger than {MAX_RECORD_BYTES >> 20} MiB; that is no run record")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a run record") from error
    try:
        return build(json.loads(content))
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON ({error}); give a run record") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} cannot be used: {' '.join(str(error).split())[:300]}") from error
