"""Ranges that are zero, infinite or no number are refused before a file is written."""

from __future__ import annotations

from typing import Any

import pytest

from portraitlite.convert.ranges import check_ranges
from portraitlite.runtime.errors import InputError


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_that_cannot_be_used(scale: float, oracle: Any) -> None:
    model = oracle("tiny_tflite").TinyModel()
    a = model.tensor((1, 2, 2, 3), "int8", scale=scale)
    b = model.tensor((1, 2, 2, 3), "int8", scale=0.5)
    model.op("ADD", [a, b], [model.tensor((1, 2, 2, 3), "int8", scale=0.5)])
    model.inputs, model.outputs = [a, b], [2]
    with pytest.raises(InputError, match=r"1 tensors of m\.tflite got a range .*\(t0\)"):
        check_ranges(model.data(), "m.tflite")


def test_a_sound_file_passes(oracle: Any) -> None:
    model = oracle("tiny_tflite").TinyModel()
    a = model.tensor((1, 2, 2, 3), "int8", scale=0.25)
    model.op("ADD", [a, a], [model.tensor((1, 2, 2, 3), "int8", scale=0.5)])
    model.inputs, model.outputs = [a], [1]
    check_ranges(model.data(), "m.tflite")
