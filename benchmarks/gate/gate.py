"""A model against a baseline. What cannot be judged is an error, never a pass."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.accuracy.datasets import Dataset, open_dataset
from portraitlite.benchmarks.accuracy.evaluate import evaluate
from portraitlite.benchmarks.accuracy.record import AccuracyRecord
from portraitlite.benchmarks.gate.baseline import Baseline, Data, Model, Update
from portraitlite.benchmarks.gate.figures import measure_figures, needs_float, new_limit, side_of
from portraitlite.runtime.bundled import BUNDLED, resolve_model
from portraitlite.runtime.errors import InputError

__all__ = ["DEFAULT_FIGURES", "Limit", "Options", "Verdict", "check_model", "update_baseline"]

DEFAULT_FIGURES = ("mean_iou", "subject_iou", "size_bytes", "delegate_coverage")

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Limit:
    """One figure: `side` is `minimum` or `maximum`, `limit` what is allowed, `value` what was measured."""

    figure: str
    side: str
    limit: float
    value: float

    @property
    def passed(self) -> bool:
        """Whether the value keeps to the limit."""
        return self.value >= self.limit if self.side == "minimum" else self.value <= self.limit

    def __str__(self) -> str:
        verb = "keeps" if self.passed else "breaks"
        return f"{self.figure} {self.value:.6g} {verb} the {self.side} {self.limit:.6g}"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """All limits of one model."""

    model: str
    sha256: str
    dataset: str
    limits: tuple[Limit, ...]

    @property
    def breaches(self) -> tuple[Limit, ...]:
        """Those that are broken."""
        return tuple(limit for limit in self.limits if not limit.passed)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        rows = [{**dataclasses.asdict(limit), "passed": limit.passed} for limit in self.limits]
        return {**dataclasses.asdict(self), "limits": rows, "passed": not self.breaches}


@dataclasses.dataclass(frozen=True)
class Options:
    """How to measure: processes, threads of each, runtime."""

    jobs: int | None = None
    threads: int = 1
    backend: str | None = None


def check_model(
    model: str | Path,
    baseline: Baseline,
    folder: Path,
    options: Options,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> Verdict:
    """Measure what the baseline limits and compare.

    Args:
        model: file or bundled name.
        baseline: from `read_baseline`.
        folder: what its paths are relative to.

    Raises:
        InputError: the data are not those of the baseline, the model has other labels, a figure is missing or NaN.
    """
    data = baseline.data
    dataset = _open(data, folder)
    if dataset.samples != data.photos:
        raise InputError(
            f"{data.dataset} has {dataset.samples} photos, the baseline {data.photos}; mend it, or --update it"
        )
    wanted = {**baseline.minimum, **baseline.maximum}
    if both := sorted(baseline.minimum.keys() & baseline.maximum.keys()):
        raise InputError(f"the baseline has a minimum and a maximum of {both[0]}; keep one")
    record, values = _measure(model, dataset, tuple(wanted), baseline.model, folder, options, progress)
    if record.dataset.data_sha256 != data.sha256:
        raise InputError(f"the photos or labels of {data.dataset} are not those of the baseline; mend or --update it")
    if record.models[0].labels != baseline.model.labels:
        raise InputError(
            f"{record.models[0].model.name} has the labels {', '.join(record.models[0].labels)}, the baseline "
            f"{', '.join(baseline.model.labels)}; give the model that it is meant for"
        )
    sides = [("minimum", baseline.minimum), ("maximum", baseline.maximum)]
    # A maximum of an IoU would pass whatever is broken.
    if wrong := [(side, name) for side, rows in sides for name in rows if side != side_of(name)]:
        raise InputError(
            f"the baseline has a {wrong[0][0]} of {wrong[0][1]}, which only a {side_of(wrong[0][1])} can guard; mend it"
        )
    limits = tuple(Limit(name, side, limit, values[name]) for side, rows in sides for name, limit in rows.items())
    return Verdict(record.models[0].model.name, record.models[0].model.sha256, record.dataset.name, limits)


def update_baseline(
    model: str | Path,
    old: Baseline,
    folder: Path,
    reason: str,
    options: Options,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> Baseline:
    """The baseline with limits from this model, for the figures that `old` limits; `reason` goes into its history.

    Raises:
        InputError: no reason, or as `check_model` but for changed data, labels and values.
    """
    if not (said := " ".join(reason.split())):
        raise InputError("--update needs --reason TEXT: whoever reads the baseline later asks why it changed")
    names = tuple({**old.minimum, **old.maximum})
    record, values = _measure(model, _open(old.data, folder), names, old.model, folder, options, progress)
    limits: dict[str, dict[str, float]] = {"minimum": {}, "maximum": {}}
    for name, value in values.items():
        side, limit = new_limit(name, value)
        limits[side][name] = limit
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Baseline(
        dataclasses.replace(old.data, photos=record.dataset.photos, sha256=record.dataset.data_sha256),
        dataclasses.replace(old.model, labels=record.models[0].labels),
        limits["minimum"],
        limits["maximum"],
        (*old.history, Update(today, said, record.models[0].model.sha256)),
    )


def _open(data: Data, folder: Path) -> Dataset:
    kind, colon, path = data.dataset.partition(":")
    text = f"{kind}:{folder / path}" if colon else kind
    given = data.label_map
    label_map = str(folder / given) if given.endswith(".toml") else given or None
    return open_dataset(text, split=data.split or None, label_map=label_map, subject=data.subject or None)


def _measure(
    model: str | Path,
    dataset: Dataset,
    names: tuple[str, ...],
    compared: Model,
    folder: Path,
    options: Options,
    progress: Progress,
) -> tuple[AccuracyRecord, dict[str, float]]:
    original = _file(compared.float, folder)
    if original is None and needs_float(names):
        raise InputError("the baseline compares with a float file and names none; name it under [model]")
    record = evaluate(
        [model],
        dataset,
        against=original if needs_float(names) else None,
        jobs=options.jobs,
        threads=options.threads,
        backend=options.backend,
        progress=progress,
    )
    reference = _file(compared.reference, folder)
    path = resolve_model(model)
    values = measure_figures(names, path, record, reference=reference, threads=options.threads, backend=options.backend)
    if broken := [name for name, value in values.items() if not math.isfinite(value)]:
        raise InputError(f"{broken[0]} is not a finite number; the check cannot judge it")
    return record, values


def _file(name: str, folder: Path) -> Path | None:
    if not name:
        return None
    return resolve_model(name if name in BUNDLED else folder / name)
