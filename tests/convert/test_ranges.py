"""Ranges and weights that are no usable numbers are refused before a file is written; dead layers are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.ranges import check_constants, check_ranges, dead_layers
from portraitlite.convert.types import Recipe
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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_weights_that_are_no_numbers(value: float, dtype: str, oracle: Any) -> None:
    model = oracle("tiny_tflite").TinyModel()
    a = model.tensor((1, 2, 2, 3), dtype)
    model.op("ADD", [a, model.tensor((3,), dtype, value=np.array([1, value, 2], dtype))], [model.tensor((1, 2, 2, 3))])
    model.inputs, model.outputs = [a], [2]
    with pytest.raises(InputError, match=r"m\.tflite has weights that are NaN.*\(t1\); try again"):
        check_constants(model.data(), "m.tflite", "try again")


def test_weights_at_the_limit_of_float16_were_cut_off(oracle: Any) -> None:
    for value, dtype, refused in ((65504, "float16", True), (65000, "float16", False), (65504, "float32", False)):
        model = oracle("tiny_tflite").TinyModel()
        a = model.tensor((1, 1), dtype)
        model.op("ADD", [a, model.tensor((1, 1), dtype, value=np.array([[-value]], dtype))], [model.tensor((1, 1))])
        model.inputs, model.outputs = [a], [2]
        if refused:
            with pytest.raises(InputError, match="too large"):
                check_constants(model.data(), "m.tflite", "")
        else:
            check_constants(model.data(), "m.tflite", "")


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [np.random.default_rng(seed).uniform(-1, 1, (1, 9, 9, 3)).astype(np.float32) for seed in range(2)]


def _two_layers(first: float, bias: float) -> Callable[[Any], Any]:
    """A convolution with constant weights, then one with weights of 1."""
    import tensorflow as tf

    def function(image: Any) -> Any:
        with tf.name_scope("stem"):
            x = tf.nn.conv2d(image, np.full((1, 1, 3, 2), first, "f4"), 1, "VALID", name="convolution")
            x = tf.nn.relu(x + np.full(2, bias, "f4"))
        with tf.name_scope("logits"):
            return tf.nn.conv2d(x, np.ones((3, 3, 2, 4), "f4"), 1, "SAME", name="convolution") + np.ones(4, "f4")

    return function


@pytest.mark.parametrize(("first", "bias", "dead"), [(0.5, 0.1, ()), (0, 0, ("stem", "logits")), (0, 2, ("stem",))])
def test_layers_that_do_not_see_the_picture(
    first: float, bias: float, dead: tuple[str, ...], pictures: list[np.ndarray]
) -> None:
    """Zeros and other constants; behind a constant the second layer still sees the margin."""
    model = convert_with_tensorflow(FloatNetwork(_two_layers(first, bias), 9, 9), Recipe.FP32, None)
    assert dead_layers(model, pictures) == dead


def test_activations_that_overflow_are_refused(pictures: list[np.ndarray]) -> None:
    model = convert_with_tensorflow(FloatNetwork(_two_layers(2e38, 0), 9, 9), Recipe.FP32, None)
    with pytest.raises(InputError, match="NaN or infinite"):
        dead_layers(model, pictures)


def test_a_damaged_batch_norm_makes_no_file(
    oracle: Any, checkpoint_writer: Callable[..., Path], tmp_path: Path
) -> None:
    """A variance below zero is a finite number, its root is not."""
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5))
    variables["MobilenetV2/Conv/BatchNorm/moving_variance"] *= -1
    prefix = checkpoint_writer(variables, tmp_path / "model.ckpt", slots=False)
    with (
        pytest.warns(RuntimeWarning, match="invalid value"),
        pytest.raises(InputError, match=r"weights that are NaN.*\(Conv\); the source's weights are damaged"),
    ):
        convert(prefix, tmp_path / "m.tflite", ConvertOptions(Recipe.FP32))
    assert not list(tmp_path.glob("m.*"))


def test_a_network_of_zeros_is_reported(
    oracle: Any, checkpoint_writer: Callable[..., Path], photo_folder: Path, tmp_path: Path
) -> None:
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4)
    zeros = {name: 0 * value if "variance" not in name else value for name, value in variables.items()}
    prefix = checkpoint_writer(zeros, tmp_path / "model.ckpt", slots=False)
    flags = SpecFlags(crop=(65, 65))
    result = convert(
        prefix, tmp_path / "m.tflite", ConvertOptions(Recipe.INT8, calibrate=photo_folder, updates=0, flags=flags)
    )
    assert [n for n in result.notices if "layers put out the same whatever the picture (Conv, " in n]
    assert [n for n in result.notices if "2 of 3 classes win nowhere" in n]
