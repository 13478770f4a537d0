"""Connected components of small masks, without SciPy.

Runs of set samples are the nodes of a graph, overlapping runs of neighbouring rows its edges; union-find joins them,
all at a time, so that numpy does the work.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["Labels", "component_labels", "dilate", "grow_labels"]

Labels = npt.NDArray[np.int32]

GROWTH = 1 / 12  # bounds the time; soft rims are narrower


def component_labels(mask: npt.NDArray[np.bool_], *, diagonal: bool = True) -> tuple[Labels, int]:
    """Number the connected parts of a mask.

    Args:
        mask: (h, w) bool.
        diagonal: whether samples that touch at a corner are connected (8 neighbours) or not (4).

    Returns:
        (h, w) int32, 0 where the mask is not set and 1..n in the order of each part's first sample, row by row; and n.
    """
    height, width = mask.shape
    # One unset column in front and behind, so that in the flat order no run reaches into the next row.
    flat = np.zeros((height, width + 2), np.int8)
    flat[:, 1:-1] = mask
    steps = np.diff(flat.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    # Runs of the next row that overlap a run: those that end behind its start and start before its end.
    reach = int(diagonal)
    first = np.searchsorted(ends, starts + (width + 2 - reach), side="right")
    last = np.searchsorted(starts, ends + (width + 2 + reach), side="left")
    count = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(starts)), count)
    below = np.arange(len(above)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    roots = _union(len(starts), above, below)
    names, number = np.unique(roots, return_inverse=True)
    marks = np.zeros(flat.size + 1, np.int32)
    marks[starts] = number + 1
    marks[ends] -= number.astype(np.int32) + 1
    labels = np.cumsum(marks[:-1], dtype=np.int32).reshape(flat.shape)[:, 1:-1]
    return np.ascontiguousarray(labels), len(names)


def grow_labels(labels: Labels, where: npt.NDArray[np.bool_]) -> Labels:
    """Extend numbered parts over the neighbouring samples of `where`, all parts equally fast.

    A sample that two parts reach at once goes to the one with the lower number. Samples of `where` that no part reaches
    in `GROWTH` of the longer side stay 0.

    Args:
        labels: (h, w) int32, 0 = free.
        where: (h, w) bool, samples that may be taken.

    Returns:
        (h, w) int32, a new array.
    """
    free = np.iinfo(np.int32).max
    grown = np.where(labels > 0, labels, free)
    for _ in range(math.ceil(GROWTH * max(labels.shape))):
        padded = np.pad(grown, 1, constant_values=free)
        nearest = np.minimum(
            np.minimum(padded[:-2, 1:-1], padded[2:, 1:-1]), np.minimum(padded[1:-1, :-2], padded[1:-1, 2:])
        )
        taken = where & (grown == free) & (nearest != free)
        if not taken.any():
            break
        grown[taken] = nearest[taken]
    return np.where(grown == free, 0, grown).astype(np.int32)


def dilate(mask: npt.NDArray[np.bool_], reach: int) -> npt.NDArray[np.bool_]:
    """(h, w) bool: samples that lie at most `reach` rows and columns from a set one."""
    height, width = mask.shape
    tall = np.zeros((height, width + 2 * reach), np.bool_)
    for shift in range(2 * reach + 1):
        tall[:, shift : shift + width] |= mask
    wide = np.zeros((height + 2 * reach, width), np.bool_)
    for shift in range(2 * reach + 1):
        wide[shift : shift + height] |= tall[:, reach : reach + width]
    return wide[reach : reach + height]


def _union(count: int, left: npt.NDArray[np.intp], right: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The lowest index of each node's part."""
    root = np.arange(count)
    while True:
        a, b = root[left], root[right]
        if np.array_equal(a, b):
            return root
        # Hang the higher root under the lower one, then let every node point at its root again.
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(above := root[root], root):
            root = above
