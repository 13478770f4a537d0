"""Several models on one data set, side by side: the same photos, the same resamples."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import portraitlite
from portraitlite.benchmarks.accuracy.bootstrap import Totals, bootstrap_totals, difference_interval, interval
from portraitlite.benchmarks.accuracy.datasets import Dataset
from portraitlite.benchmarks.accuracy.engine import Engine, score_units
from portraitlite.benchmarks.accuracy.figures import METRICS, PER_CLASS, Tally
from portraitlite.benchmarks.accuracy.record import AccuracyRecord, DatasetFacts, ModelScores, PhotoScore
from portraitlite.benchmarks.accuracy.shards import appending, read_shard
from portraitlite.benchmarks.accuracy.worker import ModelTask, UnitResult, WorkerTask
from portraitlite.benchmarks.record import ModelFacts
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.segmenter import Segmenter

__all__ = ["PHOTO_FIGURES", "evaluate"]

PHOTO_FIGURES = ("pixel_accuracy", "subject_iou", "boundary_iou", "agreement", "mean_iou_to_reference")


def evaluate(
    models: Sequence[str | Path],
    dataset: Dataset,
    *,
    against: str | Path | None = None,
    engine: Engine = Engine.LOCAL,
    jobs: int | None = None,
    threads: int = 1,
    backend: str | None = None,
    shard: Path | None = None,
    resume: bool = False,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> AccuracyRecord:
    """Score models. The figures do not depend on `engine` or `jobs`, nor on whether the run was interrupted.

    Args:
        models: bundled names or `.tflite` files, at least one.
        dataset: from `open_dataset`.
        against: the original of quantized files: agreement, and differences with paired intervals.
        engine: where the photos are scored.
        jobs: processes with an interpreter each; None takes one for each CPU.
        threads: CPU threads of each process.
        backend: TFLite runtime.
        shard: file that collects results while this runs; removed at the end.
        resume: go on from `shard`.
        progress: called with ("photos", done, total).

    Raises:
        InputError: a model or photo cannot be used, or a class has no place.
        MissingDependencyError: no runtime, or no ray.
    """
    paths = [resolve_model(model) for model in models]
    if against is not None:
        paths.append(resolve_model(against))
    facts, tasks, labels, backend_name = _describe(paths, dataset, backend, threads)
    task = WorkerTask(
        tuple(tasks),
        against is not None,
        dataset.table,
        len(dataset.labels),
        dataset.subject,
        any(sample.alpha is not None for unit in dataset.units for sample in unit),
        backend,
        threads,
    )
    header = _header(facts, dataset, task, backend_name)
    results = read_shard(shard, header) if shard is not None and resume else {}
    waiting = [unit for unit in dataset.units if unit[0].unit not in results]
    total = len(dataset.units)
    with contextlib.ExitStack() as stack:
        add: Callable[[UnitResult], None] = lambda result: None  # noqa: E731
        if shard is not None:
            add = stack.enter_context(appending(shard, header, resumed=bool(results)))
        progress("photos", len(results), total)
        for result in score_units(task, waiting, engine, jobs):
            results[result.key] = result
            add(result)
            progress("photos", len(results), total)
    ordered = [results[unit[0].unit] for unit in dataset.units]
    totals = [bootstrap_totals([result.tallies[i] for result in ordered]) for i in range(len(paths))]
    scores = [
        _scores(facts[i], labels[i], dataset, ordered, i, totals[i], totals[-1] if against is not None else None)
        for i in range(len(paths))
    ]
    digest = hashlib.sha256("".join(result.data_sha256 for result in ordered).encode()).hexdigest()
    subject = None if dataset.subject is None else dataset.labels[dataset.subject]
    record = AccuracyRecord(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        version=portraitlite.__version__,
        backend=backend_name,
        dataset=DatasetFacts(dataset.name, dataset.split, dataset.samples, total, dataset.labels, subject, digest),
        models=tuple(scores if against is None else scores[:-1]),
        reference=None if against is None else scores[-1],
    )
    if shard is not None:
        shard.unlink(missing_ok=True)
    return record


def _describe(
    paths: list[Path], dataset: Dataset, backend: str | None, threads: int
) -> tuple[list[ModelFacts], list[ModelTask], list[tuple[str, ...]], str]:
    """Open every model once here, so that what cannot be scored is refused before any photo is."""
    facts, tasks, labels, backend_name = [], [], [], ""
    for path in paths:
        segmenter = Segmenter(path, backend=backend, threads=threads)
        facts.append(ModelFacts(path.name, path.stat().st_size, segmenter.sha256))
        labels.append(segmenter.metadata.labels)
        tasks.append(ModelTask(path, dataset.label_map.model_table(segmenter.metadata.labels, path.name)))
        backend_name = segmenter.backend
    return facts, tasks, labels, backend_name


def _header(facts: list[ModelFacts], dataset: Dataset, task: WorkerTask, backend: str) -> dict[str, object]:
    """What a shard is valid for; files count by name and size."""
    digest = hashlib.sha256()
    for unit in dataset.units:
        for sample in unit:
            digest.update(
                f"{sample.key} {sample.photo.stat().st_size} {sample.instances}".encode(errors="backslashreplace")
            )
            for path in (sample.mask, sample.alpha):
                digest.update(f"{path.stat().st_size if path else None}".encode())
    for one in task.models:
        digest.update(one.table.tobytes())
    digest.update(task.data_table.tobytes())
    return {
        "kind": "evaluation shard",
        "version": portraitlite.__version__,
        "backend": backend,
        "models": [one.sha256 for one in facts],
        "against": task.against,
        "threads": task.threads,
        "labels": list(dataset.labels),
        "subject": task.subject,
        "data": digest.hexdigest(),
    }


def _scores(
    facts: ModelFacts,
    labels: tuple[str, ...],
    dataset: Dataset,
    results: list[UnitResult],
    index: int,
    totals: Totals,
    reference: Totals | None,
) -> ModelScores:
    classes = len(dataset.labels)
    confusion: npt.NDArray[np.int64] = np.zeros((classes, classes), np.int64)
    for result in results:
        rows = result.confusion[index]
        confusion[rows[:, 0], rows[:, 1]] += rows[:, 2]
    if not confusion.any():
        raise InputError(f"no pixel of {dataset.name} has a scored label; check the masks and the --label-map")
    per_class: dict[str, dict[str, float]] = {}
    for name, (key, formula) in PER_CLASS.items():
        parts, wholes = formula(totals.all[key])
        per_class[name] = {dataset.labels[i]: float(parts[i] / wholes[i]) for i in np.flatnonzero(wholes > 0).tolist()}
    found = {name: value for name in METRICS if (value := interval(totals, name)) is not None}
    differences = {}
    if reference is not None and reference is not totals:
        pairs = ((name, difference_interval(totals, reference, name)) for name in METRICS)
        differences = {name: value for name, value in pairs if value is not None}
    photos = tuple(PhotoScore(result.key, _photo_figures(result.tallies[index])) for result in results)
    return ModelScores(facts, labels, found, per_class, tuple(map(tuple, confusion.tolist())), differences, photos)


def _photo_figures(tally: Tally) -> dict[str, float]:
    rows = ((name, *METRICS[name]) for name in PHOTO_FIGURES)
    values = {name: float(formula(tally)) for name, key, formula in rows if key in tally}
    return {name: value for name, value in values.items() if np.isfinite(value)}
