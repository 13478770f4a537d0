"""The disc that the graphs really draw: measured from the picture of a dot, not from the numbers behind it."""

from __future__ import annotations

import numpy as np
import pytest

from portraitlite.runtime.blur import BlurRenderer, BlurSpec, choose_scale

SPEC = BlurSpec()
GREY, BRIGHT = 128, 255


@pytest.fixture(scope="module")
def renderer() -> BlurRenderer:
    return BlurRenderer()


def effective_radius(renderer: BlurRenderer, height: int, width: int, strength: float) -> tuple[float, float]:
    """Radius, in photo pixels, of the even disc with the second moment of the drawn one; and fade there.

    A dot of one plan pixel on grey, no subject; measured in linear light in the plan's background.
    """
    choice = choose_scale(height, width, SPEC)
    s = choice.scale
    row, column = choice.used_height // 2, choice.used_width // 2
    photo = np.full((height, width, 3), GREY, np.uint8)
    photo[row * s : (row + 1) * s, column * s : (column + 1) * s] = BRIGHT
    plan = renderer.plan(photo, np.zeros((8, 8), np.uint8), choice, strength=strength)
    # No kernel reaches over 12 plan pixels; further out the moment would only weigh rounding errors.
    around = plan[row - 14 : row + 15, column - 14 : column + 15, 4:7].astype(np.float64)
    light = (around**2).mean(-1)
    drawn = light - light[0, 0]
    y, x = np.mgrid[-14:15, -14:15]
    moment = (drawn * (y**2 + x**2)).sum() / drawn.sum()
    return s * np.sqrt(2 * moment), float(plan[row, column, 7])


@pytest.mark.parametrize(
    "size",
    [
        (64, 64),
        (378, 504),
        (379, 505),
        (505, 379),
        (600, 600),
        (757, 1009),
        (1000, 1000),
        (1080, 1920),
        (400, 2000),
        (3024, 4032),
        (3025, 4033),
        (1550, 7750),
    ],
)
def test_the_disc_is_the_same_share_of_the_diagonal(renderer: BlurRenderer, size: tuple[int, int]) -> None:
    radius, fade = effective_radius(renderer, *size, 1.0)
    assert radius / np.hypot(*size) == pytest.approx(1 / 63, rel=0.1)
    assert fade > 0.98


def test_the_slider_moves_evenly(renderer: BlurRenderer) -> None:
    measured = [effective_radius(renderer, 378, 504, strength) for strength in np.linspace(0.1, 1, 19)]
    # The finished picture mixes the photo (a disc of radius 0) with the background by fade.
    radii = [radius * np.sqrt(fade) for radius, fade in measured]
    steps = np.diff(radii)
    assert steps.min() > 0
    assert steps.max() / steps.min() < 1.5
