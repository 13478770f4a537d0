"""Masks keep still where the film does, and are new at once where it moves or cuts."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from portraitlite.benchmarks.accuracy.metrics.temporal import change_error
from portraitlite.runtime import Segmenter, SubjectChoice
from portraitlite.runtime.segmentation import mask_at_size
from portraitlite.runtime.video.cuts import is_cut
from portraitlite.runtime.video.film_subject import FilmSubject
from portraitlite.runtime.video.smoothing import HALF_LIFE_S, MaskSmoother, thumbnail

SCENES = runpy.run_path(str(Path(__file__).parents[1] / "oracles" / "film_scenes.py"))
SIDE = 65
BOX = (0.0, 0.0, float(SIDE), float(SIDE))
Floats = npt.NDArray[np.float64]
Shot = list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], Floats]]


@pytest.fixture(scope="module")
def draw() -> Callable[..., Shot]:
    """(mask as a network gives it that doubts the rim, thumbnail, true alpha) of every frame, drawn once."""
    drawn: dict[str, Any] = {}

    def shot(name: str, light: float = 1.0) -> Shot:
        if name not in drawn:
            drawn[name] = list(SCENES["frames"](SCENES["SCENES"][name], 16, height=180, width=320))
        rng = np.random.default_rng(5)
        rows: Shot = []
        for pixels, alpha in drawn[name]:
            small = Image.fromarray(alpha.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX)
            sure = np.asarray(small)
            mask = sure + 4 * sure * (1 - sure) * rng.normal(0, 0.2, sure.shape)
            dim = (pixels * light).astype(np.uint8)
            rows.append(((255 * mask).clip(0, 255).astype(np.uint8), thumbnail(dim, BOX, SIDE, SIDE), alpha))
        return rows

    return shot


def _flicker_and_error(shot: Shot, masks: list[npt.NDArray[np.uint8]]) -> tuple[float, float]:
    """Mean over the frames: how far changes differ from the true ones (dtSSD / 100), and the mean error."""
    found = [mask_at_size(mask, BOX, *alpha.shape) / 255 for mask, (_, _, alpha) in zip(masks, shot, strict=True)]
    truth = [alpha for _, _, alpha in shot]
    changes = [
        np.sqrt((((after - before) - (new - old)) ** 2).mean())
        for after, before, new, old in zip(found[1:], found, truth[1:], truth, strict=False)
    ]
    return float(np.mean(changes)), float(np.mean([np.abs(a - b).mean() for a, b in zip(found, truth, strict=True)]))


def _smooth(shot: Shot, rate: float = 30.0) -> list[npt.NDArray[np.uint8]]:
    smoother = MaskSmoother()
    return [smoother(mask, small, n / rate) for n, (mask, small, _) in enumerate(shot)]


def test_a_still_subject_does_not_flicker(draw: Callable[..., Shot]) -> None:
    shot = draw("still")
    flicker, error = _flicker_and_error(shot, [mask for mask, _, _ in shot])
    smooth, smooth_error = _flicker_and_error(shot, _smooth(shot))
    assert smooth < 0.25 * flicker
    assert smooth_error < error


@pytest.mark.parametrize("name", ["slow", "walking", "running", "pan"])
@pytest.mark.parametrize("light", [1.0, 0.3])
def test_a_moving_one_is_no_worse(name: str, light: float, draw: Callable[..., Shot]) -> None:
    shot = draw(name, light)
    flicker, error = _flicker_and_error(shot, [mask for mask, _, _ in shot])
    smooth, smooth_error = _flicker_and_error(shot, _smooth(shot))
    assert smooth < 1.02 * flicker
    assert smooth_error < 1.05 * error


def test_the_half_life_is_one_at_any_frame_rate() -> None:
    still = np.full((8, 8, 3), 90, np.uint8)
    for frames in (1, 4, 24):
        smoother = MaskSmoother()
        smoother(np.full((8, 8), 200, np.uint8), still, 7.0)
        times = [7.0 + n * HALF_LIFE_S / frames for n in range(1, frames + 1)]
        last = [smoother(np.full((8, 8), 100, np.uint8), still, time_s) for time_s in times][-1]
        assert last == pytest.approx(150, abs=1)


def test_nothing_is_left_where_somebody_was() -> None:
    """Somebody jumps: the picture changes there, so the mask does, and only there."""
    before, after = np.full((2, 20, 20, 3), 60, np.uint8)
    before[5:15, 2:7] = after[5:15, 13:18] = 200
    smoother = MaskSmoother()
    smoother(before[..., 0], before, 0.0)
    mask = after[..., 0].copy()
    mask[0, 0] = 255  # flicker far away
    found = smoother(mask, after, 1 / 30)
    np.testing.assert_array_equal(found[4:16], mask[4:16])
    assert found[0, 0] < 90


def test_creeping_adds_up_until_the_mask_follows() -> None:
    """Each step is below what opens the gate; held against the last frame alone it would never open."""
    smoother = MaskSmoother(half_life_s=1e6)
    masks, found = [], []
    for n in range(60):
        inside = np.clip((np.arange(40) - 10 - 0.01 * n) * 0.5, 0, 1)[None].repeat(40, 0)  # 0.4 bytes a frame
        picture = np.repeat((60 + 80 * inside).astype(np.uint8)[..., None], 3, -1)
        masks.append((255 * inside).astype(np.uint8))
        found.append(smoother(masks[-1], picture, n / 30).astype(int))
    moved = np.abs(masks[-1].astype(int) - masks[0]).sum()
    assert np.abs(found[-1] - masks[-1]).sum() < 0.4 * moved


def test_a_new_size_and_a_reset_begin_anew() -> None:
    still = np.full((8, 8, 3), 90, np.uint8)
    smoother = MaskSmoother()
    smoother(np.zeros((8, 8), np.uint8), still, 0.0)
    large = np.full((9, 8), 255, np.uint8)
    np.testing.assert_array_equal(smoother(large, np.full((9, 8, 3), 90, np.uint8), 0.01), large)
    smoother.reset()
    new = np.full((9, 8), 17, np.uint8)
    np.testing.assert_array_equal(smoother(new, np.full((9, 8, 3), 90, np.uint8), 0.02), new)


def test_thumbnails_are_means_and_repeat_the_rim() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 40:] = (100, 50, 200)
    small = thumbnail(pixels, (0.0, 0.0, 8.0, 4.0), 8, 8)
    assert small.shape == (8, 8, 3)
    assert (small[:, :4] == 0).all()
    assert (small[:, 4:] == (100, 50, 200)).all()


@pytest.mark.parametrize("light", [1.0, 0.2])
def test_cuts_are_found_and_motion_is_none(light: float, draw: Callable[..., Shot]) -> None:
    for name in SCENES["SCENES"]:
        shot: Any = draw(name, light)
        cuts = [n for n in range(1, len(shot)) if is_cut(shot[n - 1][1], shot[n][1])]
        assert cuts == ([SCENES["SCENES"]["cut"].cut_at] if name == "cut" else []), name


def test_black_is_no_cut_and_light_is_none(draw: Callable[..., Shot]) -> None:
    _, lit, _ = draw("still")[0]
    noise = np.random.default_rng(0).integers(0, 3, (2, *lit.shape), np.uint8)
    assert not is_cut(noise[0], noise[1])
    assert not is_cut(lit, (lit * 0.5).astype(np.uint8)), "somebody turns a lamp off"


def test_the_bundled_network_on_a_still_and_a_walking_person() -> None:
    """As `scripts/measure_video.py`, on few frames."""
    segmenter = Segmenter()
    for name, most in (("still", 0.5), ("walking", 1.02)):
        flicker = []
        shot = list(SCENES["frames"](SCENES["SCENES"][name], 6))
        masks = [segmenter(pixels) for pixels, _ in shot]
        for smooth in (False, True):
            answers = iter(masks)
            subject = FilmSubject(lambda pixels, answers=answers: next(answers), SubjectChoice(), smooth=smooth)
            found = [subject(pixels, n / 30).resized(*alpha.shape) / 255 for n, (pixels, alpha) in enumerate(shot)]
            truth = [alpha for _, alpha in shot]
            steps = range(1, len(shot))
            flicker.append(np.mean([change_error(truth[n], truth[n - 1], found[n], found[n - 1]) for n in steps]))
        assert flicker[1] < most * flicker[0], name
