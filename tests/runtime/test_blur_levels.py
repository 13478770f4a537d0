from __future__ import annotations

import numpy as np

from portraitlite.runtime.blur.levels import level_of_radius, nearest_layer
from portraitlite.runtime.blur.spec import BlurSpec

SPEC = BlurSpec()


def test_baked_radii_are_whole_levels() -> None:
    np.testing.assert_array_equal(level_of_radius(np.array(SPEC.radii), SPEC), np.arange(SPEC.layers))


def test_the_mix_of_two_layers_has_the_wanted_mean_square_radius() -> None:
    radius = np.linspace(0.01, SPEC.max_radius, 700)
    level = level_of_radius(radius, SPEC).astype(float)
    near = np.minimum(np.floor(level), SPEC.layers - 2).astype(int)
    u = level - near
    share = u**2 / (u**2 + 1 - u)  # what "near over far" leaves of the far layer
    radii = np.array(SPEC.radii)
    mixed = share * radii[near + 1] ** 2 + (1 - share) * radii[near] ** 2
    np.testing.assert_allclose(np.sqrt(mixed), radius, rtol=1e-4)


def test_levels_rise_and_stay_inside_the_bank() -> None:
    level = level_of_radius(np.linspace(0, SPEC.max_radius * (1 + 1e-12), 1000), SPEC)
    assert level.dtype == np.float32
    assert (np.diff(level) > 0).all()
    assert level.min() == 0
    assert level.max() == SPEC.layers - 1


def test_two_layers_suffice_where_all_levels_lie_between_them() -> None:
    for levels, wanted in (
        ([0.0], 0),
        ([0.0, 0.4], 0),
        ([1.0], 1),
        ([0.999, 1.0], 0),
        ([1.5, 2.0], 1),
        ([1.5, 2.001], None),
        ([3.0, 4.0], 3),
        ([4.0], 3),
        ([0.0, 4.0], None),
    ):
        assert nearest_layer(np.array(levels, np.float32), SPEC) == wanted
