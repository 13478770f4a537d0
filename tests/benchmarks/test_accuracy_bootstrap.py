from __future__ import annotations

import numpy as np
import pytest

from portraitlite.benchmarks.accuracy.bootstrap import bootstrap_totals, difference_interval, interval


def tallies(hits: list[float], total: float = 100.0) -> list[dict[str, np.ndarray]]:
    return [{"subject": np.array([hit, total, hit / total, 1.0])} for hit in hits]


def test_the_interval_is_that_of_the_mean() -> None:
    rng = np.random.default_rng(1)
    hits = rng.uniform(40, 100, 400).tolist()
    found = interval(bootstrap_totals(tallies(hits)), "subject_iou")
    assert found is not None
    assert found.value == pytest.approx(sum(hits) / 40000)
    error = np.std(hits) / 100 / 20  # standard error of the mean of 400 photos
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)
    assert found.low < found.value < found.high


def test_photos_of_no_weight_and_undefined_metrics() -> None:
    assert interval(bootstrap_totals(tallies([70.0])), "mean_iou") is None  # no such tally
    rows = [{"subject": np.zeros(4)} for _ in range(3)]
    assert interval(bootstrap_totals(rows), "subject_iou") is None
    some = interval(bootstrap_totals([*rows, *tallies([70.0])]), "subject_iou")  # many draws miss the only photo
    assert some is not None
    assert (some.value, some.low, some.high) == (0.7, 0.7, 0.7)


def test_differences_are_paired() -> None:
    """Photos differ widely, the models by the same amount on each: the difference has a narrow interval."""
    hits = np.random.default_rng(2).uniform(20, 90, 50)
    one, other = bootstrap_totals(tallies(hits.tolist())), bootstrap_totals(tallies((hits + 3).tolist()))
    found = difference_interval(one, other, "subject_iou")
    assert found is not None
    assert found.value == pytest.approx(-0.03)
    assert found.high - found.low < 1e-9
    alone = interval(one, "subject_iou")
    assert alone is not None
    assert alone.high - alone.low > 0.05


def test_draws_repeat() -> None:
    rows = tallies([10.0, 50.0, 90.0, 95.0])
    assert interval(bootstrap_totals(rows), "subject_iou") == interval(bootstrap_totals(rows), "subject_iou")
