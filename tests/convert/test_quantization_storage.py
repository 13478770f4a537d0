"""The fused rounding of the learning, and float layers whose kernels are stored in 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from portraitlite.convert.measure import xnnpack_coverage
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.float_storage import grid_of, store_on_grid
from portraitlite.convert.quantization.rounding import as_stored
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model


@pytest.mark.parametrize("zero_point", [-128, -3, 40])
def test_fused_rounding_is_the_elementary_one_with_its_gradients(zero_point: int) -> None:
    values = np.random.default_rng(1).normal(0, 3, 500).astype(np.float32)
    # At the ends of the range the fused op cuts the value, the elementary one what it is rounded to: none lies there.
    levels = values / np.float32(0.03)
    values = values[(np.abs(levels + 128 + zero_point) > 2) & (np.abs(levels - 127 + zero_point) > 2)]
    weight = np.random.default_rng(2).normal(0, 1, len(values)).astype(np.float32)
    x, log = tf.Variable(tf.constant(values)), tf.Variable(tf.constant(np.log(0.03), tf.float32))

    def elementary(x: Any, step: Any) -> Any:
        scaled = x / step
        stored = tf.clip_by_value(scaled + tf.stop_gradient(tf.round(scaled) - scaled) + zero_point, -128.0, 127.0)
        return (stored - zero_point) * step

    results = []
    for function in (lambda x, step: as_stored(x, step, zero_point), elementary):
        with tf.GradientTape() as tape:
            y = function(x, tf.exp(log))
            loss = tf.reduce_sum(y * weight)
        results.append((y.numpy(), *(g.numpy() for g in tape.gradient(loss, [x, log]))))
    fused, plain = results
    # A value in the middle between two steps may go either way: their quotients differ in the last bit.
    assert np.abs(fused[0] - plain[0]).max() <= 0.0301
    assert (np.abs(fused[0] - plain[0]) > 1e-4).mean() < 0.01
    np.testing.assert_allclose(fused[1], plain[1], rtol=1e-5)
    assert (fused[1] == 0).sum() > 20
    # Each value in the middle adds a step times its weight.
    assert fused[2] == pytest.approx(plain[2], abs=0.5)
    assert abs(plain[2]) > 5


def kernels(on_grid: bool) -> tuple[np.ndarray, np.ndarray]:
    """1x1 kernel [1, 1, 3, 8] and depthwise kernel [3, 3, 8, 1], in TensorFlow's order."""
    rng = np.random.default_rng(4)
    found = []
    for shape, axis in (((1, 1, 3, 8), 3), ((3, 3, 8, 1), 2)):
        levels = rng.integers(-127, 128, shape)
        np.moveaxis(levels, axis, 0).reshape(8, -1)[:, 0] = 127
        levels = levels if on_grid else levels + rng.uniform(-0.4, 0.4, shape)
        steps = rng.uniform(0.001, 0.01, [8 if i == axis else 1 for i in range(4)])
        found.append((levels * steps).astype(np.float32))
    return found[0], found[1]


def network(on_grid: bool) -> bytes:
    first, second = kernels(on_grid)

    def function(x: Any) -> Any:
        x = tf.nn.relu6(tf.nn.conv2d(x, first, 1, "SAME"))
        return tf.nn.depthwise_conv2d(x, second, [1, 1, 1, 1], "SAME")

    return convert_with_tensorflow(FloatNetwork(function, 9, 9), Recipe.FP32, None)


def test_grid_of_finds_the_steps_of_each_channel() -> None:
    on_grid, _ = kernels(True)
    assert grid_of(np.ascontiguousarray(on_grid.transpose(3, 0, 1, 2)), 0) is not None
    off_grid, _ = kernels(False)
    assert grid_of(np.ascontiguousarray(off_grid.transpose(3, 0, 1, 2)), 0) is None


def test_kernels_on_a_grid_are_stored_in_8_bits_and_compute_the_same() -> None:
    model = network(True)
    stored = store_on_grid(model)
    image = np.random.default_rng(5).uniform(-1, 1, (1, 9, 9, 3)).astype(np.float32)
    runners = [open_model(content) for content in (model, stored)]
    before, after = (runner.run({runner.inputs[0].name: image})[0] for runner in runners)
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert stored_types(stored).count("int8") == 2
    assert "int8" not in stored_types(model)


def test_xnnpack_takes_layers_with_stored_kernels() -> None:
    """Left to the plain kernels, such a layer would be many times slower."""
    coverage = xnnpack_coverage(store_on_grid(network(True)))
    assert coverage is not None
    assert coverage.outside == {}


def test_other_kernels_stay_float() -> None:
    assert "int8" not in stored_types(store_on_grid(network(False)))


def stored_types(model: bytes) -> list[str]:
    """dtype of every constant."""
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    names = {0: "float32", 9: "int8"}
    return [
        names.get(tensor.type, "other")
        for tensor in tree.subgraphs[0].tensors
        if tree.buffers[tensor.buffer].data is not None and len(tree.buffers[tensor.buffer].data)
    ]
