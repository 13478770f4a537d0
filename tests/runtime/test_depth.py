"""Blur by distance: depth pictures, the ground, and what both make of the photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portraitlite.runtime import (
    DepthConvention,
    DepthGuess,
    DepthMap,
    Figure,
    InputError,
    SubjectMask,
    blur_map,
    load_depth,
)

MASK = np.zeros((64, 64), np.uint8)
MASK[16:48, 24:40] = 255


def _subject(*figures: Figure) -> SubjectMask:
    return SubjectMask(MASK, (0.0, 0.0, 64.0, 64.0), 0.125, figures)


def _scene(subject: float = 0.6, size: int = 256) -> np.ndarray:
    """Far (0) above, near (1) below, the subject in between and everything else at its depth."""
    depth = np.full((size, size), subject, np.float32)
    depth[: size // 8], depth[-size // 8 :] = 0, 1
    return depth


def test_blur_grows_with_the_distance_from_the_subject_on_both_sides() -> None:
    levels = blur_map(DepthMap(_scene()), _subject(), 300, 300)
    assert levels is not None
    assert levels.dtype == np.float32
    assert levels.shape == (256, 256)
    assert (levels[:32] == 1).all(), "the farthest gets the full strength"
    assert levels[40:200].max() == 0, "what is beside the subject stays sharp"
    assert levels[-32:] == pytest.approx((0.4 - 0.05) / (0.6 - 0.05), abs=1e-5), "the foreground blurs too"


def test_a_dead_zone_keeps_small_differences_sharp_and_a_flat_map_weak() -> None:
    depth = np.full((100, 100), 0.5, np.float32)
    depth[:20], depth[20:30] = 0.54, 0.58
    levels = blur_map(DepthMap(depth), _subject(), 100, 100)
    assert levels is not None
    assert levels[:20].max() == 0
    assert levels[20:30, :30] == pytest.approx(0.03 / 0.15, abs=1e-5)


def test_loose_edges_of_the_map_leave_no_sharp_seam() -> None:
    """The map takes 4 pixels around the subject for subject: they blur like what lies beyond."""
    depth = np.zeros((256, 256), np.float32)
    depth[60:196, 92:164] = 0.9  # the mask spans 64:192, 96:160
    levels = blur_map(DepthMap(depth), _subject(), 256, 256)
    assert levels is not None
    assert levels[61:64, 92:164].min() > 0.99
    assert levels[80:170, 93:96].min() > 0.99


def test_any_resolution_gives_the_same() -> None:
    small, large = (blur_map(DepthMap(_scene(size=n)), _subject(), 300, 300) for n in (256, 2048))
    assert small is not None
    assert large is not None
    assert large.shape == (512, 512)
    np.testing.assert_allclose(large[::2, ::2], small, atol=0.02)


def test_a_lying_map_does_not_fit_a_standing_photo() -> None:
    depth = DepthMap(np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20))
    assert blur_map(depth, _subject(), 300, 400) is not None
    assert blur_map(depth, _subject(), 300, 300) is not None
    with pytest.raises(InputError, match="the depth map is 20x10 for a photo of 300x400: turn it"):
        blur_map(depth, _subject(), 400, 300)


def test_the_ground_blurs_from_the_feet_to_the_eyes() -> None:
    standing = Figure((0.3, 0.2, 0.6, 0.8), 0.1)
    behind = Figure((0.7, 0.1, 0.8, 0.4), 0.05, kept=False)
    levels = blur_map(DepthGuess.GROUND, _subject(standing, behind), 400, 300)
    assert levels is not None
    column = levels[:, 0]
    height = np.arange(len(column)) / len(column)
    assert (column[height >= 0.8] == 0).all(), "in front of the feet all is sharp"
    eyes = 0.8 - 0.93 * 0.6
    assert (column[height < eyes - 0.01] == 1).all()
    between = (height > eyes) & (height < 0.8)
    assert (np.diff(column[between]) < 0).all()
    assert np.interp((0.8 + eyes) / 2, height, column) == pytest.approx(0.5, abs=0.01)


def test_without_visible_feet_or_by_choice_all_is_equally_far() -> None:
    assert blur_map(DepthGuess.GROUND, _subject(Figure((0.1, 0.2, 0.9, 1.0), 0.5)), 300, 300) is None
    assert blur_map(DepthGuess.GROUND, _subject(Figure((0.1, 0.2, 0.9, 0.7), 0.5, kept=False)), 300, 300) is None
    assert blur_map(DepthGuess.CONSTANT, _subject(Figure((0.3, 0.2, 0.6, 0.8), 0.1)), 300, 300) is None


@pytest.mark.parametrize("name", ["8.png", "16.png", "8.tif", "16.tif"])
def test_pictures_of_8_and_16_bits(name: str, tmp_path: Path) -> None:
    ramp = np.linspace(0.1, 0.7, 64 * 48).reshape(48, 64)
    stored = (ramp * 255).astype(np.uint8) if name.startswith("8") else (ramp * 65535).astype(np.uint16)
    Image.fromarray(stored).save(tmp_path / name)
    near = load_depth(tmp_path / name).nearness
    assert near.dtype == np.float32
    step = 1 / 150 if name.startswith("8") else 1 / 39_000
    np.testing.assert_allclose(near, (ramp - 0.1) / 0.6, atol=1.01 * step)
    far = load_depth(tmp_path / name, DepthConvention.FAR_WHITE).nearness
    np.testing.assert_allclose(far, 1 - near, atol=1e-6)


def test_bad_depth_files(tmp_path: Path) -> None:
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "whole.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99), np.uint8)).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("far away")
    Image.fromarray(ramp).save(tmp_path / "depth.jpg")
    Image.fromarray(np.repeat(ramp[..., None], 3, 2)).save(tmp_path / "colour.png")
    Image.new("L", (8, 8), 77).save(tmp_path / "flat.png")
    Image.fromarray(ramp.astype(np.float32)).save(tmp_path / "float.tif")
    Image.new("1", (8000, 7000)).convert("L").save(tmp_path / "large.png")
    for name, message in (
        ("absent.png", "does not exist"),
        (".", "is no file"),
        ("cut.png", "cannot be read"),
        ("text.png", "cannot be read"),
        ("depth.jpg", "cannot be read"),
        ("colour.png", "has RGB pixels, expected 8 or 16-bit grey"),
        ("float.tif", "has F pixels"),
        ("flat.png", "is 77 everywhere"),
        ("large.png", "has 8000x7000 pixels"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            load_depth(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "nearness",
    [np.zeros((4, 4)), np.zeros((4, 4, 1), np.float32), np.zeros((0, 4), np.float32)]
    + [np.full((4, 4), value, np.float32) for value in (-0.1, 1.1, np.nan)],
)
def test_depth_maps_that_are_none(nearness: np.ndarray) -> None:
    with pytest.raises(InputError, match="the depth map"):
        DepthMap(nearness)
