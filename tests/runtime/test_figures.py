"""Specks, holes and figures of hand-made masks."""

from __future__ import annotations

import numpy as np
import pytest

from portraitlite.runtime.figures import fill_holes, find_figures


def _body(size: int = 97) -> np.ndarray:
    """A soft-edged block in the middle: 255 inside, 180 and 60 on its rim."""
    values = np.zeros((size, size), np.uint8)
    values[20:80, 25:70] = 60
    values[21:79, 26:69] = 180
    values[22:78, 27:68] = 255
    return values


def test_a_clean_mask_stays_as_it_is() -> None:
    values = _body()
    assert np.array_equal(fill_holes(values), values)
    labels, figures = find_figures(values)
    assert len(figures) == 1
    assert np.array_equal(labels, values > 0), "the soft rim belongs to the figure"
    assert figures[0].box == pytest.approx((26 / 97, 21 / 97, 69 / 97, 79 / 97))
    assert figures[0].share == pytest.approx(58 * 43 / 97**2)
    assert figures[0].height == pytest.approx(58 / 97)
    assert figures[0].feet == pytest.approx(79 / 97)


def test_a_figure_cut_off_by_the_lower_rim_has_no_feet() -> None:
    values = np.zeros((97, 97), np.uint8)
    values[40:, 30:60] = 255
    assert find_figures(values)[1][0].feet is None


@pytest.mark.parametrize(
    ("side", "doubt", "filled"),
    [(1, 100, True), (3, 40, True), (4, 32, True), (3, 31, False), (3, 0, False), (5, 100, False)],
)
def test_small_doubtful_holes_are_filled_and_gaps_stay(side: int, doubt: int, filled: bool) -> None:
    values = _body()
    values[39 : 41 + side, 39 : 41 + side] = 150
    values[40 : 40 + side, 40 : 40 + side] = 127
    values[40, 40] = doubt
    after = fill_holes(values)
    if not filled:
        assert np.array_equal(after, values)
        return
    assert (after[39 : 41 + side, 39 : 41 + side] == 255).all(), "the ring around the hole would show"
    after[39 : 41 + side, 39 : 41 + side] = values[39 : 41 + side, 39 : 41 + side]
    assert np.array_equal(after, values), "something else was changed"


def test_the_outer_edge_stays_soft_beside_a_hole() -> None:
    values = _body()
    values[40, 28] = 100  # two samples inside the edge, which lies at column 26
    after = fill_holes(values)
    assert after[40, 26:30].tolist() == [180, 255, 255, 255]
    values[40, 27], values[40, 28] = 100, 255
    after = fill_holes(values)
    assert after[40, 26:30].tolist() == [180, 255, 255, 255]


def test_a_bay_at_the_photos_rim_is_no_hole() -> None:
    values = np.full((50, 50), 255, np.uint8)
    values[0, 20] = values[49, 10] = values[7, 0] = values[8, 49] = 100
    assert np.array_equal(fill_holes(values), values)


def test_diagonal_gaps_do_not_leak_out_of_a_hole() -> None:
    values = np.full((50, 50), 255, np.uint8)
    values[20, 20] = values[21, 21] = 100  # two holes, not one way out
    assert (fill_holes(values) == 255).all()


def test_specks_are_marked_relative_to_the_largest_figure() -> None:
    values = _body()  # 2494 samples inside, so a speck has at most 12
    values[2:5, 2:6] = 200  # 12
    values[1:6, 6] = 60  # its soft rim
    values[2:5, 88:93] = 200  # 15
    labels, figures = find_figures(values)
    assert [round(figure.share * values.size) for figure in figures] == [2494, 15]
    assert (labels[2:5, 2:6] == -1).all()
    assert labels[3, 6] == -1, "a speck takes its rim along"
    assert (labels[2:5, 88:93] == 2).all()


def test_an_empty_mask_has_no_figures() -> None:
    labels, figures = find_figures(np.full((9, 9), 100, np.uint8))
    assert figures == []
    assert not labels.any()
