"""Connected components against a flood fill, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from portraitlite.runtime.components import component_labels, dilate, grow_labels


def _flood(mask: np.ndarray, diagonal: bool) -> tuple[np.ndarray, int]:
    labels, count = np.zeros(mask.shape, np.int32), 0
    steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0) and (diagonal or 0 in (y, x))]
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        count += 1
        labels[start], todo = count, [start]
        while todo:
            y, x = todo.pop()
            for dy, dx in steps:
                at = (y + dy, x + dx)
                inside = 0 <= at[0] < mask.shape[0] and 0 <= at[1] < mask.shape[1]
                if inside and mask[at] and not labels[at]:
                    labels[at] = count
                    todo.append(at)
    return labels, count


@pytest.mark.parametrize("diagonal", [True, False])
def test_random_masks_fall_apart_as_a_flood_fill_says(diagonal: bool) -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        mask = rng.random(rng.integers(1, 20, 2)) < rng.random()
        labels, count = component_labels(mask, diagonal=diagonal)
        expected, number = _flood(mask, diagonal)
        assert count == number
        assert np.array_equal(labels, expected)


@pytest.mark.parametrize("value", [True, False])
def test_full_and_empty_masks(value: bool) -> None:
    labels, count = component_labels(np.full((5, 7), value))
    assert count == int(value)
    assert (labels == int(value)).all()


def test_a_spiral_is_one_part() -> None:
    """One run after the other hangs on the last: the longest chain that union-find can meet."""
    mask = np.zeros((101, 101), bool)
    y, x, step = 0, 0, (0, 1)
    low, high = np.array([0, 0]), np.array([100, 100])
    for _ in range(60):
        while low[0] <= y + step[0] <= high[0] and low[1] <= x + step[1] <= high[1]:
            mask[y, x] = True
            y, x = y + step[0], x + step[1]
        mask[y, x] = True
        if step == (0, 1):
            low[0] += 2
        elif step == (1, 0):
            high[1] -= 2
        elif step == (0, -1):
            high[0] -= 2
        else:
            low[1] += 2
        step = (step[1], -step[0])
    labels, count = component_labels(mask, diagonal=False)
    assert count == _flood(mask, False)[1] == 1
    assert np.array_equal(labels > 0, mask)


def test_parts_grow_equally_fast_and_only_where_they_may() -> None:
    labels = np.zeros((5, 61), np.int32)
    labels[2, 5], labels[2, 11] = 1, 2
    where = np.zeros((5, 61), bool)
    where[2, 3:14] = True
    where[2, 40] = True
    assert grow_labels(labels, where)[2, 3:14].tolist() == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    grown = grow_labels(labels, where)
    assert grown[2, 40] == 0, "what hangs on nothing is nobody's"
    assert not grown[[0, 1, 3, 4]].any()
    assert labels.sum() == 3, "the argument was changed"


def test_growth_ends_after_a_twelfth_of_the_longer_side() -> None:
    labels = np.zeros((1, 120), np.int32)
    labels[0, 0] = 1
    grown = grow_labels(labels, np.ones((1, 120), bool))
    assert grown.sum() == 11


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_dilation_reaches_rows_and_columns(reach: int) -> None:
    mask = np.random.default_rng(1).random((17, 23)) < 0.03
    expected = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask), strict=True):
        expected[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    assert np.array_equal(dilate(mask, reach), expected)
