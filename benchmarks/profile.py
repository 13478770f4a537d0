"""Time of a model by op and by layer, with what runs inside XNNPACK shown as such."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.child import ChildError, run_child
from portraitlite.benchmarks.graph_nodes import Nodes, read_nodes
from portraitlite.benchmarks.layer_alignment import align
from portraitlite.benchmarks.litert_profiler import DELEGATE_OPERATOR, LEAST_VERSION
from portraitlite.benchmarks.record import SCHEMA_VERSION
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["KIND", "KindTotal", "OpTime", "Profile", "build_profile", "profile_model"]

KIND = "profile"
MAX_DISAGREEMENT = 0.05  # of the ops together from a run without the profiler
TIME_LIMIT_S = 1800
SEED = 0
REFERENCE, XNNPACK = "CPU kernels", "XNNPACK"
Row = tuple[str, int, int, int]  # name, event type, index, microseconds


@dataclasses.dataclass(frozen=True)
class OpTime:
    """One op, or one operator inside XNNPACK, in the order they ran.

    Attributes:
        op: the file's name of an op that runs alone (`SOFTMAX`), XNNPACK's of one inside it.
        partition: number of the delegated partition; None where no delegate runs it.
        layer_index, layer: position in the file and name of what it writes; None where XNNPACK's list could not be
            matched with the file's.
        mean_ms: over the quieter half of the runs, those that took least as a whole.
    """

    op: str
    partition: int | None
    layer_index: int | None
    layer: str | None
    mean_ms: float


@dataclasses.dataclass(frozen=True)
class KindTotal:
    """All ops of a name on the same processor; `total_ms` is the sum of their means."""

    kind: str
    runs_on: str
    count: int
    total_ms: float


@dataclasses.dataclass(frozen=True)
class Profile:
    """Times in ms, means over the quieter half of the runs: a sum of medians would not be that of the whole.

    Attributes:
        model_name, runs, threads, runtime_version: what ran.
        partitions: how many the delegate made.
        plain_ms: a run without the profiler, in turns with those with it.
        invoke_ms: a run with it, as it sees the inference.
        ops_ms: sum of `ops`.
        ops: in the order they ran.
        warnings: one line for each reason to distrust this.
    """

    model_name: str
    runs: int
    threads: int
    runtime_version: str
    partitions: int
    plain_ms: float
    invoke_ms: float
    ops_ms: float
    ops: tuple[OpTime, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "kind": KIND, **dataclasses.asdict(self)}

    def share(self, time_ms: float) -> float:
        """Of the ops together; 0 where all took less than the profiler's microsecond."""
        return time_ms / self.ops_ms if self.ops_ms else 0.0

    def by_kind(self) -> list[KindTotal]:
        """Dearest first."""
        groups: dict[tuple[str, str], list[float]] = {}
        for op in self.ops:
            runs_on = REFERENCE if op.partition is None else f"{XNNPACK} {op.partition}"
            groups.setdefault((op.op, runs_on), []).append(op.mean_ms)
        totals = [KindTotal(kind, where, len(times), sum(times)) for (kind, where), times in groups.items()]
        return sorted(totals, key=lambda total: -total.total_ms)


def profile_model(model: str | Path, *, runs: int = 50, warmup: int = 5, threads: int = 1) -> Profile:
    """Measure in a process of its own.

    Args:
        model: bundled name or path.
        runs, warmup: profiled runs, and those before them; as many plain runs take turns with them.
        threads: CPU threads.

    Raises:
        InputError: the file cannot be loaded or run, or brings the profiler down.
        MissingDependencyError: ai-edge-litert is missing or too old.
    """
    version = _check_version()
    path = resolve_model(model)
    arguments = ["-m", "portraitlite.benchmarks.litert_profiler", str(path.resolve())]
    try:
        answer = run_child([*arguments, *map(str, (runs, warmup, threads, SEED))], limit_s=TIME_LIMIT_S)
    except ChildError as error:
        raise InputError(
            f"{path.name} cannot be profiled with ai-edge-litert {version} ({error}); "
            f"give fewer --runs or leave --profile out"
        ) from error
    return build_profile(path.name, read_nodes(path.read_bytes()), answer, threads)


