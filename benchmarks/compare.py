"""Two benchmark runs against each other: is a difference larger than what the machine does by itself?"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any

from portraitlite.benchmarks.record import RunRecord
from portraitlite.benchmarks.run_set import RunSet
from portraitlite.runtime.errors import InputError

__all__ = ["Comparison", "Pair", "Verdict", "compare_runs", "noise_band"]

ENVIRONMENT = (
    *("os", "architecture", "cpu_model", "cpu_features", "cpu_count", "cpu_affinity", "cpu_governor"),
    *("memory_total_bytes", "backend_version"),
)
CONFIGURATION = ("device", "backend", "delegate", "threads", "scope", "photo_size")


class Verdict(enum.StrEnum):
    """What B is, compared with A."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "within the band"


@dataclasses.dataclass(frozen=True)
class Pair:
    """One record of each run.

    Attributes:
        a, b: model names.
        same_model: whether both ran the same bytes.
        threads, scope: of both.
        a_p50_ms, b_p50_ms: medians.
        ratio: b / a.
        band_ratio: what two runs of the same model may differ by in 9 of 10 cases, from how steady these two were.
        verdict: `ratio` against the band.
    """

    a: str
    b: str
    same_model: bool
    threads: int
    scope: str
    a_p50_ms: float
    b_p50_ms: float
    ratio: float
    band_ratio: float
    verdict: Verdict


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All pairs.

    Attributes:
        pairs: in the order of A.
        differences: what is not the same in the two environments, one line each.
        warnings: reasons to distrust either run.
    """

    pairs: tuple[Pair, ...]
    differences: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def slower(self) -> bool:
        """Whether any pair got slower by more than its band."""
        return any(pair.verdict is Verdict.SLOWER for pair in self.pairs)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "slower": self.slower}


def compare_runs(a: RunSet, b: RunSet, *, other_environment: bool = False) -> Comparison:
    """Compare B with A, record by record.

    Runs of one record each are compared whatever the models are called; of more, those of the same name, threads and
    stage.

    Args:
        a, b: the runs.
        other_environment: allow runs of different machines, runtimes or settings.

    Raises:
        InputError: nothing to compare, or another environment without being allowed.
    """
    if len(a.records) == len(b.records) == 1:
        matched = [(a.records[0], b.records[0])]
    else:
        others: dict[tuple[str, int, str], list[RunRecord]] = {}
        for record in b.records:
            others.setdefault(_key(record), []).append(record)
        # Files of one name from several folders: the first with the first.
        matched = [(record, same.pop(0)) for record in a.records if (same := others.get(_key(record)))]
    if not matched:
        raise InputError("the two runs have no model with the same name, threads and stage; compare runs of the same")
    differences = tuple(dict.fromkeys(line for pair in matched for line in _differences(*pair)))
    if differences and not other_environment:
        raise InputError(
            f"the runs cannot be compared: {'; '.join(differences)[:300]}; measure both the same way, or give "
            f"--other-environment"
        )
    warnings = [
        f"{side}: {warning}"
        for side, run in (("A", a), ("B", b))
        for record in run.records
        for warning in record.warnings
    ]
    return Comparison(tuple(_pair(*records) for records in matched), differences, tuple(dict.fromkeys(warnings)))


def noise_band(a: RunRecord, b: RunRecord) -> float:
    """Share by which the medians of two runs as steady as these differ in 9 of 10 cases although nothing changed."""
    bands = a.figures.stability.band_ratio, b.figures.stability.band_ratio
    return math.hypot(*bands) / math.sqrt(2)  # each stands for two equal runs


def _pair(a: RunRecord, b: RunRecord) -> Pair:
    a_ms, b_ms = a.figures.statistics.p50_ms, b.figures.statistics.p50_ms
    ratio, band = b_ms / a_ms, noise_band(a, b)
    # Symmetric: B against A says the opposite of A against B.
    verdict = Verdict.SAME
    if abs(math.log(ratio)) > math.log1p(band):
        verdict = Verdict.SLOWER if ratio > 1 else Verdict.FASTER
    return Pair(
        a=a.model.name,
        b=b.model.name,
        same_model=a.model.sha256 == b.model.sha256,
        threads=a.configuration.threads,
        scope=a.configuration.scope,
        a_p50_ms=a_ms,
        b_p50_ms=b_ms,
        ratio=ratio,
        band_ratio=band,
        verdict=verdict,
    )


def _key(record: RunRecord) -> tuple[str, int, str]:
    return record.model.name, record.configuration.threads, record.configuration.scope


def _differences(a: RunRecord, b: RunRecord) -> list[str]:
    return [
        f"{name} {getattr(left, name)} and {getattr(right, name)}"
        for left, right, names in (
            (a.environment, b.environment, ENVIRONMENT),
            (a.configuration, b.configuration, CONFIGURATION),
        )
        for name in names
        if getattr(left, name) != getattr(right, name)
    ]
