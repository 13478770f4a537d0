"""Photos that cannot serve, photos that are few, and what is reported of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import CALIBRATED
from portraitlite.convert.types import Recipe
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import OutputKind

CROP = (65, 97)
FLAGS = SpecFlags(crop=CROP)


def _options(recipe: Recipe, photos: Path, **other: Any) -> ConvertOptions:
    """Without learning, which has tests of its own and takes a minute."""
    photos_of = photos if recipe in CALIBRATED else None
    return ConvertOptions(recipe=recipe, calibrate=photos_of, flags=FLAGS, updates=0, **other)


@pytest.mark.parametrize("photos_given", ["missing", "empty", "unreadable", "file"])
def test_calibration_folders_that_cannot_serve(photos_given: str, tiny_tarball: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    if photos_given == "file":
        folder.write_text("x")
    elif photos_given != "missing":
        folder.mkdir()
    if photos_given == "unreadable":
        (folder / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"not a folder|holds no photos|can be read"):
        convert(tiny_tarball, tmp_path / "m.tflite", _options(Recipe.INT8, folder))
    assert not list(tmp_path.glob("m.*"))


def test_unreadable_calibration_photos_are_reported(tiny_tarball: Path, photo_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in photo_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.jpg").write_bytes(b"no picture")
    result = convert(tiny_tarball, tmp_path / "m.tflite", _options(Recipe.INT8, folder))
    assert [n for n in result.notices if "broken.jpg" in n]
    assert result.metadata.provenance["calibration"]["photos"] == 3


SERVING: dict[str, list[Image.Image]] = {
    "one photo": [Image.effect_noise((300, 200), 60).convert("RGB")],
    "one flat grey": [Image.new("L", (128, 128), 128)],
    "black and white": [Image.new("RGB", (80, 90), level) for level in ("black", "white")],
    "smaller than the input": [Image.effect_noise((40, 33), 90).convert("RGB")],
}


@pytest.fixture(scope="module")
def float_file(tiny_tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("float") / "f.tflite"
    convert(tiny_tarball, path, _options(Recipe.FP32, path, output=OutputKind.LOGITS))
    return path


@pytest.mark.parametrize(
    ("kind", "recipe"), [*((kind, Recipe.INT8) for kind in SERVING), ("one flat grey", Recipe.MIXED)]
)
def test_poor_photos_make_a_correct_file(
    kind: str, recipe: Recipe, tiny_tarball: Path, float_file: Path, tmp_path: Path
) -> None:
    """Its scores follow the float network's on the photos that fixed its ranges, and that they are few is reported."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(SERVING[kind]):
        image.save(folder / f"{number}.png")
    result = convert(tiny_tarball, tmp_path / "m.tflite", _options(recipe, folder, output=OutputKind.LOGITS))
    count = len(SERVING[kind])
    assert [n for n in result.notices if f"come from {count} calibration photo" in n]
    assert result.metadata.provenance["calibration"]["photos"] == count
    photo = load_photo(folder / "0.png")
    got, want = (Segmenter(path)(photo).output for path in (tmp_path / "m.tflite", float_file))
    assert np.corrcoef(want.ravel(), got.ravel())[0, 1] > 0.9


def test_a_count_of_zero_is_refused(tiny_tarball: Path, photo_folder: Path, tmp_path: Path) -> None:
    arguments = ["convert", str(tiny_tarball), "-o", str(tmp_path / "m.tflite"), "--calibrate", str(photo_folder)]
    run = CliRunner().invoke(app, [*arguments, "--calibration-count", "0"])
    assert run.exit_code == 2
    assert not list(tmp_path.iterdir())
