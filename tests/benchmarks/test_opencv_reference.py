"""The OpenCV program that speed is compared with draws the same picture as the graphs."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from portraitlite.benchmarks.opencv_reference import naive_gaussian, opencv_blur
from portraitlite.runtime.blur import BlurRenderer
from portraitlite.runtime.errors import MissingDependencyError


@pytest.fixture(scope="module")
def renderer() -> BlurRenderer:
    return BlurRenderer()


@pytest.fixture
def scenes(oracle: Any) -> Any:
    return oracle("blur_scenes")


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((a.astype(float) - b) ** 2).mean()))


def ramp() -> np.ndarray:
    return np.tile(np.linspace(1, 0, 90, dtype=np.float32)[:, None], (1, 120))


@pytest.mark.parametrize("size", [(378, 504), (500, 400), (757, 1009)])
@pytest.mark.parametrize("depth", [False, True])
def test_it_is_the_same_picture(renderer: BlurRenderer, scenes: Any, size: tuple[int, int], depth: bool) -> None:
    photo, mask = scenes.portrait(*size), scenes.mask()
    coc = ramp() if depth else None
    ours = renderer.render(photo, mask, strength=1.0, coc=coc)
    theirs = opencv_blur(photo, mask, strength=1.0, coc=coc)
    assert theirs.shape == ours.shape
    assert psnr(ours, theirs) > 40
    assert psnr(ours, photo) < 36


def test_pieces_join_without_a_seam(scenes: Any) -> None:
    photo, mask = scenes.portrait(757, 1009), scenes.mask()
    pieces = opencv_blur(photo, mask, strength=0.7)
    whole = opencv_blur(photo, mask, strength=0.7, in_pieces=False)
    assert np.abs(pieces.astype(int) - whole).max() <= 1


def test_the_naive_way_has_the_disc_s_spread() -> None:
    radius = 10.0
    photo = np.zeros((101, 101, 3), np.uint8)
    photo[46:55, 46:55] = 255
    blurred = naive_gaussian(photo, np.zeros((8, 8), np.uint8), radius=radius)[..., 0].astype(float)
    y, x = np.mgrid[-50:51, -50:51]
    spread = (blurred * (x**2 + y**2)).sum() / blurred.sum() - 2 * (81 - 1) / 12
    # A disc's mean square radius is R^2 / 2; the Gaussian ends at the disc's rim and loses some of it.
    assert 0.75 < spread / (radius**2 / 2) < 1.0
    assert np.array_equal(naive_gaussian(photo, np.full((8, 8), 255, np.uint8), radius=radius), photo)


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match="pip install opencv-python-headless"):
        naive_gaussian(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), radius=2)
