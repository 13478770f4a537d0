"""The accuracy record: the JSON document of one evaluation, a run record of kind `accuracy`.

Its schema lies in `../schema/accuracy_record.schema.json`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.accuracy.bootstrap import Interval
from portraitlite.benchmarks.accuracy.label_map import MAX_CLASSES
from portraitlite.benchmarks.parsing import parse
from portraitlite.benchmarks.record import ModelFacts, read_document
from portraitlite.runtime.save import write_atomically

__all__ = [
    "KIND",
    "SCHEMA_VERSION",
    "AccuracyRecord",
    "DatasetFacts",
    "ModelScores",
    "PhotoScore",
    "load_accuracy",
    "save_accuracy",
]

SCHEMA_VERSION = 1
KIND = "accuracy"


@dataclasses.dataclass(frozen=True)
class DatasetFacts:
    """What the models were scored on.

    Attributes:
        name: KIND:FOLDER.
        split: empty where there is only one.
        photos, units: number of photos, and of what is resampled (photos, clips).
        labels: scored classes by index.
        subject: scored class of the subject figures, or None.
        data_sha256: of all decoded photos and labels, in order.
    """

    name: str
    split: str
    photos: int
    units: int
    labels: tuple[str, ...]
    subject: str | None
    data_sha256: str


@dataclasses.dataclass(frozen=True)
class PhotoScore:
    """One unit; figures by name, as in `METRICS`, where defined."""

    key: str
    figures: dict[str, float]


@dataclasses.dataclass(frozen=True)
class ModelScores:
    """One model.

    Attributes:
        model: the file.
        labels: its own classes.
        figures: metric -> value with 95 % interval over photos, where defined.
        per_class: metric -> scored class -> value; absent classes are left out.
        confusion: pixels, label by prediction.
        differences: metric -> this model minus the reference, paired interval; empty without a reference.
        photos: in the order of the data set.
    """

    model: ModelFacts
    labels: tuple[str, ...]
    figures: dict[str, Interval]
    per_class: dict[str, dict[str, float]]
    confusion: tuple[tuple[int, ...], ...]
    differences: dict[str, Interval]
    photos: tuple[PhotoScore, ...]


@dataclasses.dataclass(frozen=True)
class AccuracyRecord:
    """One evaluation.

    Attributes:
        created: UTC, ISO 8601 with seconds.
        version: of portraitlite.
        backend: TFLite runtime and its version.
        dataset: what was looked at.
        models: in the order given.
        reference: the float model of `--against`, or None.
    """

    created: str
    version: str
    backend: str
    dataset: DatasetFacts
    models: tuple[ModelScores, ...]
    reference: ModelScores | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"schema_version": SCHEMA_VERSION, "kind": KIND, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, document: Any) -> AccuracyRecord:
        """The inverse of `to_dict`, also after a trip through JSON.

        Raises:
            ValueError: not an accuracy record of this version, or one that contradicts itself.
        """
        if not isinstance(document, dict) or document.get("kind") != KIND:
            raise ValueError("no accuracy record; give a file that `portraitlite evaluate -o` wrote")
        values = {name: value for name, value in document.items() if name not in ("schema_version", "kind")}
        if (version := document.get("schema_version")) != SCHEMA_VERSION:
            raise ValueError(f"schema version {version!r}; this portraitlite reads {SCHEMA_VERSION}: update it")
        record: AccuracyRecord = parse(cls, values, "record")
        _check(record)
        return record


def _check(record: AccuracyRecord) -> None:
    """What types do not say."""
    data = record.dataset
    if not 2 <= len(set(data.labels)) == len(data.labels) <= MAX_CLASSES:
        raise ValueError(f"{len(data.labels)} scored classes, expected 2 to {MAX_CLASSES} different ones")
    if data.subject is not None and data.subject not in data.labels:
        raise ValueError(f"a subject {data.subject!r} that is not scored")
    if not 1 <= data.units <= data.photos:
        raise ValueError(f"{data.units} units of {data.photos} photos")
    if not record.models:
        raise ValueError("no model")
    for scores in (*record.models, *([record.reference] if record.reference else [])):
        name = scores.model.name
        if any(len(row) != len(data.labels) for row in (scores.confusion, *scores.confusion)):
            raise ValueError(f"the confusion of {name} is not {len(data.labels)} by {len(data.labels)}")
        if any(not 0 <= pixels < 1 << 63 for row in scores.confusion for pixels in row):
            raise ValueError(f"the confusion of {name} holds what is no number of pixels")
        if len(scores.photos) != data.units:
            raise ValueError(f"{len(scores.photos)} photos of {name} for {data.units} units")
        if wrong := [key for row in scores.per_class.values() for key in row if key not in data.labels]:
            raise ValueError(f"{name} has a figure of {wrong[0]!r}, which is not scored")
        if any(one.low > one.high for one in (*scores.figures.values(), *scores.differences.values())):
            raise ValueError(f"{name} has an interval whose ends are exchanged")


def save_accuracy(path: Path, record: AccuracyRecord, *, force: bool = False) -> None:
    """Write `record` as JSON, whole or not at all.

    Raises:
        InputError: the file exists and `force` is off, or the folder cannot be written.
    """
    text = json.dumps(record.to_dict(), ensure_ascii=False, allow_nan=False)
    # A file name that is no text has half characters; with a backslash they are JSON, and come back the same.
    write_atomically(path, f"{text}\n".encode(errors="backslashreplace"), force=force)


def load_accuracy(path: Path) -> AccuracyRecord:
    """Read what `save_accuracy` wrote.

    Raises:
        InputError: no such file, or not such a record.
    """
    return read_document(path, AccuracyRecord.from_dict)
