"""Data sets by name: which samples, which classes count, what is left out."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy import layouts
from portraitlite.benchmarks.accuracy.cityscapes import LABEL_IDS, label_id_table
from portraitlite.benchmarks.accuracy.label_map import IGNORE, IGNORED, REST, LabelMap, read_label_map
from portraitlite.benchmarks.accuracy.sample import Sample
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.labels import label_set

__all__ = ["REGRESSION_FOLDER", "Dataset", "DatasetKind", "open_dataset"]

REGRESSION_FOLDER = Path(__file__).parents[1] / "regression"


class DatasetKind(enum.StrEnum):
    """How a data set is stored; see `layouts`. `regression` comes with portraitlite and is no measure of accuracy."""

    VOC = "voc"
    COCO = "coco"
    ADE20K = "ade20k"
    CITYSCAPES = "cityscapes"
    FOLDER = "folder"
    ALPHA = "alpha"
    REGRESSION = "regression"


SPLITS = {
    DatasetKind.VOC: "val",
    DatasetKind.COCO: "val2017",
    DatasetKind.ADE20K: "validation",
    DatasetKind.CITYSCAPES: "val",
}
# The official evaluation ignores 255 everywhere but on ADE20K, whose 0 is what nobody labelled.
IGNORED_VALUE = {DatasetKind.ADE20K: 0, DatasetKind.FOLDER: None, DatasetKind.REGRESSION: None, DatasetKind.ALPHA: None}
SUBJECT, BACKGROUND = "person", "background"


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Samples and how they are scored.

    Attributes:
        name: KIND:PATH as given, the path without its folders.
        kind: layout.
        split: part of it; empty where there is only one.
        label_map: what counts as what.
        table: (256,) uint8, mask value -> scored index.
        subject: scored index of the subject, or None.
        units: samples that are scored together: a photo each, or a clip.
    """

    name: str
    kind: DatasetKind
    split: str
    label_map: LabelMap
    table: npt.NDArray[np.uint8]
    subject: int | None
    units: tuple[tuple[Sample, ...], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Scored classes by index."""
        return self.label_map.labels

    @property
    def samples(self) -> int:
        """Number of photos."""
        return sum(len(unit) for unit in self.units)


def open_dataset(
    text: str,
    *,
    split: str | None = None,
    label_map: str | Path | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> Dataset:
    """List a data set; nothing is decoded yet.

    Args:
        text: `KIND:PATH`, or `regression`.
        split: part of the data set; None takes the one that results are published on.
        label_map: bundled name or file; needed for plain folders, whose mask values nobody else explains.
        subject: scored class of subject figures; None takes `person` where it is scored.
        limit: at most so many units, evenly spread.

    Raises:
        InputError: no such data set, a part is missing, it is empty, or its classes have no place.
    """
    word, _, place = text.partition(":")
    if word not in list(DatasetKind) or bool(place) == (word == DatasetKind.REGRESSION):
        raise InputError(f"--dataset {text!r} is not KIND:PATH; kinds are {', '.join(DatasetKind)} (without a path)")
    kind, root = DatasetKind(word), Path(place) if place else REGRESSION_FOLDER
    if split is not None and kind not in SPLITS:
        raise InputError(f"data sets of kind {kind} have no splits; leave out --split")
    part = split or SPLITS.get(kind, "")
    mapping = _label_map(kind, label_map)
    if kind is DatasetKind.COCO:
        # COCO has no masks: objects are drawn with the scored indices, the rest is what nothing was drawn on.
        ignored = [name for name, place in mapping.data.items() if place == IGNORE and not name.isdigit()]
        if mapping.labels[0] != BACKGROUND or ignored or mapping.data.get(REST, BACKGROUND) != BACKGROUND:
            raise InputError(
                "on COCO the first scored class is `background`, `*` counts as it, and no category can be ignored; "
                "mend the --label-map"
            )
        samples = layouts.coco(root, part, mapping.labels, {**{name: name for name in mapping.labels}, **mapping.data})
        table = np.where(np.arange(256) < len(mapping.labels), np.arange(256), IGNORED).astype(np.uint8)
    else:
        samples = _list(kind, root, part)
        named = kind in (DatasetKind.VOC, DatasetKind.ADE20K, DatasetKind.CITYSCAPES)
        names = dict(enumerate(label_set(str(kind)))) if named else {}
        table = mapping.data_table(names, IGNORED_VALUE.get(kind, IGNORED), text)
        if samples and samples[0].mask is not None and samples[0].mask.name.endswith(LABEL_IDS):
            table = label_id_table(table)
    wanted = subject or (SUBJECT if SUBJECT in mapping.labels else None)
    if wanted is not None and wanted not in mapping.labels:
        raise InputError(f"--subject {wanted!r} is not scored; scored are {', '.join(mapping.labels)}")
    if kind in (DatasetKind.ALPHA, DatasetKind.REGRESSION) and (wanted is None or len(mapping.labels) != 2):
        raise InputError("mattes need two scored classes, one of them the subject; give --label-map person")
    units = [tuple(group) for _, group in itertools.groupby(samples, key=lambda sample: sample.unit)]
    if not units:
        raise InputError(f"the data set {text} is empty; nothing can be measured on it")
    if limit is not None and limit < len(units):
        units = [units[i * len(units) // limit] for i in range(limit)]
    name = f"{kind}:{root.name}" if place else str(kind)
    index = None if wanted is None else mapping.labels.index(wanted)
    return Dataset(name, kind, part, mapping, table, index, tuple(units))


def _label_map(kind: DatasetKind, given: str | Path | None) -> LabelMap:
    if given is not None:
        return read_label_map(given)
    if kind in (DatasetKind.ADE20K, DatasetKind.CITYSCAPES):
        return LabelMap(label_set(str(kind)))
    if kind is DatasetKind.FOLDER:
        raise InputError("plain masks need --label-map: `person` for 0, 128 and 255, or a file that names their values")
    return read_label_map("voc" if kind in (DatasetKind.VOC, DatasetKind.COCO) else "person")


def _list(kind: DatasetKind, root: Path, split: str) -> list[Sample]:
    if kind is DatasetKind.VOC:
        return layouts.voc(root, split)
    if kind is DatasetKind.ADE20K:
        return layouts.ade20k(root, split)
    if kind is DatasetKind.CITYSCAPES:
        return layouts.cityscapes(root, split)
    if kind is DatasetKind.ALPHA:
        return layouts.alpha(root)
    if kind is DatasetKind.REGRESSION:
        return [*layouts.folder(root / "photos"), *layouts.alpha(root / "scenes")]
    return layouts.folder(root)
