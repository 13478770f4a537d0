"""Every metric against a case done by hand and against a second implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from portraitlite.benchmarks.accuracy.figures import METRICS
from portraitlite.benchmarks.accuracy.metrics.boundary_f import boundary_f
from portraitlite.benchmarks.accuracy.metrics.boundary_iou import boundary_overlap
from portraitlite.benchmarks.accuracy.metrics.calibration import calibration_counts, calibration_error
from portraitlite.benchmarks.accuracy.metrics.confusion import confusion_matrix, mean_ratio, reference_mean_iou
from portraitlite.benchmarks.accuracy.metrics.matting import absolute_error, gradient_error, squared_error
from portraitlite.benchmarks.accuracy.metrics.neighbourhood import dilate_disc, dilate_square, erode_square
from portraitlite.benchmarks.accuracy.metrics.temporal import change_error
from portraitlite.benchmarks.accuracy.metrics.trimap import trimap_labels

IGNORED = 255
RNG_SEEDS = (0, 1, 2)


def blobs(seed: int, height: int = 37, width: int = 52, classes: int = 3) -> npt.NDArray[np.uint8]:
    """Smooth random label maps: cells of 8x8 pixels, shifted."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(classes, size=(height // 8 + 2, width // 8 + 2)).astype(np.uint8)
    top, left = rng.integers(8, size=2)
    return np.kron(cells, np.ones((8, 8), np.uint8))[top : top + height, left : left + width]


def miou(labels: Any, found: Any, classes: int) -> float:
    matrix = confusion_matrix(labels, found, classes)
    return float(mean_ratio(np.diag(matrix), matrix.sum(0) + matrix.sum(1) - np.diag(matrix)))


