"""Figures of a mask: the connected parts that a subject can be chosen from, cleaned of specks and doubtful holes.

The limits were chosen on photos with human masks. Smaller parts beside a figure are mostly no people, so they are
dropped. Small holes in which the model is nowhere sure of the background are mostly people, so they are filled; those
where it is sure (between arm and body) are mostly background and stay. `scripts/measure_subject.py` measures both.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.components import Labels, component_labels, dilate, grow_labels

__all__ = ["Figure", "fill_holes", "find_figures"]

Bytes = npt.NDArray[np.uint8]

INSIDE = 128  # a sample that belongs to a figure rather than not
SOFT_RIM = 26  # below this confidence the blur graphs make nothing of a sample
SPECK_SHARE = 0.005  # of the largest figure's area
HOLE_SHARE = 0.01  # of all figures' area; larger holes stay
HOLE_DOUBT = 32  # a hole with a sample below this confidence is background
RIM = 0.02  # of the photo's height; a figure that ends so near to the lower rim is taken for cut off there


@dataclasses.dataclass(frozen=True)
class Figure:
    """A connected part of the mask; people who touch in the picture are one.

    Attributes:
        box: left, top, right, bottom as fractions of the photo's width and height, 0..1.
        share: of the photo's area, 0..1.
        kept: whether it stays sharp.
    """

    box: tuple[float, float, float, float]
    share: float
    kept: bool = True

    @property
    def height(self) -> float:
        """As a fraction of the photo's."""
        return self.box[3] - self.box[1]

    @property
    def feet(self) -> float | None:
        """Where the figure stands, as a fraction of the photo's height; None if the photo ends above its feet."""
        return self.box[3] if self.box[3] < 1 - RIM else None


def fill_holes(values: Bytes) -> Bytes:
    """Small holes of doubtful confidence become 255, with the samples around them, but those of the outer edge.

    Args:
        values: (h, w) uint8 confidence, only the part that shows the photo.

    Returns:
        (h, w) uint8, a new array.
    """
    outside = values < INSIDE
    labels, count = component_labels(outside, diagonal=False)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    lowest = np.full(count + 1, 255, np.uint8)
    np.minimum.at(lowest, labels.ravel(), values.ravel())
    hole = (area <= HOLE_SHARE * (values.size - area[1:].sum())) & (lowest >= HOLE_DOUBT)
    hole[0] = False
    hole[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
    holes = hole[labels]
    around = dilate(holes, 1) & ~dilate(outside & ~holes, 1)
    filled: Bytes = np.where(holes | around, np.uint8(255), values)
    return filled


def find_figures(values: Bytes) -> tuple[Labels, list[Figure]]:
    """The figures of a mask, largest first, and whose each sample is.

    Args:
        values: (h, w) uint8 confidence, only the part that shows the photo.

    Returns:
        (h, w) int32: 0 where there is nothing, n with the soft rim of figure n - 1, -1 on specks; and the figures.
    """
    labels, count = component_labels(values >= INSIDE)
    if count == 0:
        return labels, []
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-area, kind="stable")
    people = order[area[order] >= SPECK_SHARE * area.max()]
    number = np.full(count + 1, -1, np.int32)
    number[0] = 0
    number[people + 1] = np.arange(1, len(people) + 1)
    numbered = number[labels]
    figures = [_figure(numbered == n) for n in range(1, len(people) + 1)]
    return number[grow_labels(labels, values >= SOFT_RIM)], figures


def _figure(where: npt.NDArray[np.bool_]) -> Figure:
    height, width = where.shape
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    box = (columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    return Figure((float(box[0]), float(box[1]), float(box[2]), float(box[3])), float(where.mean()))
