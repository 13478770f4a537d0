"""Confidence of the class that wins, and its calibration, against slow formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from portraitlite.benchmarks.accuracy.figures import METRICS
from portraitlite.benchmarks.accuracy.score import Prediction, Truth, score_photo
from portraitlite.benchmarks.accuracy.winner import winning_confidence
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.types import OutputKind, ResizeConvention

LABELS = ("background", "person", "dog", "cat")
ANIMALS = np.array([0, 1, 2, 2], np.uint8)  # dog and cat are scored as one
SIDE = 6


def seen(output: npt.NDArray[Any], kind: OutputKind, labels: tuple[str, ...] = LABELS, **more: Any) -> Segmentation:
    metadata = ModelMetadata(
        "m", labels, SIDE, SIDE, output_kind=kind, resize_convention=ResizeConvention.ALIGN_CORNERS, **more
    )
    return Segmentation(output, metadata, SIDE, SIDE, SIDE, SIDE)


def scores() -> npt.NDArray[np.float32]:
    return np.random.default_rng(3).normal(0, 2, (SIDE, SIDE, 4)).astype(np.float32)


def by_hand(row: Any) -> float:
    """Winner and its group's share of the softmax, in plain arithmetic."""
    powers = [np.exp(float(value)) for value in row]
    group = ANIMALS[int(np.argmax(row))]
    return sum(power for power, one in zip(powers, ANIMALS, strict=True) if one == group) / sum(powers)


def test_classes_that_count_as_one_add_up() -> None:
    output = scores()
    found = winning_confidence(seen(output, OutputKind.LOGITS), ANIMALS)
    assert found is not None
    want = np.array([[by_hand(output[y, x]) for x in range(SIDE)] for y in range(SIDE)])
    assert np.abs(found / 255 - want).max() <= 0.5 / 255 + 1e-6
    shares = np.exp(output) / np.exp(output).sum(-1, keepdims=True)
    same = winning_confidence(seen(shares, OutputKind.CONFIDENCE), ANIMALS)
    assert same is not None
    assert np.array_equal(found, same)


def test_one_class_of_two() -> None:
    output = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE, 1)
    two, table = ("background", "person"), np.array([0, 1], np.uint8)
    found = winning_confidence(seen(output, OutputKind.CONFIDENCE, two, output_label="person"), table)
    assert found is not None
    assert found.min() >= 127
    assert (found[0, 0], found[-1, -1]) == (255, 255)  # sure that it is not, sure that it is


def test_models_that_do_not_say() -> None:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    assert winning_confidence(seen(labels, OutputKind.LABELS), ANIMALS) is None
    one = scores()[..., :1]
    assert winning_confidence(seen(one, OutputKind.CONFIDENCE, output_label="person"), ANIMALS) is None
    tally, _ = score_photo(Truth(labels, 1), Prediction(labels, labels, None, False), 3)
    assert "winner" not in tally


def test_the_error_is_that_of_confidence_and_hits(oracle: Any) -> None:
    rng = np.random.default_rng(4)
    truth, labels = (rng.integers(0, 3, (30, 40)).astype(np.uint8) for _ in range(2))
    truth[:3] = 255  # does not count
    winner = rng.integers(100, 256, (30, 40)).astype(np.uint8)
    tally, _ = score_photo(Truth(truth, None), Prediction(labels, labels, None, True, winner), 3)
    known = truth != 255
    slow = oracle("accuracy_metrics").calibration_error(winner[known].tolist(), (truth == labels)[known].tolist())
    key, formula = METRICS["calibration_error_winner"]
    assert float(formula({key: tally[key]})) == pytest.approx(slow, abs=1e-12)
    assert slow > 0.1
