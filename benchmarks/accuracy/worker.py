"""What one process does: load the models once, then score unit after unit."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.sample import Sample, read_alpha, read_labels
from portraitlite.benchmarks.accuracy.score import (
    Prediction,
    Truth,
    matte_tally,
    predict,
    reference_tally,
    score_photo,
)
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.errors import PortraitLiteError
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter

__all__ = ["ModelTask", "Unit", "UnitResult", "WorkerTask", "open_worker"]

Float64 = npt.NDArray[np.float64]
Unit = tuple[Sample, ...]


@dataclasses.dataclass(frozen=True)
class ModelTask:
    """A model to score; `table` (n,) uint8 maps its classes to scored ones."""

    path: Path
    table: npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class WorkerTask:
    """All that a process needs; picklable.

    Attributes:
        models: to score; where `against` is set, the last one is the reference.
        against: compare every model with the last one.
        data_table: mask value -> scored index.
        classes, subject: number of scored classes, index of the subject.
        mattes: whether the data set has exact alphas.
        backend: TFLite runtime, threads of each process.
    """

    models: tuple[ModelTask, ...]
    against: bool
    data_table: npt.NDArray[np.uint8]
    classes: int
    subject: int | None
    mattes: bool
    backend: str | None
    threads: int


@dataclasses.dataclass(frozen=True)
class UnitResult:
    """Of one unit; the lists are by model.

    Attributes:
        key: of its first sample, or its clip.
        data_sha256: of the decoded photos and labels.
        tallies: sums by name.
        confusion: rows of [label, prediction, pixels], the zeros left out.
    """

    key: str
    data_sha256: str
    tallies: tuple[dict[str, Float64], ...]
    confusion: tuple[npt.NDArray[np.int64], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, exactly: floats keep all their digits."""
        return {
            "key": self.key,
            "data_sha256": self.data_sha256,
            "tallies": [{name: values.tolist() for name, values in tally.items()} for tally in self.tallies],
            "confusion": [rows.tolist() for rows in self.confusion],
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> UnitResult:
        """The inverse of `to_dict`."""
        return cls(
            document["key"],
            document["data_sha256"],
            tuple({name: np.array(v, np.float64) for name, v in tally.items()} for tally in document["tallies"]),
            tuple(np.array(rows, np.int64).reshape(-1, 3) for rows in document["confusion"]),
        )


def open_worker(task: WorkerTask) -> Callable[[Unit], UnitResult | str]:
    """Load the models; the function scores one unit, or returns why it cannot."""
    with native_stderr_silenced():
        segmenters = [Segmenter(one.path, threads=task.threads, backend=task.backend) for one in task.models]
    return functools.partial(_attempt, task, segmenters)


def _attempt(task: WorkerTask, segmenters: list[Segmenter], unit: Unit) -> UnitResult | str:
    try:
        return _score(task, segmenters, unit)
    except PortraitLiteError as error:
        reason = " ".join(str(error).split())
        return reason if unit[0].key in reason else f"{unit[0].key}: {reason}"
    except MemoryError:
        return f"{unit[0].key} does not fit into memory: use fewer --jobs"


def _score(task: WorkerTask, segmenters: list[Segmenter], unit: Unit) -> UnitResult:
    digest = hashlib.sha256()
    sums: list[dict[str, Float64]] = [{} for _ in segmenters]
    confusion = [np.zeros((task.classes, task.classes), np.int64) for _ in segmenters]
    before: list[tuple[Truth, Prediction]] = []
    for sample in unit:
        truth, pixels = _read(task, sample)
        for part in (pixels, truth.labels, truth.alpha):
            digest.update(b"" if part is None else str(part.shape).encode() + part.tobytes())
        found = [
            predict(segmenter(pixels), model.table, truth.subject, f"{model.path.name} on {sample.key}")
            for segmenter, model in zip(segmenters, task.models, strict=True)
        ]
        for i, one in enumerate(found):
            tally, matrix = score_photo(truth, one, task.classes)
            if task.mattes:
                tally["matte"] = matte_tally(truth, one, before[i] if before else None)
            if task.against and i + 1 < len(found):
                same = segmenters[i].metadata.labels == segmenters[-1].metadata.labels
                classes = len(segmenters[-1].metadata.labels) if same else task.classes
                tally["reference"] = reference_tally(one, found[-1], same_labels=same, classes=classes)
            for name, values in tally.items():
                sums[i][name] = sums[i][name] + values if name in sums[i] else values
            confusion[i] += matrix
        before = [(truth, one) for one in found]
    sparse = tuple(np.column_stack([*np.nonzero(matrix), matrix[matrix > 0]]) for matrix in confusion)
    return UnitResult(unit[0].unit, digest.hexdigest(), tuple(sums), sparse)


def _read(task: WorkerTask, sample: Sample) -> tuple[Truth, npt.NDArray[np.uint8]]:
    pixels = load_photo(sample.photo).pixels
    height, width = pixels.shape[:2]
    labels = read_labels(sample, height, width, task.data_table, task.subject or 0)
    return Truth(labels, task.subject, read_alpha(sample, height, width)), pixels
