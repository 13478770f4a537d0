from __future__ import annotations

import numpy as np
import pytest

from portraitlite.runtime.blur import BlurRenderer, BlurSpec
from portraitlite.runtime.blur.grain import GRAIN_UNIT, noise_level, noise_tile
from portraitlite.runtime.blur.host import noise_input

SPEC = BlurSpec()


def noisy(sigma: float, height: int = 500, width: int = 700, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = np.linspace(60, 190, width)[None, :, None] + np.zeros((height, 1, 3))
    return (base + rng.normal(0, sigma, base.shape)).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 4, 8])
def test_the_level_is_the_noise(sigma: float) -> None:
    assert noise_level(noisy(sigma)) / 16 == pytest.approx(sigma, rel=0.15, abs=0.07)


def test_texture_does_not_count_as_noise() -> None:
    photo = noisy(2)
    photo[:, :400] = np.random.default_rng(1).integers(20, 230, (500, 400, 3))
    assert noise_level(photo) / 16 == pytest.approx(2, rel=0.3)


@pytest.mark.parametrize("name", ["one colour", "slope", "waves", "black", "white", "small", "thin"])
def test_a_photo_without_noise_gets_none(name: str) -> None:
    y, x = np.mgrid[:400, :600]
    plane = {
        "one colour": np.full((400, 600), 99),
        "slope": x * 0.21 + y * 0.17 + 20,
        "waves": 128 + 60 * np.sin(x / 90) * np.cos(y / 70),
        "black": np.zeros((400, 600)),
        "white": np.full((400, 600), 255),
        "small": np.full((20, 20), 99),
        "thin": np.full((3, 600), 99),
    }[name]
    photo = np.repeat(plane[..., None], 3, -1).round().clip(0, 255).astype(np.uint8)
    assert noise_level(photo) == 0
    assert not noise_input(photo, 2, SPEC, grain=1.0).any()


def test_the_level_as_the_page_has_it() -> None:
    photo = noisy(3, 200, 300)
    sums = []
    for i in range(25):
        for j in range(37):
            y, x = i * (200 - 8) // 24, j * (300 - 8) // 36
            block = photo[y : y + 8, x : x + 8, 1].astype(int)
            if block.min() < 8 or block.max() > 247:
                continue
            sums.append(
                sum(
                    (block[r, c] - block[r, c + 1] - block[r + 1, c] + block[r + 1, c + 1]) ** 2
                    for r in range(7)
                    for c in range(7)
                )
            )
    variance = int(sorted(sums)[len(sums) // 4]) * 256 // 164 - 22
    assert noise_level(photo) == int(variance**0.5)


def test_the_tile_is_the_documented_hash() -> None:
    tile = noise_tile(5, 7, seed=3)
    for y in range(5):
        for x in range(7):
            h = (1024 * y + x + 3 * 0x9E3779B9) % 2**32
            h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
            h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
            h ^= h >> 16
            total = sum(h.to_bytes(4, "little")) - 510
            assert tile[y, x] == max(-127, min(127, (total * 7 + 16) >> 5))


def test_the_tile_is_white_noise_with_no_seam_at_its_rim() -> None:
    tile = noise_tile(256, 512, SPEC.noise_seed).astype(float)
    assert abs(tile.mean()) < 0.5
    assert tile.std() == pytest.approx(GRAIN_UNIT, rel=0.03)
    for axis in (0, 1):
        neighbour = np.roll(tile, 1, axis)  # the next tile is the same again
        assert abs((tile * neighbour).mean()) < 0.02 * tile.var()
        rim = tile.take(0, axis) * tile.take(-1, axis)
        assert abs(rim.mean()) < 0.25 * tile.var()


def test_blurred_parts_get_the_photos_noise_back_and_the_rest_nothing() -> None:
    renderer = BlurRenderer()
    photo = noisy(4, 1000, 1200)
    mask = np.zeros((40, 48), np.uint8)
    mask[:, :20] = 255
    bare = renderer.render(photo, mask, strength=1.0).astype(int)
    grained = renderer.render(photo, mask, strength=1.0, grain=1.0).astype(int)
    half = renderer.render(photo, mask, strength=1.0, grain=0.5).astype(int)
    inside, outside = np.s_[:, :400], np.s_[:, 700:]
    np.testing.assert_array_equal(grained[inside], bare[inside])
    assert np.diff(bare[outside], axis=0).std() < 1
    step = np.diff(photo[outside].astype(int), axis=0).std()
    assert np.diff(grained[outside], axis=0).std() == pytest.approx(step, rel=0.15)
    assert np.diff(half[outside], axis=0).std() == pytest.approx(step / 2, rel=0.2)
    # Nothing marks where tiles meet: differences over the seam are as large as all others.
    height, width = SPEC.tile_size(3)
    across = np.diff(grained[:, 700:], axis=0)
    assert across[height - 1].std() == pytest.approx(across.std(), rel=0.1)
    along = np.diff(grained[:, 700:], axis=1)
    assert along[:, 2 * width - 1 - 700].std() == pytest.approx(along.std(), rel=0.1)