def build_profile(name: str, nodes: Nodes, answer: dict[str, Any], threads: int) -> Profile:
    """What the profiler's process said, put together.

    Args:
        name: of the file.
        nodes: its ops.
        answer: `version`, `plain_ms` and `runs` with `invoke_us` and rows (name, event type, index, microseconds).
        threads: CPU threads.

    Raises:
        InputError: the runs do not list the same ops.
    """
    runs: list[list[Row]] = [[tuple(row) for row in run["ops"]] for run in answer["runs"]]
    first = runs[0]
    if any([row[:3] for row in run] != [row[:3] for row in first] for run in runs) or not first:
        raise InputError(f"the profiler lists other ops of {name} from run to run; its buffer may be too small")
    quiet = _quieter_half([float(run["invoke_us"]) for run in answer["runs"]])
    means_ms = [statistics.fmean(runs[k][i][3] for k in quiet) / 1e3 for i in range(len(first))]
    warnings = []
    ops: list[OpTime] = []
    for partition, part in _parts(first):
        rows = [first[i] for i in part]
        if partition is None:
            layers = [_layer(nodes, row[2]) for row in rows]
        else:
            members = [op for op in nodes.ops if op.partition == partition]
            aligned = align(members, [row[0] for row in rows])
            if aligned is None:
                warnings.append(f"the operators of partition {partition} cannot be matched with the file's layers")
            layers = [(None, None)] * len(rows) if aligned is None else [_layer(nodes, op.index) for op in aligned]
        ops += [
            OpTime(row[0], partition, index, layer, means_ms[i])
            for i, row, (index, layer) in zip(part, rows, layers, strict=True)
        ]
    plain = answer["plain_ms"]
    ops_ms, plain_ms = sum(op.mean_ms for op in ops), statistics.fmean(plain[k] for k in _quieter_half(plain))
    if abs(ops_ms / plain_ms - 1) > MAX_DISAGREEMENT:
        warnings.append(
            f"the ops together take {ops_ms:.2f} ms, a run without the profiler {plain_ms:.2f} ms: "
            f"more than {100 * MAX_DISAGREEMENT:.0f} % apart; measure again on a quiet machine"
        )
    return Profile(
        model_name=name,
        runs=len(runs),
        threads=threads,
        runtime_version=answer["version"],
        partitions=nodes.partitions,
        plain_ms=plain_ms,
        invoke_ms=statistics.fmean(answer["runs"][k]["invoke_us"] for k in quiet) / 1e3,
        ops_ms=ops_ms,
        ops=tuple(ops),
        warnings=tuple(warnings),
    )


def _quieter_half(times: Sequence[float]) -> list[int]:
    """Positions of the smaller half."""
    return sorted(range(len(times)), key=lambda i: times[i])[: (len(times) + 1) // 2]


def _parts(rows: Sequence[Row]) -> list[tuple[int | None, list[int]]]:
    """Positions of ops that run alone, one by one, and of each partition's operators together.

    A partition's operators are numbered from 0, and others may run before the next partition.
    """
    parts: list[tuple[int | None, list[int]]] = []
    number = -1
    for i, (_, kind, index, _) in enumerate(rows):
        if kind != DELEGATE_OPERATOR:
            parts.append((None, [i]))
        elif parts and parts[-1][0] is not None and index > rows[i - 1][2]:
            parts[-1][1].append(i)
        else:
            number += 1
            parts.append((number, [i]))
    return parts


def _layer(nodes: Nodes, index: int) -> tuple[int, str] | tuple[None, None]:
    return (index, nodes.name(nodes.ops[index])) if index < len(nodes.ops) else (None, None)


def _check_version() -> str:
    try:
        version = metadata.version("ai-edge-litert")
    except metadata.PackageNotFoundError as error:
        raise MissingDependencyError("--profile needs ai-edge-litert; pip install ai-edge-litert") from error
    if tuple(int(part) for part in itertools.islice(version.split("."), 2)) < LEAST_VERSION:
        wanted = ".".join(map(str, LEAST_VERSION))
        raise MissingDependencyError(
            f"--profile needs ai-edge-litert {wanted}, not {version}; pip install 'ai-edge-litert>={wanted}'"
        )
    return version
