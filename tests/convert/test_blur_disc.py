from __future__ import annotations

import numpy as np
import pytest

from portraitlite.convert.blur.disc import MAX_TAPS, disc_image, fit_disc
from portraitlite.runtime.blur.spec import BlurSpec


@pytest.mark.parametrize(
    ("radius", "components", "limit"),
    [(4, 1, 0.10), (4, 2, 0.024), (4, 3, 0.005), (8, 1, 0.15), (8, 2, 0.06), (8, 3, 0.03), (10, 2, 0.075)],
)
def test_the_fit_is_as_good_as_known(radius: float, components: int, limit: float) -> None:
    kernel = fit_disc(radius, components)
    target = disc_image(radius, kernel.half)
    error = np.sqrt(((kernel.image() - target) ** 2).mean()) / target.max()
    assert error < limit
    assert kernel.rms == pytest.approx(error)
    assert len(kernel.passes) == 2 * components


@pytest.mark.parametrize("radius", BlurSpec().radii[1:])
def test_baked_discs_sum_to_one_and_have_the_right_size(radius: float) -> None:
    kernel = fit_disc(radius, BlurSpec().components)
    image = kernel.image()
    t = np.arange(-kernel.half, kernel.half + 1)
    moment = (image * (t[:, None] ** 2 + t[None] ** 2)).sum()
    assert image.sum() == pytest.approx(1, abs=1e-6)
    assert np.sqrt(2 * moment) == pytest.approx(radius, rel=0.02)
    assert 2 * kernel.half + 1 <= MAX_TAPS
    np.testing.assert_allclose(image, image[::-1, ::-1])


def test_a_disc_image_has_the_area_of_a_disc() -> None:
    assert 1 / disc_image(8, 10).max() == pytest.approx(np.pi * 64, rel=0.01)


def test_too_many_taps_are_refused() -> None:
    with pytest.raises(ValueError, match="27 taps"):
        fit_disc(11, 2)
