"""Where each data set keeps photos and labels. Every function lists samples in the order of their names.

Layouts and ignored labels as in `research/deeplab/datasets` of tensorflow/models.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from portraitlite.benchmarks.accuracy.cityscapes import LABEL_IDS, TRAIN_IDS
from portraitlite.benchmarks.accuracy.coco import read_instances
from portraitlite.benchmarks.accuracy.sample import Sample
from portraitlite.runtime.errors import InputError

__all__ = ["PHOTO_SUFFIXES", "ade20k", "alpha", "cityscapes", "coco", "folder", "voc"]

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
MAX_LIST_BYTES = 64 << 20


def voc(root: Path, split: str) -> list[Sample]:
    """`JPEGImages/X.jpg`, `SegmentationClass/X.png`, names in `ImageSets/Segmentation/SPLIT.txt`."""
    names_file = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    try:
        if names_file.stat().st_size > MAX_LIST_BYTES:
            raise InputError(f"{names_file} is larger than 64 MiB; expected a list of names")
        names = [line.strip() for line in names_file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{names_file} cannot be read ({error}); a VOC folder lists its photos there") from error
    if wrong := [name for name in names if Path(name).name != name]:
        raise InputError(f"{names_file} names {wrong[0][:80]!r}; expected names without folders")
    return [
        _labelled(name, root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png")
        for name in names
    ]


def coco(root: Path, split: str, labels: tuple[str, ...], names: Mapping[str, str]) -> list[Sample]:
    """`SPLIT/X.jpg`, objects in `annotations/instances_SPLIT.json`; categories that are no label are background.

    Args:
        labels: class names by mask value.
        names: category -> label, where they differ.
    """
    instances = read_instances(root / "annotations" / f"instances_{split}.json", labels, dict(names))
    if wrong := [name for name in instances if Path(name).name != name]:
        raise InputError(f"instances_{split}.json names the photo {wrong[0][:80]!r}; expected names without folders")
    return [
        Sample(name, _existing(root / split / name), instances=objects) for name, objects in sorted(instances.items())
    ]


def ade20k(root: Path, split: str) -> list[Sample]:
    """`images/SPLIT/X.jpg`, `annotations/SPLIT/X.png`."""
    return [
        _labelled(photo.name, photo, root / "annotations" / split / f"{photo.stem}.png")
        for photo in _photos(root / "images" / split)
    ]


def cityscapes(root: Path, split: str) -> list[Sample]:
    """`leftImg8bit/SPLIT/CITY/X_leftImg8bit.png`, `gtFine/SPLIT/CITY/X_gtFine_labelTrainIds.png` or `..._labelIds.png`.

    All masks are of one kind: train ids where the first photo has them, else label ids, as they are downloaded.
    """
    folder = root / "leftImg8bit" / split
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; a Cityscapes folder has one")
    samples: list[Sample] = []
    ending = TRAIN_IDS
    for city in sorted(path for path in folder.iterdir() if path.is_dir()):
        for photo in _photos(city):
            name = photo.name.removesuffix("_leftImg8bit.png")
            labels = root / "gtFine" / split / city.name
            if not samples and not (labels / f"{name}{TRAIN_IDS}").is_file():
                ending = LABEL_IDS
            mask = labels / f"{name}{ending}"
            if not mask.is_file():
                raise InputError(
                    f"{mask} is missing; every photo needs its labelIds, or its labelTrainIds, which "
                    "createTrainIdLabelImgs of cityscapesscripts makes"
                )
            samples.append(Sample(f"{city.name}/{name}", photo, mask))
    return samples


def folder(root: Path) -> list[Sample]:
    """`images/X.*`, `masks/X.png`."""
    return [_labelled(photo.name, photo, root / "masks" / f"{photo.stem}.png") for photo in _photos(root / "images")]


def alpha(root: Path) -> list[Sample]:
    """`images/X.*`, `alphas/X.png`, and clips `images/CLIP/X.*`, `alphas/CLIP/X.png` in the order of their names."""
    images = root / "images"
    if not images.is_dir():
        raise InputError(f"{images} is not a folder; expected photos there and their mattes in {root / 'alphas'}")
    clips = sorted(path for path in images.iterdir() if path.is_dir())
    samples = [
        Sample(photo.name, photo, alpha=_existing(root / "alphas" / f"{photo.stem}.png"))
        for photo in _photos(images, may_be_empty=bool(clips))
    ]
    for clip in clips:
        for photo in _photos(clip):
            matte = _existing(root / "alphas" / clip.name / f"{photo.stem}.png")
            samples.append(Sample(f"{clip.name}/{photo.name}", photo, alpha=matte, clip=clip.name))
    return samples


def _photos(folder: Path, *, may_be_empty: bool = False) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected photos there")
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
    if not photos and not may_be_empty:
        raise InputError(f"{folder} holds no photos; expected some of {', '.join(sorted(PHOTO_SUFFIXES))}")
    return photos


def _labelled(key: str, photo: Path, mask: Path) -> Sample:
    return Sample(key, _existing(photo), _existing(mask))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is missing; every photo needs its labels and every label its photo")
    return path
