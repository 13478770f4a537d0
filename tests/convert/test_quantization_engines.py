"""Recipes, engines and their parts, on a network of a few channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.quantization import Engine, FloatNetwork, QuantizeOptions, best_engine, quantize_network
from portraitlite.convert.quantization.boundary import quiet_dead_channels, shift_input
from portraitlite.convert.quantization.choose import choose_float_layers, report_sensitivity
from portraitlite.convert.quantization.emulation import run_graph
from portraitlite.convert.quantization.equalization import equalize
from portraitlite.convert.quantization.float_part import default_float_ops, float_ops, layer_names
from portraitlite.convert.quantization.graph import FloatGraph, score_tensor
from portraitlite.convert.quantization.learning import Emulated, learn
from portraitlite.convert.quantization.litert_quantizer import start
from portraitlite.convert.quantization.scales import initial_scales, score_window
from portraitlite.convert.quantization.sensitivity import measure_sensitivity
from portraitlite.convert.quantization.statistics import TensorStatistics, measure
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import InputError

SIZE = 32
CLASSES = 4
Function = Callable[[Any], Any]


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {
        "Conv": (3, 3, 3, 8),
        "block.depthwise": (3, 3, 8, 1),
        "block.project": (1, 1, 8, 8),
        "block_1.expand": (1, 1, 8, 16),
        "block_1.depthwise": (3, 3, 16, 1),
        "block_1.project": (1, 1, 16, 8),
        "head.project": (1, 1, 8, 8),
        "head.depthwise": (3, 3, 8, 1),
        "logits": (1, 1, 8, CLASSES),
    }
    weights = {name: rng.normal(0, 1.5 / np.sqrt(np.prod(s[:3])), s).astype(np.float32) for name, s in shapes.items()}
    weights["Conv"][..., 5] = 0  # dead, with a bias of its own below
    weights["head.project"][..., ::2] *= 0.02  # small beside large channels: what equalization is for
    weights["head.depthwise"][:, :, ::2] *= 50
    return weights


def _function(kind: str = "logits") -> Function:
    """A MobileNet in small: stem, inverted residual, upsampling, scores."""
    import tensorflow as tf

    weights = _weights()
    biases = {name: np.linspace(-0.3, 0.6, w.shape[3] * (w.shape[2] if "depth" in name else 1), dtype=np.float32)
              for name, w in weights.items()}  # fmt: skip
    biases["Conv"][5] = 2.0

    def conv(x: Any, name: str, stride: int = 1) -> Any:
        with tf.name_scope(name):
            run = tf.nn.depthwise_conv2d if "depthwise" in name else tf.nn.conv2d
            return run(x, weights[name], [1, stride, stride, 1], "SAME", name="convolution") + biases[name]

    def function(image: Any) -> Any:
        x = tf.nn.relu6(conv(image, "Conv", 2))
        x = conv(tf.nn.relu6(conv(x, "block.depthwise")), "block.project")
        y = tf.nn.relu6(conv(tf.nn.relu6(conv(x, "block_1.expand")), "block_1.depthwise"))
        x = x + conv(y, "block_1.project")
        x = tf.nn.relu(conv(tf.nn.relu(conv(x, "head.project")), "head.depthwise"))
        scores = conv(x, "logits") * 4.0
        if kind == "logits":
            return tf.identity(scores)
        scores = tf.raw_ops.ResizeBilinear(images=scores, size=[SIZE, SIZE])
        return tf.cast(tf.argmax(scores, 3, output_type=tf.int32), tf.uint8)

    return function


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Bytes of smooth random pictures, [H, W, 3]."""
    from PIL import Image

    rng = np.random.default_rng(4)
    small = rng.integers(0, 256, (12, 6, 6, 3), np.uint8)
    return [np.asarray(Image.fromarray(p).resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for p in small]


@pytest.fixture(scope="module")
def images(photos: list[np.ndarray]) -> list[np.ndarray]:
    return [((p.astype(np.float32) - 127.5) / np.float32(127.5))[None] for p in photos]


@pytest.fixture(scope="module")
def network() -> FloatNetwork:
    return FloatNetwork(_function(), SIZE, SIZE)


@pytest.fixture(scope="module")
def float_model(network: FloatNetwork) -> bytes:
    return quantize_network(network, QuantizeOptions(Recipe.FP32))


def _scores(model: bytes, photo: np.ndarray, image: np.ndarray) -> np.ndarray:
    runner = open_model(model)
    (stored,) = runner.run({runner.inputs[0].name: photo[None] if runner.inputs[0].dtype == np.uint8 else image})
    return runner.outputs[0].dequantize(stored)


def _probabilities(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _snr_db(model: bytes, float_model: bytes, photos: list[np.ndarray], images: list[np.ndarray]) -> float:
    signal = noise = 0.0
    for photo, image in zip(photos, images, strict=True):
        exact = _probabilities(_scores(float_model, photo, image))
        noise += float(np.square(_probabilities(_scores(model, photo, image)) - exact).sum())
        signal += float(np.square(exact - exact.mean()).sum())
    return 10 * float(np.log10(signal / max(noise, 1e-12 * signal)))


@pytest.mark.parametrize(
    ("recipe", "engine", "input_type", "output_type", "least_db"),
    [
        (Recipe.FP16, Engine.TFLITE_CONVERTER, np.float32, np.float32, 50),
        (Recipe.DYNAMIC_WI8, Engine.TFLITE_CONVERTER, np.float32, np.float32, 20),
        (Recipe.DYNAMIC_WI8, Engine.LITERT_QUANTIZER, np.float32, np.float32, 20),
        (Recipe.INT8, Engine.TFLITE_CONVERTER, np.uint8, np.uint8, 15),
        (Recipe.INT8, Engine.LITERT_QUANTIZER, np.uint8, np.uint8, 20),
        (Recipe.INT16X8, Engine.TFLITE_CONVERTER, np.float32, np.float32, 20),
        (Recipe.INT16X8, Engine.LITERT_QUANTIZER, np.float32, np.float32, 25),
        (Recipe.MIXED, Engine.LITERT_QUANTIZER, np.uint8, np.float32, 20),
    ],
)
def test_recipe(
    network: FloatNetwork,
    float_model: bytes,
    photos: list[np.ndarray],
    images: list[np.ndarray],
    recipe: Recipe,
    engine: Engine,
    input_type: type,
    output_type: type,
    least_db: float,
) -> None:
    model = quantize_network(network, QuantizeOptions(recipe, engine, updates=0), images, float_model=float_model)
    runner = open_model(model)
    assert (runner.inputs[0].dtype, runner.outputs[0].dtype) == (input_type, output_type)
    assert _snr_db(model, float_model, photos, images) > least_db


def test_every_recipe_has_an_engine() -> None:
    assert {best_engine(recipe) for recipe in Recipe} == set(Engine)


@pytest.mark.parametrize("recipe", [Recipe.INT8, Recipe.INT16X8, Recipe.MIXED])
def test_calibrated_recipes_name_the_missing_photos(network: FloatNetwork, float_model: bytes, recipe: Recipe) -> None:
    with pytest.raises(InputError, match="--calibrate"):
        quantize_network(network, QuantizeOptions(recipe), None, float_model=float_model)
    with pytest.raises(InputError, match="at least one"):
        quantize_network(network, QuantizeOptions(recipe, updates=0), iter(()), float_model=float_model)


def test_engines_name_what_they_cannot_do(network: FloatNetwork, float_model: bytes, images: list[np.ndarray]) -> None:
    for recipe, engine in ((Recipe.MIXED, Engine.TFLITE_CONVERTER), (Recipe.FP16, Engine.LITERT_QUANTIZER)):
        with pytest.raises(InputError, match=f"{recipe} files; use the engine"):
            quantize_network(network, QuantizeOptions(recipe, engine), images, float_model=float_model)


def test_learning_helps_and_repeats(
    network: FloatNetwork, float_model: bytes, photos: list[np.ndarray], images: list[np.ndarray]
) -> None:
    plain, learnt, again = (
        quantize_network(
            network, QuantizeOptions(Recipe.INT8, Engine.LITERT_QUANTIZER, n), images, float_model=float_model
        )
        for n in (0, 60, 60)
    )
    assert learnt == again
    assert _snr_db(learnt, float_model, photos, images) > _snr_db(plain, float_model, photos, images) + 1


def test_labels_come_from_8_bit_scores(photos: list[np.ndarray], images: list[np.ndarray]) -> None:
    from portraitlite.convert.result import count_ops

    network = FloatNetwork(_function("labels"), SIZE, SIZE)
    exact = quantize_network(network, QuantizeOptions(Recipe.FP32))
    model = quantize_network(
        network, QuantizeOptions(Recipe.INT8, Engine.LITERT_QUANTIZER, 0), images, float_model=exact
    )
    ops = count_ops(model)
    assert ops["ARG_MAX"] == 1
    assert "DEQUANTIZE" not in ops
    same = [
        (_scores(model, photo, image) == _scores(exact, photo, image)).mean()
        for photo, image in zip(photos, images, strict=True)
    ]
    assert np.mean(same) > 0.9


def test_equalization_leaves_the_float_network_and_levels_its_channels(
    float_model: bytes, photos: list[np.ndarray], images: list[np.ndarray]
) -> None:
    graph = FloatGraph(float_model)
    statistics, _ = measure(graph, images, score_tensor(graph))
    tensor = graph.ops[layer_names(graph).index("head.project")].output
    alive = statistics[tensor].largest > 0
    before = statistics[tensor].largest[alive]
    equalize(graph, statistics)
    after = statistics[tensor].largest[alive]
    assert np.ptp(np.log(after)) < 0.5 * np.ptp(np.log(before))
    measured, _ = measure(graph, images, score_tensor(graph))
    np.testing.assert_allclose(measured[tensor].high, statistics[tensor].high, rtol=1e-3, atol=1e-4)
    assert _snr_db(graph.to_bytes(), float_model, photos, images) > 60


def test_relu6_cuts_nothing_off_that_it_did_not_before(float_model: bytes, images: list[np.ndarray]) -> None:
    graph = FloatGraph(float_model)
    statistics, _ = measure(graph, images, score_tensor(graph))
    equalize(graph, statistics)
    measured, _ = measure(graph, images, score_tensor(graph))
    stem = graph.ops[0].output
    np.testing.assert_allclose(measured[stem].high, statistics[stem].high, rtol=1e-3, atol=1e-4)


def test_dead_channels_keep_their_bias(
    network: FloatNetwork, float_model: bytes, photos: list[np.ndarray], images: list[np.ndarray]
) -> None:
    graph = FloatGraph(float_model)
    assert not graph.constants[graph.ops[0].inputs[1]][5].any()
    assert quiet_dead_channels(graph, {graph.input: 1 / 127.5}) == 1
    kernel = graph.constants[graph.ops[0].inputs[1]][5]
    bias = float(graph.constants[graph.ops[0].inputs[2]][5])
    assert bias / (np.abs(kernel).max() / 127 / 127.5) == pytest.approx(2**24, rel=1e-3)
    assert np.abs(kernel).sum() < 1e-2 * bias


def test_input_is_one_byte_per_step_and_its_half_step_is_made_up_for(
    network: FloatNetwork, float_model: bytes, images: list[np.ndarray]
) -> None:
    model = quantize_network(
        network, QuantizeOptions(Recipe.INT8, Engine.LITERT_QUANTIZER, 0), images, float_model=float_model
    )
    (info,) = open_model(model).inputs
    assert (info.scale, info.zero_point) == (pytest.approx(1 / 127.5), 128)
    graph = FloatGraph(float_model)
    exact = run_graph(graph, images[0], graph.ops[0].output).numpy()
    shift_input(graph, 127.5, 127.5)
    shifted = run_graph(graph, images[0] - np.float32(0.5 / 127.5), graph.ops[0].output).numpy()
    np.testing.assert_allclose(shifted[:, :-1, :-1], exact[:, :-1, :-1], atol=1e-5)


def test_residual_sums_share_one_scale(float_model: bytes, images: list[np.ndarray]) -> None:
    graph = FloatGraph(float_model)
    statistics, second = measure(graph, images, score_tensor(graph))
    window = score_window(statistics[score_tensor(graph)], second)
    scales = initial_scales(graph, statistics, window, 127.5, 127.5)
    add = next(op for op in graph.ops if op.kind == "ADD")
    (shared,) = [scale for scale in scales if add.output in scale.tensors]
    assert set(add.inputs) < set(shared.tensors)
    assert sorted(t for scale in scales for t in scale.tensors) == sorted({graph.input, *statistics})


def test_scores_begin_below_the_runner_up() -> None:
    found = TensorStatistics(*(np.array(v, np.float32) for v in ([-40, -30], [9, 3], [1, 1])))
    low, high = score_window(found, np.linspace(-5, 5, 1001, dtype=np.float32))
    assert (low, high) == (pytest.approx(-7, abs=0.05), 9)
    # Cut-off classes must not add up to a contender where confidences count.
    soft, _ = score_window(found, np.linspace(-5, 5, 1001, dtype=np.float32), soft=True)
    assert 20 * np.exp(soft - -5) < 0.02
    single = TensorStatistics(*(np.array(v, np.float32) for v in ([-40], [30], [1])))
    assert score_window(single, np.zeros(1, np.float32)) == (-8, 8)


def test_nan_is_refused(float_model: bytes, images: list[np.ndarray]) -> None:
    graph = FloatGraph(float_model)
    graph.constants[graph.ops[0].inputs[2]][0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        measure(graph, images, score_tensor(graph))


def test_float_layers_by_name(float_model: bytes) -> None:
    graph = FloatGraph(float_model)
    names = layer_names(graph)
    assert names[0] == "Conv"
    assert {names[i] for i in float_ops(graph, [r"block\.\w+", "Conv"])} == {"Conv", "block.depthwise", "block.project"}
    assert {names[i] for i in default_float_ops(graph)} == {"Conv", "block.depthwise", "block.project", "logits"}
    with pytest.raises(InputError, match=r"no layer is called 'stem'.*Conv"):
        float_ops(graph, ["stem"])
    with pytest.raises(InputError, match="regular expression"):
        float_ops(graph, ["("])


def test_sensitivity_finds_a_coarse_layer(float_model: bytes, images: list[np.ndarray]) -> None:
    graph = FloatGraph(float_model)
    network = start(graph, images, 127.5, 127.5)
    report = report_sensitivity(float_model, images, 127.5, 127.5)
    assert report.everything.ops == len(report.layers) == len(graph.ops)
    assert report.segments[0].changed <= report.segments[-1].changed
    assert [cost.snr_db for cost in report.layers] == sorted(cost.snr_db for cost in report.layers)
    assert report.everything.snr_db < report.layers[-1].snr_db
    assert "float up to and with" in report.to_table()
    widened = graph.ops[layer_names(graph).index("block_1.expand")].output
    coarse = [
        dataclasses.replace(s, step=s.step * 30, zero_point=-128) if widened in s.tensors else s for s in network.scales
    ]
    fine_costs, coarse_costs = (
        {cost.name: cost.snr_db for cost in measure_sensitivity(Emulated(graph, scales), images[:2]).layers}
        for scales in (network.scales, coarse)
    )
    assert coarse_costs["block_1.expand"] < fine_costs["block_1.expand"] - 10
    assert coarse_costs["logits"] == fine_costs["logits"]


def test_learning_moves_only_what_it_may(float_model: bytes, images: list[np.ndarray]) -> None:
    graph = FloatGraph(float_model)
    network = start(graph, images, 127.5, 127.5)
    kernels = {op.inputs[1]: graph.constants[op.inputs[1]].copy() for op in graph.ops if op.kind == "CONV_2D"}
    scales = learn(network, images, 5)
    assert [s.tensors for s in scales] == [s.tensors for s in network.scales]
    assert scales[0] == network.scales[0]
    assert any(a.step != b.step for a, b in zip(scales, network.scales, strict=True))
    last = graph.ops[-1].inputs[1]
    np.testing.assert_array_equal(graph.constants[last], kernels[last])


def test_learnt_kernels_are_those_of_the_file(
    network: FloatNetwork, float_model: bytes, photos: list[np.ndarray], images: list[np.ndarray]
) -> None:
    def divergence(model: bytes) -> float:
        total = 0.0
        for photo, image in zip(photos, images, strict=True):
            wanted = _probabilities(_scores(float_model, photo, image))
            found = _probabilities(_scores(model, photo, image))
            total += float((wanted * (np.log(wanted) - np.log(found))).sum())
        return total

    options = QuantizeOptions(Recipe.INT8, Engine.LITERT_QUANTIZER, updates=150)
    plain = quantize_network(network, options, images, float_model=float_model)
    options = dataclasses.replace(options, learn_kernels=True)
    learnt = quantize_network(network, options, images, float_model=float_model)
    assert learnt != plain
    assert learnt == quantize_network(network, options, images, float_model=float_model)
    assert divergence(learnt) < divergence(plain)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [(13, 18), (16, 16)])
def test_emulated_dilated_convolution(padding: Any, size: tuple[int, int]) -> None:
    import tensorflow as tf

    from portraitlite.convert.quantization.emulation import _dilated

    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, *size, 3)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 3, 2)).astype(np.float32)
    wanted = tf.nn.conv2d(image, kernel, 1, padding, dilations=4)
    np.testing.assert_allclose(_dilated(tf.constant(image), tf.constant(kernel), 4, padding), wanted, atol=1e-4)


def test_mixed_auto_keeps_its_limits(float_model: bytes, images: list[np.ndarray]) -> None:
    choice = choose_float_layers(float_model, images, 127.5, 127.5, max_latency_ratio=1e9, max_size_ratio=1e9)
    assert choice.float_layers
    assert choice.candidates[0].last == choice.report.segments[0].name
    none = choose_float_layers(float_model, images, 127.5, 127.5, max_latency_ratio=0, max_size_ratio=0)
    assert none.float_layers == ()
