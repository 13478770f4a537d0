"""Photos and what is known about their pixels, whatever the data set's layout.

A label map is (H, W) uint8 at photo size: class indices, `OTHER` (not the subject; which class is not known) and
`UNKNOWN`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.coco import Instance, draw_instances, read_instances
from portraitlite.benchmarks.accuracy.layouts import PHOTO_SUFFIXES
from portraitlite.benchmarks.accuracy.sample import read_mask
from portraitlite.convert.training.config import DatasetConfig, DatasetKind, Only
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import load_photo

__all__ = ["OTHER", "UNKNOWN", "Sample", "find_samples", "read_labels", "read_photo", "readable_samples"]

OTHER, UNKNOWN = 254, 255
SUBJECT_MASK_VALUES = {255: "subject", 0: "other", 128: "unknown"}
BOX_MARGIN = 0.03  # of the box on each side: drawn boxes cut off hands and hair
THREADS = 4  # decoding is in C; more only fight over the disk

UInt8 = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Sample:
    """One photo.

    Attributes:
        key: images folder and file name, as in the config; the same for teachers and validation lists.
        photo: file.
        kind: of its data set.
        mask: PNG, for `folder` and `voc`.
        instances: for `coco`.
        boxes: (centre x, centre y, width, height) in 0..1, for `boxes`.
        trust: factor of the subject losses.
    """

    key: str
    photo: Path
    kind: DatasetKind
    mask: Path | None = None
    instances: tuple[Instance, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    trust: float = 1.0

    @property
    def taught(self) -> bool:
        """Unknown pixels are the teachers' business; in the other kinds they were left out on purpose (crowds)."""
        return self.kind in (DatasetKind.BOXES, DatasetKind.PHOTOS)


def find_samples(config: DatasetConfig, root: Path, labels: tuple[str, ...]) -> list[Sample]:
    """All photos of a data set in the order of their names, nothing decoded yet.

    Args:
        config: the data set.
        root: what its paths are relative to.
        labels: class names.

    Raises:
        InputError: a folder, a mask or an annotation is missing, or there is no photo.
    """
    folder = root / config.images
    if not folder.is_dir():
        raise InputError(f"data set {config.name}: {config.images} is not a folder of {root}; check --data")
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
    if not photos:
        raise InputError(
            f"data set {config.name}: {config.images} holds no photos ({', '.join(sorted(PHOTO_SUFFIXES))})"
        )
    make = [Sample(f"{config.images}/{path.name}", path, config.kind, trust=config.trust) for path in photos]
    if config.kind is DatasetKind.PHOTOS:
        return make
    if config.kind is DatasetKind.COCO:
        instances = read_instances(root / config.annotations, labels, config.classes)
        listed = [sample for sample in make if sample.photo.name in instances]
        if not listed:
            raise InputError(f"data set {config.name}: {config.annotations} names no photo of {config.images}")
        return [dataclasses.replace(sample, instances=instances[sample.photo.name]) for sample in listed]
    if config.kind is DatasetKind.BOXES:
        boxes = _read_boxes(root / config.annotations)
        if absent := [sample.key for sample in make if sample.photo.stem not in boxes]:
            raise InputError(f"{absent[0]} is not in {config.annotations}; every photo needs its list of boxes")
        return [dataclasses.replace(sample, boxes=boxes[sample.photo.stem]) for sample in make]
    masks = [root / config.masks / f"{path.stem}.png" for path in photos]
    for mask in masks:
        if not mask.is_file():
            raise InputError(f"data set {config.name}: the mask {config.masks}/{mask.name} is missing")
    return [dataclasses.replace(sample, mask=mask) for sample, mask in zip(make, masks, strict=True)]


def read_photo(sample: Sample) -> UInt8:
    """(H, W, 3) uint8 RGB, upright.

    Raises:
        InputError: unreadable; the file is named.
    """
    return load_photo(sample.photo).pixels


def read_labels(sample: Sample, height: int, width: int, classes: int, subject: int) -> UInt8:
    """The label map of a photo of this size.

    Raises:
        InputError: the mask is unreadable, of another size, or holds a value out of range; the file is named.
    """
    if sample.kind is DatasetKind.PHOTOS:
        return np.full((height, width), UNKNOWN, np.uint8)
    if sample.kind is DatasetKind.BOXES:
        return _outside_boxes(sample.boxes, height, width)
    if sample.kind is DatasetKind.COCO:
        return draw_instances(sample.instances, height, width, UNKNOWN, sample.key)
    assert sample.mask is not None
    mask = read_mask(sample.mask, height, width)
    found = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    if sample.kind is DatasetKind.VOC:
        if wrong := [int(v) for v in found if v >= classes and v != UNKNOWN]:
            raise InputError(f"the mask {sample.mask} holds label {wrong[0]}; expected 0..{classes - 1} or {UNKNOWN}")
        return mask
    if wrong := [int(v) for v in found if int(v) not in SUBJECT_MASK_VALUES]:
        raise InputError(
            f"the mask {sample.mask} holds {wrong[0]}; expected 255 (subject), 0 (other), 128 (unknown): threshold it"
        )
    return np.select([mask == 255, mask == 0], [np.uint8(subject), np.uint8(OTHER)], np.uint8(UNKNOWN))


def readable_samples(
    samples: Sequence[Sample],
    only: Only,
    classes: int,
    subject: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Sample]:
    """Decode everything once, so that bad data stops a run before its first step; then choose.

    Raises:
        InputError: the first bad photo or mask, by name.
    """

    def shows_subject(sample: Sample) -> bool:
        height, width = read_photo(sample).shape[:2]
        return bool((read_labels(sample, height, width, classes, subject) == subject).any())

    chosen = []
    with ThreadPoolExecutor(THREADS) as pool:
        for done, (sample, shown) in enumerate(zip(samples, pool.map(shows_subject, samples), strict=True), 1):
            if only is Only.ALL or shown == (only is Only.SUBJECT):
                chosen.append(sample)
            progress(done, len(samples))
    return chosen


def _read_boxes(path: Path) -> dict[str, tuple[tuple[float, float, float, float], ...]]:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        boxes = {}
        for stem, rows in document.items():
            values = np.array(rows, np.float64).reshape(-1, 4)
            if not np.isfinite(values).all():
                raise ValueError(f"{stem}: not finite")
            boxes[str(stem)] = tuple((float(x), float(y), float(w), float(h)) for x, y, w, h in values)
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(
            f"{path} is not a JSON of boxes, photo stem -> [[centre x, centre y, width, height], ...] in 0..1 ({error})"
        ) from error
    return boxes


def _outside_boxes(boxes: Sequence[tuple[float, float, float, float]], height: int, width: int) -> UInt8:
    labels = np.full((height, width), OTHER, np.uint8)
    for x, y, w, h in boxes:
        reach_x, reach_y = w * (0.5 + BOX_MARGIN), h * (0.5 + BOX_MARGIN)
        top, left = max(0, int((y - reach_y) * height)), max(0, int((x - reach_x) * width))
        bottom, right = int((y + reach_y) * height) + 1, int((x + reach_x) * width) + 1
        labels[top : max(top, bottom), left : max(left, right)] = UNKNOWN
    return labels