def test_the_official_rules_by_hand() -> None:
    labels = np.array([[0, 0, 1, IGNORED], [0, 1, 1, IGNORED]], np.uint8)
    found = np.array([[0, 1, 1, 2], [0, 1, 3, 3]], np.uint8)
    assert confusion_matrix(labels, found, 5).tolist() == [
        [2, 1, 0, 0, 0],
        [0, 2, 0, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    # 0: 2/3; 1: 2/4; 2 is predicted on ignored pixels only and 4 nowhere: left out; 3 is only predicted: 0.
    assert miou(labels, found, 5) == pytest.approx((2 / 3 + 2 / 4 + 0) / 3, abs=1e-15)


def test_nothing_but_ignored_pixels_is_not_a_number() -> None:
    assert np.isnan(miou(np.full((2, 2), IGNORED, np.uint8), np.zeros((2, 2), np.uint8), 3))


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_mean_iou_against_the_oracle(seed: int, oracle: Any) -> None:
    labels, found = blobs(seed), blobs(seed + 10, classes=5)
    labels[:5, :9] = IGNORED
    assert miou(labels, found, 6) == pytest.approx(oracle("accuracy_metrics").mean_iou(labels, found, 6), abs=1e-12)


def test_mean_iou_to_a_reference_leaves_out_what_it_lacks() -> None:
    reference, other = np.array([[0, 0, 1, 1]]), np.array([[0, 0, 1, 2]])
    assert reference_mean_iou(reference, other, 3) == pytest.approx((1 + 1 / 2) / 2)


def test_neighbourhoods_by_hand() -> None:
    dot = np.zeros((7, 9), bool)
    dot[3, 4] = True
    assert np.argwhere(dilate_disc(dot, 1)).tolist() == [[2, 4], [3, 3], [3, 4], [3, 5], [4, 4]]
    assert dilate_disc(dot, 2).sum() == 13
    assert dilate_square(dot, 2).sum() == 25
    assert dilate_square(dot, 100).all()
    assert dilate_disc(dot, 100).all()
    assert np.array_equal(erode_square(dilate_square(dot, 2), 2), dot)
    assert not erode_square(np.ones((5, 5), bool), 3).any()  # beyond the photo nothing is set
    assert erode_square(np.ones((5, 5), bool), 1).sum() == 9


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_boundaries_against_the_oracle(seed: int, oracle: Any) -> None:
    slow = oracle("accuracy_metrics")
    truth, found = blobs(seed) == 1, blobs(seed) == 1
    found[9:20, 12:33] ^= np.random.default_rng(seed).random((11, 21)) < 0.1
    inter, union = boundary_overlap(truth, found)
    assert inter / union == pytest.approx(slow.boundary_iou(truth.tolist(), found.tolist()), abs=1e-12)
    assert boundary_f(truth, found) == pytest.approx(slow.boundary_f(truth.tolist(), found.tolist()), abs=1e-12)
    assert 0.3 < inter / union < 1
    assert 0.3 < boundary_f(truth, found) < 1


def test_boundary_f_without_outlines() -> None:
    none, half = np.zeros((8, 8), bool), np.arange(64).reshape(8, 8) < 32
    assert boundary_f(none, none) == 1
    assert boundary_f(none, half) == boundary_f(half, none) == 0
    assert boundary_f(half, half) == 1


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_trimaps_against_the_oracle(seed: int, oracle: Any) -> None:
    labels = blobs(seed)
    labels[30:] = IGNORED
    assert np.array_equal(trimap_labels(labels), oracle("accuracy_metrics").trimap(labels))


def test_calibration_by_hand_and_against_the_oracle(oracle: Any) -> None:
    confidence = np.array([[255, 255, 0, 102]], np.uint8)
    subject = np.array([[True, False, False, True]])
    known = np.array([[True, True, True, True]])
    # Bin of 1: mean 1, half of it subject, two pixels; bin of 0: right; 0.4: all subject, one pixel.
    assert float(calibration_error(calibration_counts(confidence, subject, known))) == pytest.approx(
        (2 * 0.5 + 0.6) / 4
    )
    rng = np.random.default_rng(5)
    confidence = rng.integers(0, 256, (40, 50)).astype(np.uint8)
    subject, known = rng.random((40, 50)) < 0.4, rng.random((40, 50)) < 0.8
    slow = oracle("accuracy_metrics").calibration_error(confidence[known].tolist(), subject[known].tolist())
    assert float(calibration_error(calibration_counts(confidence, subject, known))) == pytest.approx(slow, abs=1e-12)


def test_matte_errors_by_hand_and_against_the_oracle(oracle: Any) -> None:
    truth, found = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[0.0, 0.5], [0.5, 1.0]])
    assert squared_error(truth, found) == 0.5
    assert absolute_error(truth, found) == pytest.approx(1 / 1000)
    rng = np.random.default_rng(3)
    truth, found = rng.random((11, 14)), rng.random((11, 14))
    assert gradient_error(truth, truth + 0.25) == pytest.approx(0, abs=1e-12)  # only edges count
    slow = oracle("accuracy_metrics").gradient_error(truth, found)
    assert gradient_error(truth, found) == pytest.approx(slow, rel=1e-9)


def test_changes_between_frames_by_hand() -> None:
    still, moved = np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 0.0]])
    assert change_error(moved, still, moved, still) == 0
    assert change_error(still, still, moved, moved) == 0  # a constant error does not flicker
    assert change_error(moved, still, still, still) == pytest.approx(100 * (1 / 4) ** 0.5)


def test_every_metric_is_a_function_of_sums_with_leading_axes() -> None:
    rng = np.random.default_rng(0)
    widths = {"pixels": 9, "trimap": 9, "boundary": 6, "boundary_f": 6, "subject": 4, "calibration": 45}
    widths |= {"matte": 7, "reference": 3, "winner": 45}
    rows = {name: rng.random((5, width)) + 1 for name, width in widths.items()}
    for key, formula in METRICS.values():
        together = formula(rows)
        assert together.shape == (5,)
        alone = [float(formula({key: rows[key][i]})) for i in range(5)]
        assert together.tolist() == alone
