"""Against a scene whose right answer is known; `scripts/bench_blur_quality.py` has the larger size too."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from typing import Any

import pytest

from portraitlite.runtime.blur import BlurRenderer, BlurSpec

HARD: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "oracles" / "hard_scene.py"))
HEIGHT, WIDTH, RADIUS = 768, 1024, 15.0


@pytest.fixture(scope="module")
def scene() -> Any:
    return HARD["make_scene"](HEIGHT, WIDTH, RADIUS)


def figures(scene: Any, picture: Any) -> dict[str, float]:
    return {name: HARD["psnr"](picture, scene.truth, where) for name, where in scene.areas().items()}


def test_the_hard_scene_reaches_its_limits(scene: Any) -> None:
    strength = RADIUS / (BlurSpec().radius_share * math.hypot(HEIGHT, WIDTH))
    got = figures(scene, BlurRenderer().render(scene.photo, scene.mask(), strength=strength))
    assert got["all"] >= 38.5
    assert got["band"] >= 32.3
    assert got["edge"] >= 26.0


def test_the_scene_is_what_it_says(scene: Any) -> None:
    unblurred = figures(scene, scene.photo)
    assert unblurred["all"] < 26
    areas = scene.areas()
    assert 0.01 < areas["edge"].mean() < 0.05
    assert not (areas["edge"] & areas["band"]).any()
    # Where the subject covers all, the truth is the photo but for noise.
    assert HARD["psnr"](scene.photo, scene.truth, scene.alpha == 1) > 45
    again = HARD["make_scene"](96, 128, 2.0).photo
    assert (again == HARD["make_scene"](96, 128, 2.0).photo).all()
