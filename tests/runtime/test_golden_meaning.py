"""The golden vectors are what docs/host-steps.md says: done again in plain integers, without the runtime."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from golden_vectors import FOLDER, Case, read_cases

CASES = read_cases()


def of(step: str, *, but: str = "") -> Any:
    """Parametrize over the cases of a step."""
    cases = [case for case in CASES if case.step == step and case.name != but]
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def test_they_are_readable_without_numpy() -> None:
    index = json.loads((FOLDER / "index.json").read_text())
    (row,) = [row for row in index["cases"] if row["name"] == "reduce/by_3"]

    def read(place: dict[str, Any]) -> tuple[int, ...]:
        assert place["dtype"] == "uint8"
        count = math.prod(place["shape"])
        return struct.unpack_from(f"<{count}B", (FOLDER / place["file"]).read_bytes(), place["offset"])

    height, width, channels = row["inputs"]["pixels"]["shape"]
    pixels, reduced = read(row["inputs"]["pixels"]), read(row["outputs"]["reduced"])
    scale = row["parameters"]["scale"]
    wanted = []
    for y in range(0, height, scale):
        for x in range(0, width, scale):
            rows, columns = range(y, min(y + scale, height)), range(x, min(x + scale, width))
            for c in range(channels):
                block = [pixels[(i * width + j) * channels + c] for i in rows for j in columns]
                wanted.append((sum(block) + len(block) // 2) * (2**24 // len(block)) >> 24)
    assert reduced == tuple(wanted)


@of("fit")
def test_the_resize_is_the_documented_one(case: Case, oracle: Any) -> None:
    height, width = case.outputs["used"].tolist()
    pixels, made = case.inputs["pixels"], case.outputs["input"]
    np.testing.assert_array_equal(oracle("pillow_bilinear").resize(pixels, height, width), made[:height, :width])
    assert (made[height:] == 128).all()
    assert (made[:, width:] == 128).all()
    if case.parameters["fit"] == "pad":
        ratio = min(case.parameters["height"] / pixels.shape[0], case.parameters["width"] / pixels.shape[1])
        assert [height, width] == [int(side * ratio + 1e-6) for side in pixels.shape[:2]]


@of("photo_mask")
def test_the_mask_s_resize_is_the_documented_one(case: Case, oracle: Any) -> None:
    mask, (height, width) = case.inputs["mask"], (case.parameters["height"], case.parameters["width"])
    left, top, right, bottom = case.parameters["box"]
    box = (max(left, 0), max(top, 0), min(right, mask.shape[1]), min(bottom, mask.shape[0]))
    np.testing.assert_array_equal(oracle("pillow_bilinear").resize(mask, height, width, box), case.outputs["mask"])


@of("place", but="place/depth")  # of floats; its resize is no integer arithmetic
def test_a_mask_is_placed_as_documented(case: Case, oracle: Any) -> None:
    values, placed, (h, w) = case.inputs["map"], case.outputs["placed"], case.inputs["map"].shape
    height, width = case.parameters["height"], case.parameters["width"]
    left, top, right, bottom = case.parameters["box"] or (0.0, 0.0, float(w), float(h))
    scale = -(-max(height / 378, width / 504) // 1)  # no scale is left out below 5
    right = left + (right - left) * (placed.shape[1] * scale / width)
    bottom = top + (bottom - top) * (placed.shape[0] * scale / height)
    before_x, before_y = max(0, math.ceil(-left)), max(0, math.ceil(-top))
    after = max(0, math.ceil(bottom - h)), max(0, math.ceil(right - w))
    padded = np.pad(values, ((before_y, after[0]), (before_x, after[1])), mode="edge")
    box = (left + before_x, top + before_y, right + before_x, bottom + before_y)
    np.testing.assert_array_equal(oracle("pillow_bilinear").resize(padded, *placed.shape, box), placed)


@of("orient")
def test_orientation_is_that_of_exif(case: Case) -> None:
    stored = case.inputs["stored"]
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).swapaxes(0, 1),
        8: np.rot90(stored),
    }[case.parameters["orientation"]]
    np.testing.assert_array_equal(case.outputs["upright"], upright)


@of("feed")
def test_feeding_is_the_documented_arithmetic(case: Case) -> None:
    pixels, tensor = case.inputs["input"].astype(int), case.outputs["tensor"][0]
    height, width = case.parameters["used"]
    assert (height, width) != pixels.shape[:2], "one that pads"
    if case.parameters["dtype"] == "float32":
        np.testing.assert_allclose(tensor[:height, :width], pixels[:height, :width] / 127.5 - 1, atol=1e-6)
        assert (tensor[height:] == 0).all()
        assert (tensor[:, width:] == 0).all()
    else:
        np.testing.assert_array_equal(tensor, pixels - (128 if case.parameters["dtype"] == "int8" else 0))
