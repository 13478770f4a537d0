from __future__ import annotations

import numpy as np
import pytest

from portraitlite.runtime.blur.host import area_reduce, place_map, plan_inputs
from portraitlite.runtime.blur.sizing import choose_scale
from portraitlite.runtime.blur.spec import BlurSpec

SPEC = BlurSpec()


def integer_reduce(pixels: np.ndarray, scale: int) -> np.ndarray:
    """The documented formula, block by block, in plain integers."""
    height, width, channels = pixels.shape
    out = np.empty((-(-height // scale), -(-width // scale), channels), np.uint8)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            block = pixels[i * scale : (i + 1) * scale, j * scale : (j + 1) * scale].reshape(-1, channels)
            n = len(block)
            for c in range(channels):
                out[i, j, c] = ((int(block[:, c].sum(dtype=np.int64)) + n // 2) * (2**24 // n)) >> 24
    return out


@pytest.mark.parametrize("scale", SPEC.scales)
def test_area_reduction_is_the_documented_integer_formula(scale: int) -> None:
    rng = np.random.default_rng(scale)
    # More rows of blocks than one strip has, with partial blocks at both rims; full range and near-white values.
    for low in (0, 253):
        pixels = rng.integers(low, 256, (17 * scale + scale // 2 + 1, 2 * scale + 1, 3), dtype=np.uint8)
        np.testing.assert_array_equal(area_reduce(pixels, scale), integer_reduce(pixels, scale))


def test_a_map_of_the_photo_keeps_its_place() -> None:
    # 189 blocks and one pixel: the last plan pixel reaches far over the rim, and the map must not be squeezed by it.
    scale = 24
    height = width = 300 * scale + 1
    choice = choose_scale(height, width, SPEC)
    assert choice.scale == scale
    step = np.zeros((256, 256), np.uint8)
    step[:, 192:] = 255
    placed = place_map(step, (height, width), choice)
    assert placed.shape == (301, 301)
    edge = np.interp(127.5, placed[100].astype(float), np.arange(301) + 0.5)
    assert edge * scale / width == pytest.approx(0.75, abs=0.0005)


def test_the_box_selects_a_part_and_repeats_the_edge_beyond() -> None:
    choice = choose_scale(100, 200, SPEC)
    values = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (50, 1))
    np.testing.assert_array_equal(
        place_map(values, (100, 200), choice, (0, 0, 100, 50)), place_map(values, (100, 200), choice)
    )
    part = place_map(values, (100, 200), choice, (25, 0, 75, 50))
    assert part.shape == (100, 200)
    assert 48 <= part[50, 0] <= 52
    assert 146 <= part[50, -1] <= 150
    outside = place_map(values, (100, 200), choice, (-50, -10, 50, 60))
    assert (outside[:, :98] == 0).all()
    assert outside[50, -1] > 90


def test_inputs_have_the_plan_grid_and_repeat_the_rim() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 701, 3), dtype=np.uint8)
    mask = rng.integers(0, 256, (65, 65), dtype=np.uint8)
    choice = choose_scale(300, 701, SPEC)
    inputs = plan_inputs(pixels, mask, choice, SPEC, strength=1.0)
    assert {k: (v.shape, v.dtype) for k, v in inputs.items()} == {
        "rgb": ((1, 378, 504, 3), np.float32),
        "mask": ((1, 378, 504, 1), np.float32),
        "coc": ((1, 378, 504, 1), np.float32),
        "boost": ((1, 378, 504, 3), np.float32),
    }
    assert (choice.used_height, choice.used_width) == (150, 351)
    np.testing.assert_array_equal(inputs["rgb"][0, 149:, 7], np.tile(inputs["rgb"][0, 149, 7], (229, 1)))
    np.testing.assert_array_equal(inputs["mask"][0, 7, 350:], np.tile(inputs["mask"][0, 7, 350], (154, 1)))
    np.testing.assert_array_equal(inputs["rgb"][0, :150, :351], area_reduce(pixels, 2) * np.float32(1 / 255))
    assert np.ptp(inputs["coc"]) == 0


def test_a_blur_map_scales_the_radius() -> None:
    pixels = np.zeros((378, 504, 3), np.uint8)
    mask = np.zeros((8, 8), np.uint8)
    choice = choose_scale(378, 504, SPEC)
    ramp = np.tile(np.linspace(0, 1, 504, dtype=np.float32), (378, 1))
    coc = plan_inputs(pixels, mask, choice, SPEC, strength=1.0, coc=ramp)["coc"][0, 0, :, 0]
    assert coc[0] == 0
    assert coc[-1] == SPEC.layers - 1
    assert (np.diff(coc) > 0).all()
    half = plan_inputs(pixels, mask, choice, SPEC, strength=0.5, coc=ramp)["coc"]
    assert half.max() == pytest.approx(2, abs=1e-3)
