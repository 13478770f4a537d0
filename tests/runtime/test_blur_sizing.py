from __future__ import annotations

import math

import pytest

from portraitlite.runtime.blur.sizing import choose_scale, disc_radius
from portraitlite.runtime.blur.spec import BlurSpec, Orientation
from portraitlite.runtime.errors import InputError

SPEC = BlurSpec()


@pytest.mark.parametrize(
    ("height", "width", "scale", "orientation", "used"),
    [
        (64, 64, 1, Orientation.LANDSCAPE, (64, 64)),
        (378, 504, 1, Orientation.LANDSCAPE, (378, 504)),
        (504, 378, 1, Orientation.PORTRAIT, (504, 378)),
        (379, 505, 2, Orientation.LANDSCAPE, (190, 253)),
        (505, 379, 2, Orientation.PORTRAIT, (253, 190)),
        (3024, 4032, 8, Orientation.LANDSCAPE, (378, 504)),
        (4032, 3024, 8, Orientation.PORTRAIT, (504, 378)),
        (3025, 4032, 12, Orientation.LANDSCAPE, (253, 336)),
        (3464, 3464, 12, Orientation.LANDSCAPE, (289, 289)),
        (2160, 3840, 8, Orientation.LANDSCAPE, (270, 480)),
        (8660, 11547, 24, Orientation.LANDSCAPE, (361, 482)),
        (22361, 4472, 48, Orientation.PORTRAIT, (466, 94)),
        (1, 1, 1, Orientation.LANDSCAPE, (1, 1)),
        (24192, 18144, 48, Orientation.PORTRAIT, (504, 378)),
    ],
)
def test_scale_and_orientation(
    height: int, width: int, scale: int, orientation: Orientation, used: tuple[int, int]
) -> None:
    choice = choose_scale(height, width, SPEC)
    assert (choice.scale, choice.orientation) == (scale, orientation)
    assert (choice.used_height, choice.used_width) == used
    assert (choice.plan_height, choice.plan_width) == SPEC.plan_size(orientation)


@pytest.mark.parametrize(("height", "width"), [(24193, 100), (18145, 18145), (100, 24193)])
def test_too_large_names_the_limit(height: int, width: int) -> None:
    with pytest.raises(InputError, match=f"{width} x {height}.*24192 x 18144"):
        choose_scale(height, width, SPEC)


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, 0), (-1, 5)])
def test_empty_photo(height: int, width: int) -> None:
    with pytest.raises(InputError, match="at least one"):
        choose_scale(height, width, SPEC)


@pytest.mark.parametrize("size", [(64, 64), (379, 505), (505, 379), (1000, 1000), (400, 2000), (8660, 11547)])
def test_the_radius_is_a_share_of_the_diagonal_and_fits_the_bank(size: tuple[int, int]) -> None:
    scale = choose_scale(*size, SPEC).scale
    radius = disc_radius(*size, scale, 1.0, SPEC)
    assert radius <= SPEC.max_radius + 1e-9
    assert radius * scale / math.hypot(*size) == pytest.approx(1 / 63)
    assert disc_radius(*size, scale, 0.25, SPEC) == pytest.approx(radius / 4)
