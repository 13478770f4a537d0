"""A labelled photo, whatever the data set's layout, and how its labels are read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from portraitlite.benchmarks.accuracy.coco import Instance, draw_instances
from portraitlite.benchmarks.accuracy.label_map import IGNORED, UNMAPPED
from portraitlite.runtime.errors import InputError

__all__ = ["Sample", "read_alpha", "read_labels", "read_mask"]

UInt8 = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Sample:
    """One photo.

    Attributes:
        key: unique in the data set; the photo's path below it.
        photo: file.
        mask: PNG of mask values.
        instances: objects of a COCO file, by mask value.
        alpha: PNG of the subject's exact opacity, 0..255.
        clip: photos of one clip follow each other and are resampled together; empty for single photos.
    """

    key: str
    photo: Path
    mask: Path | None = None
    instances: tuple[Instance, ...] | None = None
    alpha: Path | None = None
    clip: str = ""

    @property
    def unit(self) -> str:
        """What it is scored and resampled with: its clip, or itself."""
        return self.clip or self.key


def read_mask(path: Path, height: int, width: int) -> UInt8:
    """(height, width) uint8: grey levels, or the indices of a palette picture.

    Args:
        height, width: of its photo.

    Raises:
        InputError: not a PNG of one 8-bit channel, or of another size; the file is named.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode not in ("L", "P", "1"):
                raise InputError(f"the mask {path} has mode {image.mode}; expected one 8-bit channel or a palette")
            if image.size != (width, height):
                raise InputError(
                    f"the mask {path} is {image.width}x{image.height}, its photo {width}x{height}; they must agree"
                )
            return np.array(image.convert("L") if image.mode == "1" else image, np.uint8)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"the mask {path} cannot be read as a PNG ({error})") from error


def read_alpha(sample: Sample, height: int, width: int) -> UInt8 | None:
    """(H, W) uint8 opacity of the subject, or None where the sample has only labels.

    Raises:
        InputError: unreadable or of another size.
    """
    if sample.alpha is None:
        return None
    return read_mask(sample.alpha, height, width)


def read_labels(sample: Sample, height: int, width: int, table: UInt8, subject: int) -> UInt8:
    """(H, W) uint8: scored class indices and `IGNORED`.

    Args:
        height, width: of the photo.
        table: mask value -> scored index, from `LabelMap.data_table`.
        subject: scored index of the subject; where an alpha is the only truth, it is the subject from one half up.

    Raises:
        InputError: unreadable, of another size, or with a value that has no place; the file is named.
    """
    if sample.instances is not None:
        values = draw_instances(sample.instances, height, width, IGNORED, sample.key)
    elif sample.mask is not None:
        values = read_mask(sample.mask, height, width)
    else:
        alpha = read_alpha(sample, height, width)
        assert alpha is not None
        return np.where(alpha >= 128, np.uint8(subject), np.uint8(0 if subject else 1))
    found = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
    if wrong := [int(value) for value in found if table[value] == UNMAPPED]:
        raise InputError(
            f"the mask of {sample.key} holds {wrong[0]}, which is no class; name it under [data] of a --label-map"
        )
    labels: UInt8 = table[values]
    return labels
