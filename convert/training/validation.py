"""The photos that are never trained on, and how well a network cuts them out.

The list is a TOML file of `[[lists]]`: the keys of a folder or VOC data set, and `files`, names without folders.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.metrics.confusion import confusion_matrix
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.convert.training.config import DatasetKind
from portraitlite.convert.training.datasets import UNKNOWN, Sample, read_labels, read_photo
from portraitlite.runtime.errors import InputError

__all__ = ["Counts", "ValidationList", "evaluate", "read_validation", "validation_samples"]

MAX_LIST_BYTES = 8 << 20

# Probabilities (H, W, C) float32 of one photo (H, W, 3) uint8 at photo size.
Predict = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class ValidationList:
    """Photos of one folder.

    Attributes:
        name: in logs.
        kind: `folder` or `voc`.
        images, masks: folders, relative to the data folder.
        files: photo names.
    """

    name: str
    kind: DatasetKind
    images: str
    masks: str
    files: tuple[str, ...]

    @property
    def keys(self) -> set[str]:
        """As in `Sample.key`."""
        return {f"{self.images}/{name}" for name in self.files}


@dataclasses.dataclass
class Counts:
    """Pixels of one list, added up.

    Attributes:
        inter, union: of the subject, prediction and label.
        found: predicted as subject.
        pixels: with a label.
        confusion: (C, C), label by prediction; only of VOC lists.
    """

    classes: int
    inter: int = 0
    union: int = 0
    found: int = 0
    pixels: int = 0

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.classes, self.classes), np.int64)


def read_validation(path: Path) -> tuple[ValidationList, ...]:
    """Read a list file.

    Raises:
        InputError: unreadable, or not such a list.
    """
    try:
        rows = tomllib.loads(read_bounded(path, MAX_LIST_BYTES).decode("utf-8"))["lists"]
        lists = tuple(
            ValidationList(row["name"], DatasetKind(row["kind"]), row["images"], row["masks"], tuple(row["files"]))
            for row in rows
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a validation list ({type(error).__name__}: {error}); see `validation.py`"
        ) from error
    for one in lists:
        if one.kind not in (DatasetKind.FOLDER, DatasetKind.VOC) or not one.files:
            raise InputError(f"{path.name}: the list {one.name} must be of kind folder or voc and name some files")
    return lists


def validation_samples(one: ValidationList, root: Path, limit: int | None = None) -> list[Sample]:
    """Samples of a list; `limit` takes so many, evenly spread.

    Raises:
        InputError: a photo or mask is missing.
    """
    names = one.files
    if limit is not None and limit < len(names):
        names = tuple(names[i * len(names) // limit] for i in range(limit))
    samples = []
    for name in names:
        photo, mask = root / one.images / name, root / one.masks / f"{Path(name).stem}.png"
        if not photo.is_file() or not mask.is_file():
            raise InputError(f"{one.images}/{name} or its mask is missing; the validation list {one.name} needs it")
        samples.append(Sample(f"{one.images}/{name}", photo, one.kind, mask))
    return samples


def count(samples: Sequence[Sample], predict: Predict, classes: int, subject: int) -> Counts:
    """Run a network over samples."""
    counts = Counts(classes)
    for sample in samples:
        photo = read_photo(sample)
        labels = read_labels(sample, photo.shape[0], photo.shape[1], classes, subject)
        probabilities = predict(photo)
        # Against all others together, as portrait mode uses it; the most probable class can have less than 1/2.
        found, is_subject, known = probabilities[..., subject] > 0.5, labels == subject, labels != UNKNOWN
        counts.inter += int((found & is_subject & known).sum())
        counts.union += int(((found | is_subject) & known).sum())
        counts.found += int((found & known).sum())
        counts.pixels += int(known.sum())
        if sample.kind is DatasetKind.VOC:
            counts.confusion += confusion_matrix(labels, probabilities.argmax(axis=2).astype(np.uint8), classes)
    return counts


def evaluate(
    lists: Sequence[ValidationList],
    root: Path,
    predict: Predict,
    classes: int,
    subject: int,
    *,
    limit: int | None = None,
    splits: Sequence[tuple[int, int]] = (),
) -> dict[str, Any]:
    """Scores by list name: `subject_iou` where it shows subjects, else `false_subject` (part of the pixels found).

    Over all VOC lists together: `mean_iou` of the classes that are labelled or found there.

    Args:
        lists: what to score.
        root: of the data.
        predict: the network.
        classes, subject: as in the config.
        limit: at most so many photos a list.
        splits: (new, old) classes: the labels know only the old one, so both count as that.
    """
    scores: dict[str, Any] = {}
    confusion = np.zeros((classes, classes), np.int64)
    for one in lists:
        counts = count(validation_samples(one, root, limit), predict, classes, subject)
        shows_subject = counts.union > counts.found or counts.inter > 0
        scores[one.name] = (
            {"subject_iou": counts.inter / counts.union}
            if shows_subject
            else {"false_subject": counts.found / counts.pixels}
        )
        confusion += counts.confusion
    if confusion.any():
        for new, old in splits:
            confusion[:, old] += confusion[:, new]
            confusion[:, new] = 0
        true, union = np.diag(confusion), confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
        scores["all"] = {"mean_iou": float((true[union > 0] / union[union > 0]).mean())}
    return scores
