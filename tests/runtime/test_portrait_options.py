"""The portrait's options, through the library and through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime import (
    DepthGuess,
    DepthMap,
    Fit,
    InputError,
    Keep,
    ModelMetadata,
    NothingToDoError,
    OutputKind,
    Photo,
    Portrait,
    load_depth,
    load_photo,
)


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait()


@pytest.fixture(scope="module")
def two(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people side by side, the left one larger, on a noisy ground."""
    scene = Image.fromarray(np.random.default_rng(2).integers(90, 130, (512, 800, 3), np.uint8))
    for name, left, side in (("man", 0, 512), ("woman", 560, 240)):
        with Image.open(photos / f"{name}.jpg") as image:
            scene.paste(image.resize((side, side)), (left, 512 - side))
    path = tmp_path_factory.mktemp("two") / "two.png"
    scene.save(path)
    return path


def _detail(pixels: np.ndarray, rows: slice, columns: slice) -> float:
    return float(np.abs(np.diff(pixels[rows, columns].astype(float).mean(-1), axis=1)).mean())


MAN, WOMAN = (slice(200, 500), slice(180, 330)), (slice(300, 380), slice(655, 705))


def _run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["portrait", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [({}, [True, True]), ({"keep": Keep.LARGEST}, [True, False]), ({"focus": (0.85, 0.8)}, [False, True])],
)
def test_who_is_not_kept_is_blurred(portrait: Portrait, two: Path, arguments: dict[str, Any], kept: list[bool]) -> None:
    photo = load_photo(two)
    result = portrait(photo, strength=1.0, **arguments)
    people = [figure for figure in result.subject.figures if figure.share > 0.03]
    assert [figure.kept for figure in people] == kept
    for where, sharp in zip((MAN, WOMAN), kept, strict=True):
        ratio = _detail(result.pixels, *where) / _detail(photo.pixels, *where)
        assert ratio > 0.9 if sharp else ratio < 0.6


def test_a_point_far_from_everybody_says_where_they_are(portrait: Portrait, photos: Path) -> None:
    photo = load_photo(photos / "man.jpg")
    shown = Photo(np.pad(photo.pixels, ((0, 0), (0, 900), (0, 0)), mode="edge"), source="wide.jpg")
    with pytest.raises(NothingToDoError, match=r"near 0.95,0.1 in wide.jpg; the largest is at 0\.\d+,0\.\d+: focus"):
        portrait(shown, focus=(0.95, 0.1))


def test_depth_decides_how_much_is_blurred(portrait: Portrait, photos: Path) -> None:
    photo = load_photo(photos / "terrace.jpg")
    mask = portrait(photo, strength=0).subject.resized(512, 512)
    nearness = np.where(mask > 127, 0.5, 0).astype(np.float32)
    nearness[:, :256] = 0.5  # a wall on the left, as near as the man
    result = portrait(photo, strength=1.0, depth=DepthMap(nearness))
    assert result.blur_map is not None
    everywhere = portrait(photo, strength=1.0)
    assert everywhere.blur_map is None
    left, right = (slice(20, 200), slice(10, 90)), (slice(20, 90), slice(370, 500))
    assert _detail(result.pixels, *left) > 2 * _detail(everywhere.pixels, *left)
    assert _detail(result.pixels, *right) == pytest.approx(_detail(everywhere.pixels, *right), rel=0.1)


def test_a_pet_is_kept_by_a_model_that_knows_it(make_conv_model: Callable[..., bytes], tmp_path: Path) -> None:
    """Red is background, green a person, blue a cat."""
    kernel = np.zeros((3, 1, 1, 3), np.float32)
    kernel[[0, 1, 2], 0, 0, [0, 1, 2]] = 10
    (tmp_path / "pets.tflite").write_bytes(make_conv_model((65, 65), kernel, np.zeros(3, np.float32)))
    labels = ("background", "person", "cat")
    meta = ModelMetadata("pets", labels, 65, 65, output_kind=OutputKind.LOGITS, fit=Fit.STRETCH)
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 60, (260, 260, 3), np.uint8)
    pixels[..., 0] += 190
    for channel, columns in ((1, slice(30, 110)), (2, slice(150, 230))):
        pixels[60:220, columns] = rng.integers(0, 60, (160, 80, 3), np.uint8)
        pixels[60:220, columns, channel] += 190
    person, cat = (slice(100, 180), slice(50, 90)), (slice(100, 180), slice(170, 210))
    for name, sharp, blurred in (("person", person, cat), ("cat", cat, person)):
        result = Portrait(tmp_path / "pets.tflite", metadata=meta, subject=name)(pixels, strength=1.0)
        assert np.abs(result.pixels[sharp].astype(int) - pixels[sharp]).max() <= 1
        assert _detail(result.pixels, *blurred) < 0.3 * _detail(pixels, *blurred)


