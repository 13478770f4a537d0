"""COCO instances JSON -> label maps (format: cocodataset.org, "Object Detection")."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from portraitlite.runtime.errors import InputError

__all__ = ["Instance", "draw_instances", "read_instances"]

MAX_JSON_BYTES = 2 << 30
MAX_SHIFT = 40  # bits of a compressed run; no photo needs as many
# COCO's names of the classes that VOC calls otherwise.
VOC_NAMES = {
    "airplane": "aeroplane",
    "motorcycle": "motorbike",
    "couch": "sofa",
    "potted plant": "pottedplant",
    "dining table": "diningtable",
}


@dataclasses.dataclass(frozen=True)
class Instance:
    """One object of a photo.

    Attributes:
        label: class index.
        crowd: a group that was outlined as one; its pixels are unknown.
        segmentation: list of polygons [x0, y0, x1, y1, ...] in pixels, or a run-length encoding.
    """

    label: int
    crowd: bool
    segmentation: Any


def read_instances(path: Path, labels: tuple[str, ...], classes: Mapping[str, str]) -> dict[str, tuple[Instance, ...]]:
    """Photo file name -> its objects, of every photo that the file lists.

    Args:
        path: instances JSON.
        labels: class names; objects of categories that map to none of them are left out (they are background).
        classes: category -> label, where names differ and `VOC_NAMES` does not know.

    Raises:
        InputError: not such a file.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"{path.name} is larger than {MAX_JSON_BYTES >> 30} GiB; refused")
        document = json.loads(path.read_bytes())
        names = {**VOC_NAMES, **classes}
        index = {
            row["id"]: labels.index(label)
            for row in document["categories"]
            if (label := names.get(row["name"], row["name"])) in labels
        }
        photos: dict[int, tuple[str, list[Instance]]] = {
            row["id"]: (str(row["file_name"]), []) for row in document["images"]
        }
        for row in document["annotations"]:
            if row["category_id"] in index:
                instance = Instance(index[row["category_id"]], bool(row.get("iscrowd", 0)), row["segmentation"])
                photos[row["image_id"]][1].append(instance)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name} is not a COCO instances JSON ({type(error).__name__}: {error})") from error
    return {name: tuple(instances) for name, instances in photos.values()}


def draw_instances(
    instances: tuple[Instance, ...], height: int, width: int, unknown: int, what: str
) -> npt.NDArray[np.uint8]:
    """Label map (height, width) uint8: 0 background, class indices, `unknown` on crowds. Later objects lie on top.

    Raises:
        InputError: a segmentation that does not fit; `what` names the photo.
    """
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    # Crowds first: what is outlined on its own is known better.
    for instance in sorted(instances, key=lambda one: not one.crowd):
        value = unknown if instance.crowd else instance.label
        try:
            if isinstance(instance.segmentation, dict):
                mask = _run_lengths(instance.segmentation, height, width)
                canvas.paste(value, mask=Image.fromarray(mask))
                continue
            for polygon in instance.segmentation:
                draw.polygon([float(number) for number in polygon], fill=value)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise InputError(
                f"{what}: its COCO segmentation does not fit a {width}x{height} photo ({error})"
            ) from error
    return np.array(canvas)


def _run_lengths(encoding: Mapping[str, Any], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Column-major runs of 0 and 1 in turn -> (height, width) uint8 of 0 and 255."""
    if list(encoding["size"]) != [height, width]:
        raise ValueError(f"size {encoding['size']}")
    counts = encoding["counts"]
    runs = np.array(_unpack(counts) if isinstance(counts, str) else counts, np.int64)
    # One by one too: a sum of huge runs wraps around.
    if runs.min(initial=0) < 0 or runs.max(initial=0) > height * width or runs.sum() != height * width:
        raise ValueError("runs that do not cover the photo")
    flat = np.repeat((np.arange(len(runs)) % 2 * 255).astype(np.uint8), runs)
    return flat.reshape(width, height).T.copy()


def _unpack(text: str) -> list[int]:
    """COCO's compressed counts: 5 bits a character, low first, sign-extended, differences to the run two before."""
    runs: list[int] = []
    value, shift = 0, 0
    for character in text.encode("ascii"):
        code = character - 48
        if not 0 <= code < 64 or shift > MAX_SHIFT:
            raise ValueError("compressed counts that are none")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    return runs
