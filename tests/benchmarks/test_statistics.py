from __future__ import annotations

import random

import pytest

from portraitlite.benchmarks.statistics import nearest_rank, summarize


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 15), (5, 15), (20, 15), (30, 20), (40, 20), (50, 35), (60, 35), (80, 40), (100, 50)]
)
def test_nearest_rank_on_five_values(percent: int, expected: int) -> None:
    assert nearest_rank([15, 20, 35, 40, 50], percent) == expected


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [(50, 50, 25), (50, 90, 45), (50, 99, 50), (100, 99, 99), (1000, 99, 990), (10, 90, 9)],
)
def test_nearest_rank_takes_the_exact_rank(count: int, percent: int, expected: int) -> None:
    assert nearest_rank(range(1, count + 1), percent) == expected


def test_statistics_by_hand() -> None:
    values = [4.0, 2.0, 4.0, 5.0, 4.0, 5.0, 7.0, 9.0]
    found = summarize(values)
    assert found.percentile_method == "nearest_rank"
    assert (found.min_ms, found.p50_ms, found.p90_ms, found.p99_ms) == (2, 4, 9, 9)
    assert found.mean_ms == 5
    assert found.std_ms == 2  # squares 1 9 1 0 1 0 4 16: sum 32, over 8 runs 4
    assert found.mad_ms == 1  # distances from 4, ascending: 0 0 0 1 1 2 3 5; the 4th


def test_one_run_is_all_there_is() -> None:
    found = summarize([3.5])
    assert (found.min_ms, found.p50_ms, found.p99_ms, found.mean_ms) == (3.5, 3.5, 3.5, 3.5)
    assert (found.std_ms, found.mad_ms) == (0, 0)


def test_order_does_not_matter_and_a_hiccup_leaves_the_mad() -> None:
    values = [10.0 + 0.1 * i for i in range(50)]
    shuffled = random.Random(1).sample(values, len(values))
    assert summarize(shuffled) == summarize(values)
    hiccup = summarize([*values[:-1], 1000.0])
    assert hiccup.mad_ms == pytest.approx(summarize(values).mad_ms)
    assert hiccup.std_ms > 100 * hiccup.mad_ms