def test_command_line_and_library_choose_the_same(portrait: Portrait, two: Path, tmp_path: Path) -> None:
    depth = tmp_path / "depth.png"
    Image.linear_gradient("L").resize((200, 128)).save(depth)
    arguments = ("--focus", "0.85,0.8", "--keep", "near", "--depth", depth, "--json")
    run = _run(two, "-o", tmp_path / "o.png", *arguments)
    assert run.exit_code == 0, run.output
    result = portrait(load_photo(two), focus=(0.85, 0.8), keep=Keep.NEAR, depth=load_depth(depth))
    with Image.open(tmp_path / "o.png") as image:
        assert np.array_equal(np.asarray(image), result.pixels)
    document = json.loads(run.stdout)
    assert document["depth"] == "map"
    who = document["subject"]
    assert (who["label"], who["keep"], who["focus"]) == ("person", "near", [0.85, 0.8])
    figures = result.subject.figures
    assert (who["found"], who["kept"]) == (len(figures), sum(figure.kept for figure in figures))
    assert [one["kept"] for one in who["figures"]] == [figure.kept for figure in figures]
    assert who["figures"][0]["box"] == pytest.approx(figures[0].box, abs=1e-4)
    assert who["figures"][0]["share"] == pytest.approx(figures[0].share, abs=1e-5)


def test_a_ground_that_is_not_seen_is_said(portrait: Portrait, photos: Path, tmp_path: Path) -> None:
    run = _run(photos / "man.jpg", "-o", tmp_path / "o.png", "--depth", "ground", "--json")
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["depth"] == "constant"
    assert "feet are not in the photo" in run.stderr
    with Image.open(tmp_path / "o.png") as image:
        plain = portrait(load_photo(photos / "man.jpg"), depth=DepthGuess.CONSTANT)
        assert np.array_equal(np.asarray(image), plain.pixels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--focus", "0.5"], "--focus 0.5 is no point"),
        (["--focus", "left,0.5"], "--focus left,0.5 is no point"),
        (["--focus", "0.5,0.5,0.5"], "is no point"),
        (["--focus", "100,80"], "100,80 is outside the photo"),
        (["--keep", "focus"], "needs a focus point"),
        (["--keep", "all", "--focus", "0.5,0.5"], "takes no focus point"),
        (["--depth", "sideways.png"], "sideways.png does not exist"),
        (["--subject", "unicorn"], "knows no class 'unicorn'"),
        (["--held", "bottle", "--model", "portrait"], "cannot tell what is 'bottle'"),
    ],
)
def test_bad_options_get_one_line_and_no_file(arguments: list[str], message: str, photos: Path, tmp_path: Path) -> None:
    run = _run(photos / "man.jpg", "-o", tmp_path / "o.png", *arguments)
    assert isinstance(run.exception, InputError), run.output
    assert message in str(run.exception)
    assert len(str(run.exception).splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_one_depth_map_does_not_fit_many_photos(photos: Path, tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "depth.png")
    run = _run(photos, "-o", tmp_path / "out", "--depth", tmp_path / "depth.png")
    assert isinstance(run.exception, InputError)
    assert "belongs to one photo" in str(run.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("subject", "held", "model"),
    [
        ("person", None, "portrait"),
        ("person", (), "portrait"),
        ("person", ("bottle",), "scene"),
        ("cat", None, "scene"),
    ],
)
def test_the_bundled_model_fits_the_subject(subject: str, held: tuple[str, ...] | None, model: str) -> None:
    assert Portrait(subject=subject, held=held).segmenter.metadata.name == model


def test_a_cat_that_is_not_there(photos: Path) -> None:
    with pytest.raises(NothingToDoError, match="no cat found"):
        Portrait(subject="cat")(load_photo(photos / "woman.jpg"))
