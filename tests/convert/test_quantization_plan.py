"""Who quantizes and how long it learns, by default and when stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import Engine, plan_quantization
from portraitlite.convert.quantization.learning import DEFAULT_STEPS
from portraitlite.convert.quantization.plan import LEARNING_LIMIT, LEAST_PHOTOS
from portraitlite.convert.types import Recipe
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import OutputKind

LITERT, TENSORFLOW = Engine.LITERT_QUANTIZER, Engine.TFLITE_CONVERTER
MANY, FEW, LARGE = LEAST_PHOTOS, LEAST_PHOTOS - 1, LEARNING_LIMIT + 1


@pytest.fixture(scope="module")
def learnable(oracle: Any) -> bytes:
    return _one_op(oracle, "RELU", (1, 4, 4, 3))


def _one_op(oracle: Any, kind: str, shape: tuple[int, ...]) -> bytes:
    model = oracle("tiny_tflite").TinyModel()
    a, b = model.tensor(shape, "float32"), model.tensor(shape, "float32")
    model.op(kind, [a], [b])
    model.inputs, model.outputs = [a], [b]
    return bytes(model.data())


@pytest.mark.parametrize(
    ("recipe", "engine", "updates", "photos", "multiply_adds", "want", "reason"),
    [
        (Recipe.INT8, None, None, MANY, 1, (LITERT, DEFAULT_STEPS), None),
        (Recipe.INT8, None, None, FEW, 1, (TENSORFLOW, 0), f"wants {MANY} calibration photos or more, here are {FEW}"),
        (Recipe.INT8, None, None, MANY, LARGE, (TENSORFLOW, 0), "8 G multiply-adds are too many"),
        (Recipe.INT8, None, 0, MANY, 1, (TENSORFLOW, 0), None),
        (Recipe.INT8, None, 7, FEW, LARGE, (LITERT, 7), None),
        (Recipe.INT8, LITERT, None, FEW, 1, (LITERT, DEFAULT_STEPS), None),
        (Recipe.INT8, LITERT, 0, MANY, 1, (LITERT, 0), None),
        (Recipe.INT8, LITERT, None, MANY, LARGE, (LITERT, 0), "8 G multiply-adds are too many"),
        (Recipe.INT8, TENSORFLOW, None, MANY, 1, (TENSORFLOW, 0), None),
        (Recipe.MIXED, None, None, FEW, 1, (LITERT, DEFAULT_STEPS), None),
        (Recipe.MIXED, None, None, FEW, LARGE, (LITERT, 0), "8 G multiply-adds are too many"),
        (Recipe.INT16X8, None, None, FEW, LARGE, (LITERT, 0), None),
        (Recipe.FP16, None, None, FEW, LARGE, (TENSORFLOW, 0), None),
    ],
)
def test_plan(
    recipe: Recipe,
    engine: Engine | None,
    updates: int | None,
    photos: int,
    multiply_adds: int,
    want: tuple[Engine, int],
    reason: str | None,
    learnable: bytes,
) -> None:
    found = plan_quantization(
        recipe, engine, updates, float_model=learnable, photos=photos, multiply_adds=multiply_adds
    )
    assert (found.engine, found.updates) == want
    assert len(found.remarks) == (reason is not None)
    assert all(f"quantized by {want[0]} without learning" in line and (reason or "") in line for line in found.remarks)


@pytest.mark.parametrize(
    ("kind", "shape", "reason"),
    [("CEIL", (1, 4, 4, 3), "holds CEIL"), ("RELU", (1, 12000, 12000, 1), "GB of memory")],
)
def test_what_cannot_be_emulated_falls_back(kind: str, shape: tuple[int, ...], reason: str, oracle: Any) -> None:
    model = _one_op(oracle, kind, shape)
    found = plan_quantization(Recipe.INT8, None, None, float_model=model, photos=MANY, multiply_adds=1)
    assert (found.engine, found.updates) == (TENSORFLOW, 0)
    assert reason in found.remarks[0]


@pytest.fixture
def two_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default: more take a minute."""
    monkeypatch.setattr("portraitlite.convert.quantization.plan.DEFAULT_STEPS", 2)


def test_learning_from_flat_pictures_makes_a_correct_file(
    two_updates: None, tiny_tarball: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for level in range(0, 5 * LEAST_PHOTOS, 5):
        Image.new("RGB", (32, 32), (level, level, level)).save(folder / f"{level:03}.png")
    photo = load_photo(folder / "125.png")
    outputs = []
    for recipe in (Recipe.FP32, Recipe.INT8):
        options = ConvertOptions(recipe, folder, flags=SpecFlags(crop=(65, 65)), output=OutputKind.LOGITS)
        result = convert(tiny_tarball, tmp_path / f"{recipe}.tflite", options)
        outputs.append(Segmenter(result.model)(photo).output.ravel())
    assert result.metadata.provenance["quantization"] == {"engine": "litert-quantizer", "updates": 2}
    assert np.corrcoef(*outputs)[0, 1] > 0.9


def test_the_default_learns_repeats_and_says_so(two_updates: None, tiny_tarball: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(LEAST_PHOTOS + 1):
        Image.fromarray(rng.integers(0, 256, (36, 40, 3)).astype(np.uint8)).save(folder / f"{number:02}.png")
    flags = SpecFlags(crop=(33, 33))

    def file(name: str, photos: int) -> tuple[bytes, dict[str, Any], tuple[str, ...]]:
        options = ConvertOptions(Recipe.INT8, folder, photos, flags=flags, name="same")
        result = convert(tiny_tarball, tmp_path / f"{name}.tflite", options)
        return (tmp_path / f"{name}.tflite").read_bytes(), result.metadata.provenance["quantization"], result.notices

    learnt, made, notices = file("a", LEAST_PHOTOS)
    assert made == {"engine": "litert-quantizer", "updates": 2}
    assert not [line for line in notices if "without learning" in line]
    assert file("b", LEAST_PHOTOS)[0] == learnt, "the same conversion twice gave different bytes"
    _, made, notices = file("c", 3)
    assert made == {"engine": "tflite-converter", "updates": 0}
    assert [line for line in notices if "tflite-converter without learning" in line]
