"""A picture of the photos on which a quantized file differs most: photo, float mask, its mask, the difference."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from portraitlite.benchmarks.accuracy.datasets import Dataset
from portraitlite.benchmarks.accuracy.record import ModelScores
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.save import write_atomically
from portraitlite.runtime.segmenter import Segmenter

__all__ = ["WORST", "worst_sheet"]

WORST = 8
CELL_HEIGHT, CELL_WIDTH, TITLE_HEIGHT = 160, 220, 16
TITLES = ("photo", "float", "this file", "differs")

UInt8 = npt.NDArray[np.uint8]


def worst_sheet(
    path: Path,
    model: Path,
    reference: Path,
    scores: ModelScores,
    dataset: Dataset,
    *,
    backend: str | None = None,
    force: bool = False,
) -> tuple[str, ...]:
    """Write a PNG of the photos of least agreement, worst first; returns their keys.

    Args:
        path: `.png` to write.
        model, reference: files.
        scores: of the model, from an evaluation against the reference.
        dataset: the one of that evaluation.

    Raises:
        InputError: the picture cannot be written.
    """
    worst = sorted(scores.photos, key=lambda photo: photo.figures["agreement"])[:WORST]
    units = {unit[0].unit: unit[0] for unit in dataset.units}
    segmenters = [Segmenter(file, backend=backend) for file in (reference, model)]
    # Compared in their own classes where these are the same, else in scored ones, as `agreement` is.
    names = [segmenter.metadata.labels for segmenter in segmenters]
    same = names[0] == names[1]
    tables = [None if same else dataset.label_map.model_table(name, "the model") for name in names]
    rows = []
    for photo in worst:
        pixels = load_photo(units[photo.key].photo).pixels
        want, got = (_labels(segmenter, pixels, table) for segmenter, table in zip(segmenters, tables, strict=True))
        differs = np.where((want != got)[..., None], np.array([220, 30, 30]), pixels // 3).astype(np.uint8)
        rows.append(
            (f"{photo.key}: {photo.figures['agreement']:.4f}", (pixels, _coloured(want), _coloured(got), differs))
        )
    write_atomically(path, _png(rows), force=force)
    return tuple(photo.key for photo in worst)


def _labels(segmenter: Segmenter, pixels: UInt8, table: UInt8 | None) -> UInt8:
    own = segmenter(pixels).label_map()
    return own if table is None else table[own]


def _coloured(labels: UInt8) -> UInt8:
    """VOC's colours: class 0 black, every other bit pattern its own colour."""
    index = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= ((index >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    coloured: UInt8 = palette[labels]
    return coloured


def _png(rows: Sequence[tuple[str, tuple[UInt8, ...]]]) -> bytes:
    height = CELL_HEIGHT + TITLE_HEIGHT
    sheet = Image.new("RGB", (CELL_WIDTH * len(TITLES), TITLE_HEIGHT + height * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(TITLES):
        draw.text((column * CELL_WIDTH + 4, 2), title, fill="black")
    for row, (caption, pictures) in enumerate(rows):
        top = TITLE_HEIGHT + row * height
        for column, picture in enumerate(pictures):
            image = Image.fromarray(picture)
            image.thumbnail((CELL_WIDTH - 4, CELL_HEIGHT))
            sheet.paste(image, (column * CELL_WIDTH + 2, top + TITLE_HEIGHT))
        draw.text((4, top + 2), caption.encode("ascii", "replace").decode(), fill="black")
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()
