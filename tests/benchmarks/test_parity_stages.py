"""How differences are counted, and what the gate lets pass."""

from __future__ import annotations

import numpy as np
import pytest

from portraitlite.benchmarks.parity_stages import ParityGate, ParityStage, compare_stage


def test_equal_arrays() -> None:
    for stage in ParityStage:
        found = compare_stage(stage, np.ones((4, 5), np.uint8), np.ones((4, 5), np.uint8))
        assert (found.equal_share, found.largest, found.on_borders_share) == (1.0, 0.0, None)
        assert ParityGate(100, 0).failure(found) is None


def test_bytes_do_not_wrap_around() -> None:
    found = compare_stage(ParityStage.PICTURE, np.array([[0, 255]], np.uint8), np.array([[255, 255]], np.uint8))
    assert (found.equal_share, found.largest) == (0.5, 255.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_never_pass(value: float) -> None:
    array = np.array([1.0, value], np.float32)
    found = compare_stage(ParityStage.PICTURE, array, array)
    assert ParityGate(0, 255).failure(found) is not None


def test_differences_on_borders_are_told_apart() -> None:
    here = np.zeros((10, 10), np.uint8)
    here[:, 5:] = 1
    there = here.copy()
    there[0, 5] = 0  # beside the border
    there[9, 0] = 1  # far from it
    found = compare_stage(ParityStage.LABELS, here, there)
    assert (found.equal_share, found.on_borders_share) == (0.98, 0.5)


@pytest.mark.parametrize(
    ("stage", "percent", "steps", "passes"),
    [
        (ParityStage.LABELS, 98.0, 0, True),
        (ParityStage.LABELS, 98.5, 0, False),
        (ParityStage.PICTURE, 100.0, 1, True),
        (ParityStage.PICTURE, 0.0, 0, False),
        (ParityStage.PLAN, 100.0, 0, True),
    ],
)
def test_the_gate(stage: ParityStage, percent: float, steps: int, passes: bool) -> None:
    here = np.zeros((10, 10), np.uint8)
    there = here.copy()
    there[0, :2] = 1
    found = compare_stage(stage, here, there)
    assert (ParityGate(percent, steps).failure(found) is None) == passes
