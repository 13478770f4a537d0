"""The blur's golden vectors are what docs/host-steps.md says: done again in plain integers and numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from golden_vectors import Case, read_cases

from portraitlite.runtime.blur.sizing import choose_scale
from portraitlite.runtime.blur.spec import BlurSpec, Orientation

CASES = read_cases()
SPEC = BlurSpec()


def of(step: str) -> Any:
    """Parametrize over the cases of a step."""
    cases = [case for case in CASES if case.step == step]
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def block_means(values: list[list[int]], s: int) -> list[list[int]]:
    rows, columns = range(0, len(values), s), range(0, len(values[0]), s)
    means = []
    for y in rows:
        blocks = [[v for row in values[y : y + s] for v in row[x : x + s]] for x in columns]
        means.append([(sum(block) + len(block) // 2) * (2**24 // len(block)) >> 24 for block in blocks])
    return means


@of("light")
def test_light_is_small_and_clipped_in_all_channels(case: Case, oracle: Any) -> None:
    darkest = case.inputs["pixels"].min(-1).tolist()
    clipped = block_means([[min(255, 16 * max(0, v - 239)) for v in row] for row in darkest], case.parameters["scale"])
    height, width = len(clipped), len(clipped[0])
    around = np.array(block_means(clipped, 16), np.uint8)
    wide = oracle("pillow_bilinear").resize(around, height, width, (0.0, 0.0, width / 16, height / 16)).tolist()
    wanted = [
        [(c * (255 - min(255, 2 * w)) + 127) // 255 for c, w in zip(*rows, strict=True)]
        for rows in zip(clipped, wide, strict=True)
    ]
    assert case.outputs["clipped"].tolist() == wanted
    factor = np.float32(16 * case.parameters["highlights"] ** 2 / 255)
    np.testing.assert_array_equal(case.outputs["boost"], np.array(wanted, np.float32) * factor)
    assert 0 < case.outputs["boost"].max() < 16


@of("grain_level")
def test_the_noise_level_is_the_documented_one(case: Case) -> None:
    green = case.inputs["pixels"][..., 1].tolist()
    starts = []
    for side in (len(green), len(green[0])):
        n = min(64, side // 8)
        starts.append([i * (side - 8) // max(1, n - 1) for i in range(n)])
    sums = []
    for top in starts[0]:
        for left in starts[1]:
            block = [row[left : left + 8] for row in green[top : top + 8]]
            if min(map(min, block)) >= 8 and max(map(max, block)) <= 247:
                mixed = [
                    block[y][x] - block[y][x + 1] - block[y + 1][x] + block[y + 1][x + 1]
                    for y in range(7)
                    for x in range(7)
                ]
                sums.append(sum(m * m for m in mixed))
    level = 0
    if len(sums) >= 16:
        variance = sorted(sums)[len(sums) // 4] * 256 // 164 - 22
        level = math.isqrt(variance) if 24 <= variance <= 25600 else 0
    assert case.outputs["level"].tolist() == [level]


def hashed(y: int, x: int, seed: int) -> int:
    h = (1024 * y + x + seed * 0x9E3779B9) % 2**32
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    h ^= h >> 16
    return min(127, max(-127, ((sum(h.to_bytes(4, "little")) - 510) * 7 + 16) >> 5))


@of("grain_tile")
def test_the_noise_tile_is_the_documented_hash(case: Case) -> None:
    height, width, seed = (case.parameters[name] for name in ("height", "width", "seed"))
    wanted = [[hashed(y, x, seed) for x in range(width)] for y in range(height)]
    assert case.outputs["tile"].tolist() == wanted


@of("noise")
def test_noise_is_the_tile_times_the_level(case: Case) -> None:
    (level,) = (
        other.outputs["level"][0]
        for other in CASES
        if other.step == "grain_level" and np.array_equal(other.inputs["pixels"], case.inputs["pixels"])
    )
    factor = np.float32(case.parameters["grain"] * int(level) / (16 * 255 * 32))
    rows, columns = case.parameters["rows"], case.parameters["columns"]
    tile = np.array([[hashed(y, x, SPEC.noise_seed) for x in range(columns)] for y in range(rows)], np.float32)
    np.testing.assert_array_equal(case.outputs["noise"], tile * factor)


@of("tile_kinds")
def test_kinds_are_decided_by_the_documented_comparisons(case: Case) -> None:
    plan, s, zero = case.inputs["plan"], case.parameters["scale"], np.float32(0)
    rows, columns = round(128 / s), round(128 / s)

    def flags(y: int, x: int) -> tuple[bool, bool]:
        y, x = min(max(y, 0), plan.shape[0] - 1), min(max(x, 0), plan.shape[1] - 1)
        red, green, blue, b, fade = plan[y, x]
        least = min(red, zero) + min(green, zero) + min(blue, zero) + b
        largest = max(red, zero) + max(green, zero) + max(blue, zero) + b
        assert least.dtype == largest.dtype == np.float32
        return bool(least >= 1 or fade <= 0), bool(largest <= 0 and fade >= 1)

    wanted = []
    for top in range(0, -(-case.parameters["height"] // s), rows):
        for left in range(0, -(-case.parameters["width"] // s), columns):
            read = [flags(y, x) for y in range(top - 1, top + rows + 1) for x in range(left - 1, left + columns + 1)]
            subject, background = (all(flag) for flag in zip(*read, strict=True))
            wanted.append(0 if subject else 1 if background else 2)
    assert case.outputs["kinds"].tolist() == wanted
    assert set(wanted) == {0, 1, 2}


@of("plan")
def test_the_plan_is_that_of_the_numpy_mirror(case: Case, oracle: Any) -> None:
    photo = case.inputs["photo"]
    choice = choose_scale(photo.shape[0], photo.shape[1], SPEC)
    after = (choice.plan_height - choice.used_height, choice.plan_width - choice.used_width)
    arrays = [case.outputs[name] for name in ("rgb", "mask", "coc")]
    arrays.append(case.outputs["boost"][..., None].repeat(3, -1))
    inputs = [np.pad(array, ((0, after[0]), (0, after[1]), (0, 0)), mode="edge") for array in arrays]
    mirror = oracle("blur_mirror").Mirror(SPEC, choice.orientation)
    wanted = mirror.plan(*inputs)[: choice.used_height, : choice.used_width]
    assert np.abs(wanted - case.outputs["plan"]).max() <= case.tolerance["plan"]
    np.testing.assert_array_equal(case.outputs["rgb"], photo * np.float32(1 / 255))


def as_bytes(picture: Any) -> Any:
    return picture.astype(int) if picture.dtype == np.uint8 else (picture * 255 + 0.5).astype(int)


@of("apply")
def test_a_tile_is_that_of_the_numpy_mirror(case: Case, oracle: Any) -> None:
    mirror = oracle("blur_mirror").Mirror(SPEC, Orientation.LANDSCAPE)
    noise = case.inputs["noise"][..., None]
    wanted = mirror.apply(case.inputs["photo"], case.inputs["plan"], case.parameters["scale"], noise)
    assert np.abs(wanted.astype(int) - as_bytes(case.outputs["picture"])).max() <= 1


@of("fill")
def test_a_filled_tile_is_the_enlarged_background_and_noise(case: Case, oracle: Any) -> None:
    plan, s, noise = case.inputs["plan"], case.parameters["scale"], case.inputs["noise"]
    background = oracle("blur_mirror").resize(plan[..., 4:7], plan.shape[0] * s, plan.shape[1] * s)
    wanted = ((background[: noise.shape[0], : noise.shape[1]] + noise[..., None]) * 255 + 0.5).clip(0, 255).astype(int)
    assert np.abs(wanted - as_bytes(case.outputs["picture"])).max() <= 1
