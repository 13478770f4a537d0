"""The accuracy metrics once more, pixel by pixel in plain Python: slow, and written from the papers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

IGNORED = 255


def mean_iou(labels: Any, found: Any, classes: int) -> float:
    """Over the classes that are labelled or predicted on pixels that are not ignored."""
    values = []
    for c in range(classes):
        inter = union = 0
        for want, got in zip(labels.ravel().tolist(), found.ravel().tolist(), strict=True):
            if want == IGNORED:
                continue
            inter += want == c and got == c
            union += want == c or got == c
        if union:
            values.append(inter / union)
    return sum(values) / len(values)


def _at(mask: Any, y: int, x: int) -> bool:
    return 0 <= y < len(mask) and 0 <= x < len(mask[0]) and bool(mask[y][x])


def _band(mask: Any, reach: int) -> set[tuple[int, int]]:
    """Pixels of the mask with a pixel outside of it within `reach` rows and columns; outside the photo is outside."""
    steps = range(-reach, reach + 1)
    return {
        (y, x)
        for y in range(len(mask))
        for x in range(len(mask[0]))
        if mask[y][x] and any(not _at(mask, y + dy, x + dx) for dy in steps for dx in steps)
    }


def boundary_iou(truth: Any, found: Any) -> float:
    reach = max(1, round(0.02 * math.hypot(len(truth), len(truth[0]))))
    want, got = _band(truth, reach), _band(found, reach)
    return len(want & got) / len(want | got)


def outline(mask: Any) -> set[tuple[int, int]]:
    height, width = len(mask), len(mask[0])
    return {
        (y, x)
        for y in range(height)
        for x in range(width)
        for dy, dx in ((0, 1), (1, 0), (1, 1))
        if y + dy < height and x + dx < width and bool(mask[y][x]) != bool(mask[y + dy][x + dx])
    }


def boundary_f(truth: Any, found: Any) -> float:
    radius = max(1, round(0.008 * math.hypot(len(truth), len(truth[0]))))
    want, got = outline(truth), outline(found)
    if not want or not got:
        return float(bool(want) == bool(got))

    def near(some: set[tuple[int, int]], others: set[tuple[int, int]]) -> float:
        hits = sum(any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in some)
        return hits / len(some)

    precision, recall = near(got, want), near(want, got)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def trimap(labels: Any) -> Any:
    """The labels, ignored where no other label is within reach of an outline pixel."""
    reach = max(1, round(0.01 * math.hypot(*labels.shape)))
    result = np.full(labels.shape, IGNORED, np.uint8)
    edges: set[tuple[int, int]] = set()
    for value in set(labels.ravel().tolist()):
        edges |= outline(labels == value)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if any(abs(y - v) <= reach and abs(x - u) <= reach for v, u in edges):
                result[y, x] = labels[y, x]
    return result


def calibration_error(confidence: Sequence[int], subject: Sequence[bool]) -> float:
    """15 bins of equal width over 0..1."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for level, hit in zip(confidence, subject, strict=True):
        bins.setdefault(min(level * 15 // 255, 14), []).append((level / 255, hit))
    gaps = (
        abs(sum(p for p, _ in rows) / len(rows) - sum(h for _, h in rows) / len(rows)) * len(rows)
        for rows in bins.values()
    )
    return sum(gaps) / len(confidence)


def gradient_error(truth: Any, found: Any, sigma: float = 1.4) -> float:
    """alphamatting.com's Grad: one two-dimensional filter, normalised to length 1, per direction; / 1000."""
    half = math.ceil(sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * 0.01)))

    def gauss(x: float) -> float:
        return math.exp(-(x**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    steps = range(-half, half + 1)
    kernel = [[gauss(dy) * -dx * gauss(dx) / sigma**2 for dx in steps] for dy in steps]
    length = math.sqrt(sum(value**2 for row in kernel for value in row))
    height, width = truth.shape

    def magnitude(matte: Any, y: int, x: int) -> float:
        gx = gy = 0.0
        for i, dy in enumerate(steps):
            for j, dx in enumerate(steps):
                value = matte[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
                gx += kernel[i][j] * value
                gy += kernel[j][i] * value
        return math.hypot(gx / length, gy / length)

    return (
        sum((magnitude(truth, y, x) - magnitude(found, y, x)) ** 2 for y in range(height) for x in range(width)) / 1000
    )
