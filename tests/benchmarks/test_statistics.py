from __future__ import annotations

import random

import numpy as np
import pytest

from portraitlite.benchmarks.statistics import nearest_rank, paired_ratio, stability, summarize


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


def test_drift_is_the_last_quarter_against_the_first() -> None:
    found = stability([10.0, 10.0, 50.0, 50.0, 1.0, 1.0, 15.0, 15.0])
    assert (found.first_quarter_p50_ms, found.last_quarter_p50_ms, found.drift_ratio) == (10, 15, 1.5)
    assert stability([3.0]).drift_ratio == 1


def test_the_band_by_hand() -> None:
    assert stability([5.0] * 40).band_ratio == 0.02  # never less
    # Twenty runs in ten blocks: five blocks of 9, five of 11; their standard deviation is sqrt(10/9).
    found = stability([9.0, 9.0, 11.0, 11.0] * 5)
    assert found.band_ratio == pytest.approx(1.645 * 2**0.5 * (10 / 9) ** 0.5 / 10)


def test_the_band_ignores_what_a_median_ignores() -> None:
    values = [10.0 + 0.01 * (i % 3) for i in range(100)]
    values[17] = 500.0
    assert stability(values).band_ratio == 0.02


@pytest.mark.parametrize("lasting", [0.0, 0.9])
def test_two_runs_of_the_same_thing_agree_in_nine_of_ten_cases(lasting: float) -> None:
    """Noise of 5 % that lasts for one or some ten runs; what outlasts a whole run cannot be seen in it."""
    generator = np.random.default_rng(1)
    agreed = 0
    for _ in range(100):
        runs = []
        for _ in range(2):
            state, values = generator.normal(), []
            for step in generator.normal(size=100):
                state = lasting * state + (1 - lasting**2) ** 0.5 * step
                values.append(100 * (1 + 0.05 * state))
            runs.append(values)
        band = (sum(stability(run).band_ratio ** 2 for run in runs) / 2) ** 0.5
        medians = [float(np.median(run)) for run in runs]
        agreed += abs(medians[1] / medians[0] - 1) <= band
    assert agreed >= 90


def test_a_paired_ratio_does_not_see_common_drift() -> None:
    other = [10.0 + i for i in range(60)]
    found = paired_ratio([1.5 * value for value in other], other)
    assert (found.ratio, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5))


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    generator = np.random.default_rng(2)
    held, found, this, other = 0, None, np.empty((0, 1)), np.empty(0)
    for seed in range(100):
        this, other = (scale * np.exp(0.1 * generator.normal(size=80)) for scale in (110, 100))
        found = paired_ratio(this.tolist(), other.tolist(), seed=seed)
        held += found.low <= 1.1 <= found.high
    assert 86 <= held <= 100


def test_the_interval_is_the_same_for_the_same_seed() -> None:
    this, other = [1.0, 3.0, 2.0, 5.0, 4.0], [1.0, 1.0, 2.0, 2.0, 3.0]
    assert paired_ratio(this, other, seed=4) == paired_ratio(this, other, seed=4)
