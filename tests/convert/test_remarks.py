"""What the result card warns of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.agreement import Agreement, PhotoAgreement, compare_models
from portraitlite.convert.calibration import CalibrationSet
from portraitlite.convert.measure import LatencyRatio, Measures
from portraitlite.convert.remarks import calibration_remarks, dead_remarks, measure_remarks
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import TensorInfo
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import OutputKind

LABELS = ("ground", "person", "sky", "tree", "car")


def _measures(mean: float, **other: Any) -> Measures:
    agreement = Agreement((PhotoAgreement("a.jpg", mean),), **{"held_out": True, "never": (), **other})
    return Measures(agreement, LatencyRatio(1, 1, 9), None)


def test_a_class_that_never_wins_is_named() -> None:
    remarks = measure_remarks(_measures(0.99, never=(2,), unseen=(3, 4)), Recipe.INT8, LABELS, None)
    assert remarks == [
        "sky is found by the float model and never by this file",
        "2 of 5 classes win nowhere on the 1 photos of the comparison, in the float model either (tree, car): "
        "nothing is known about them",
    ]


def test_one_channel_has_two_classes_of_its_own() -> None:
    (line,) = measure_remarks(_measures(0.99, never=(1,)), Recipe.INT8, LABELS, "sky")
    assert line.startswith("sky is found")


@pytest.mark.parametrize(("recipe", "other"), [(Recipe.INT8, "fp16"), (Recipe.FP16, "fp32")])
def test_poor_agreement_names_a_finer_recipe(recipe: Recipe, other: str) -> None:
    (line,) = measure_remarks(_measures(0.5), recipe, LABELS, None)
    assert line.startswith("only 50.0 % of the labels")
    assert line.endswith(f"--recipe {other}")


def test_what_was_not_measured_is_said() -> None:
    (line,) = measure_remarks(Measures(None, LatencyRatio(1, 1, 9), None), Recipe.INT8, LABELS, None)
    assert "was not measured" in line
    (line,) = measure_remarks(_measures(0.99, held_out=False), Recipe.INT8, LABELS, None)
    assert "calibration photos themselves" in line


def test_few_photos_and_dead_layers() -> None:
    files = tuple(Path(f"{i}.jpg") for i in range(20))
    assert calibration_remarks(CalibrationSet(files, (), (), (), "")) == []
    chosen = CalibrationSet(files[:1], (), (("x.jpg", "x.jpg is no picture"),), ("y.jpg",), "")
    lines = calibration_remarks(chosen)
    assert len(lines) == 3
    assert "come from 1 calibration photo only" in lines[2]
    assert dead_remarks(()) == []
    assert "5 layers put out the same whatever the picture (a, b, c and 2 more)" in dead_remarks(tuple("abcde"))[0]


class _Constant:
    """A runner that gives the same labels for every photo."""

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels
        self.inputs = [TensorInfo("image", (1, 8, 8, 3), np.dtype(np.float32))]

    def run(self, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [self.labels[None]]


def test_classes_that_no_model_finds_are_counted(photos: Path) -> None:
    metadata = ModelMetadata("m", LABELS, 8, 8, output_kind=OutputKind.LABELS)
    wanted = np.zeros((8, 8), np.uint8)
    wanted[:4] = 2
    runners: list[Any] = [_Constant(wanted), _Constant(np.zeros_like(wanted))]
    agreement = compare_models(runners[0], metadata, runners[1], metadata, [photos / "man.jpg"], held_out=True)
    assert (agreement.mean, agreement.never, agreement.unseen) == (0.5, (2,), (1, 3, 4))
    assert agreement.to_dict()["unseen"] == [1, 3, 4]
