from __future__ import annotations

import numpy as np
import pytest

from portraitlite.runtime.blur import BlurRenderer
from portraitlite.runtime.blur.highlights import FULL_BOOST, clipped_light, light_boost


@pytest.fixture(scope="module")
def renderer() -> BlurRenderer:
    return BlurRenderer()


def night(side: int, light: int, colour: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """A dark picture of 640 x 640 with one square light in the middle."""
    photo = np.full((640, 640, 3), 40, np.uint8)
    photo[320 : 320 + side, 320 : 320 + side] = colour if light == 255 else light
    return photo


EMPTY = np.zeros((8, 8), np.uint8)


def test_a_small_light_becomes_a_bright_disc(renderer: BlurRenderer) -> None:
    photo = night(8, 255)
    got = [renderer.render(photo, EMPTY, strength=1.0, highlights=h).astype(int) for h in (0.0, 0.5, 1.0)]
    centre = [int(picture[322:326, 322:326].mean()) for picture in got]
    assert centre[0] + 30 < centre[1]
    assert centre[1] + 30 < centre[2]
    # Disc radius is 14 pixels: nothing changes beyond.
    assert np.abs(got[2] - got[0])[:290].max() <= 1


def test_what_is_not_clipped_stays(renderer: BlurRenderer) -> None:
    photo = night(8, 238)
    plain = renderer.render(photo, EMPTY, strength=1.0)
    np.testing.assert_array_equal(renderer.render(photo, EMPTY, strength=1.0, highlights=1.0), plain)


def test_a_white_sky_does_not_bloom(renderer: BlurRenderer) -> None:
    photo = np.full((640, 640, 3), 40, np.uint8)
    photo[:320] = 255
    plain, boosted = (renderer.render(photo, EMPTY, strength=1.0, highlights=h).astype(int) for h in (0.0, 1.0))
    assert np.abs(boosted - plain).max() <= 40
    light = renderer.render(night(8, 255), EMPTY, strength=1.0, highlights=1.0).astype(int)
    assert np.abs(light - renderer.render(night(8, 255), EMPTY, strength=1.0)).max() > 80


def test_a_leaf_in_the_sun_keeps_its_colour(renderer: BlurRenderer) -> None:
    photo = night(8, 255, (235, 255, 90))
    plain = renderer.render(photo, EMPTY, strength=1.0)
    np.testing.assert_array_equal(renderer.render(photo, EMPTY, strength=1.0, highlights=1.0), plain)


def test_a_light_of_the_subject_stays_as_it_is(renderer: BlurRenderer) -> None:
    photo, everywhere = night(8, 255), np.full((8, 8), 255, np.uint8)
    got = renderer.render(photo, everywhere, strength=1.0, highlights=1.0)
    assert np.abs(got.astype(int) - photo).max() <= 1


def test_clipped_light_is_the_documented_integer_formula() -> None:
    photo = np.random.default_rng(0).integers(238, 256, (96, 96, 3), dtype=np.uint8)
    photo[:64] //= 2
    curve = np.minimum(255, 16 * np.maximum(0, photo.min(-1).astype(int) - 239))

    def mean(values: np.ndarray, s: int) -> np.ndarray:
        h, w = values.shape[0] // s, values.shape[1] // s
        total = values.reshape(h, s, w, s).sum((1, 3))
        return ((total + s * s // 2) * (2**24 // (s * s))) >> 24

    clipped = mean(curve, 3)  # 32 x 32 plan pixels, 2 x 2 neighbourhoods
    got = clipped_light(photo, 3)
    # In the outer half of an outer neighbourhood the enlarged mean is that neighbourhood's own.
    wide = mean(clipped, 16)[1, 1]
    np.testing.assert_array_equal(got[24:, 24:], (clipped[24:, 24:] * (255 - np.minimum(255, 2 * wide)) + 127) // 255)
    assert got[:16].max() == 0


def test_the_boost_grows_with_the_square() -> None:
    photo = night(8, 255)
    full = light_boost(photo, 2, 1.0)
    assert full.dtype == np.float32
    assert full.max() == pytest.approx(FULL_BOOST, rel=0.2)
    np.testing.assert_allclose(light_boost(photo, 2, 0.5), full / 4, rtol=1e-6)
    assert light_boost(photo, 2, 0.0).shape == full.shape
    assert not light_boost(photo, 2, 0.0).any()
