"""Xception DeepLabs, with ASPP and with the dense prediction cell, against a second implementation.

No official checkpoint of this family is at hand. What such a comparison proves: two readings of the official code agree
for odd and even crops, every variable reaches its place, and batch norms are folded. What it cannot prove: that the
reading itself (epsilon, padding, rates, names) equals the official code, because both come from the same reader.
Most tests use channels divided by eight; the official widths have a test of their own.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.networks import xception as family
from portraitlite.convert.networks.head_variables import default_atrous_rates
from portraitlite.convert.networks.layers import LayerMaker
from portraitlite.convert.outputs import OutputSpec, output_function
from portraitlite.convert.pipeline import count_ops
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.spec import Backbone, DeepLabSpec, Head
from portraitlite.convert.types import Recipe
from portraitlite.convert.weights import compare_variables, load_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import OutputKind

THIN = 8
SKIPS = {
    ("xception_41", 4): "entry_flow/block2",
    ("xception_65", 4): "entry_flow/block2",
    ("xception_65", 8): "entry_flow/block3",
    ("xception_71", 4): "entry_flow/block3",
    ("xception_71", 8): "entry_flow/block5",
}


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels divided by eight."""
    for name, blocks in family.BLOCKS.items():
        narrow = (dataclasses.replace(b, channels=tuple(c // THIN for c in b.channels)) for b in blocks)
        monkeypatch.setitem(family.BLOCKS, name, tuple(narrow))


@dataclasses.dataclass(frozen=True)
class Case:
    """A checkpoint, a photo and what the flat implementation makes of it."""

    spec: DeepLabSpec
    variables: dict[str, np.ndarray]
    image: np.ndarray
    want: np.ndarray

    def error(self) -> float:
        """Of the package's network, relative to the largest logit."""
        network = build_network(self.spec)
        load_variables(network, self.variables)
        got = np.asarray(network.model(self.image))
        assert got.shape == self.want.shape == (1, *self.spec.logits_size, self.spec.classes)
        return float(np.abs(got - self.want).max() / np.abs(self.want).max())


def make_case(
    oracle: Any,
    rng: np.random.Generator,
    name: str = "xception_65",
    *,
    head: str = "aspp",
    output_stride: int = 16,
    decoder: int | None = 4,
    crop: tuple[int, int] = (65, 65),
    thin: int = THIN,
) -> Case:
    flat, heads = oracle("xception"), oracle("v3plus_head")
    skip = f"{SKIPS[name, decoder]}/unit_1/xception_module" if decoder else None
    variables = flat.random_variables(rng, name, thin=thin)
    low = variables[f"{name}/{skip}/separable_conv2_pointwise/weights"].shape[3] if skip else None
    variables |= heads.random_variables(rng, features=2048 // thin, low_level=low, head=head)
    shapes = {key: value.shape for key, value in variables.items()}
    found = family.infer(shapes)
    assert found is not None
    assert {key: value for key, (value, _) in found.items()} == {
        "backbone": name,
        "head": head,
        "aspp_filters": 24,
        "classes": 3,
        "decoder_stride": decoder,
        **({"decoder_filters": 20} if decoder else {}),
    }
    rates = {8: (12, 24, 36), 16: (6, 12, 18), 32: (3, 6, 9)}[output_stride] if head == "aspp" else ()
    spec = DeepLabSpec(
        **{key: value for key, (value, _) in found.items()},
        crop_height=crop[0],
        crop_width=crop[1],
        output_stride=output_stride,
        atrous_rates=rates,
    )
    image = rng.uniform(-1, 1, (1, *crop, 3)).astype("f4")
    features, seconds = flat.features(variables, image, name, output_stride=output_stride)
    low_level = seconds[skip] if skip else None
    target = spec.logits_size
    want = heads.logits(variables, features, low_level, rates=rates, output_stride=output_stride, target=target)
    return Case(spec, variables, image, want)


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("name", "head", "output_stride", "decoder", "crop"),
    [
        ("xception_65", "aspp", 16, 4, (65, 65)),
        ("xception_65", "aspp", 8, 8, (64, 98)),
        ("xception_65", "aspp", 32, None, (97, 66)),
        ("xception_41", "aspp", 16, 4, (96, 64)),
        ("xception_71", "dpc", 16, 4, (65, 97)),
        ("xception_71", "dpc", 8, 8, (66, 64)),
    ],
)
def test_logits_equal_the_flat_implementation(
    oracle: Any,
    rng: np.random.Generator,
    name: str,
    head: str,
    output_stride: int,
    decoder: int | None,
    crop: tuple[int, int],
) -> None:
    case = make_case(oracle, rng, name, head=head, output_stride=output_stride, decoder=decoder, crop=crop)
    assert case.error() <= 1e-4


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize("mutation", ["same padding", "no dilation", "relu before the last block", "epsilon"])
def test_a_wrong_reading_would_be_seen(
    oracle: Any, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    """The comparison is sharp enough: every one of these mistakes breaks it."""
    case = make_case(oracle, rng, crop=(64, 64))
    if mutation == "same padding":
        monkeypatch.setattr(LayerMaker, "_pad", staticmethod(lambda x, *_: (x, "same")))
    elif mutation == "no dilation":
        monkeypatch.setattr(family, "strides_and_dilations", lambda s, *_: [(n, 1) for n in (2, 2, 2, *[1] * 18)])
    elif mutation == "epsilon":
        monkeypatch.setattr(family, "BACKBONE_EPSILON", 1e-5)
    else:
        blocks = family.BLOCKS[Backbone.XCEPTION_65]
        last = dataclasses.replace(blocks[-1], relu_inside=False)
        monkeypatch.setitem(family.BLOCKS, Backbone.XCEPTION_65, (*blocks[:-1], last))
    assert case.error() > 1e-3


def test_official_widths(oracle: Any, rng: np.random.Generator) -> None:
    """The whole Xception-65 at its official width: names, shapes and values, and the published 41 M parameters."""
    case = make_case(oracle, rng, thin=1)
    assert case.error() <= 1e-4
    official = dataclasses.replace(case.spec, classes=21, aspp_filters=256, decoder_filters=256)
    rows = build_network(official).rows
    shapes = {name: shape for row in rows for name, shape in row.variables().items() if "/moving_" not in name}
    assert round(sum(int(np.prod(shape)) for shape in shapes.values()) / 1e6, 2) == 41.06


def test_the_variables_of_every_depth_have_the_official_shapes(oracle: Any, rng: np.random.Generator) -> None:
    for name in ("xception_41", "xception_71"):
        variables = oracle("xception").random_variables(rng, name)
        variables |= oracle("v3plus_head").random_variables(rng, features=2048, low_level=256)
        shapes = {key: value.shape for key, value in variables.items()}
        found = family.infer(shapes)
        assert found is not None
        assert found["decoder_stride"] == (4, "decoder/feature_projection0/weights")
        spec = DeepLabSpec(
            **{key: value for key, (value, _) in found.items()}, crop_height=65, crop_width=65, atrous_rates=(6, 12, 18)
        )
        assert not compare_variables(build_network(spec), shapes)


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("head", "output_stride", "crop", "recipe", "tolerance"),
    [("aspp", 16, (65, 65), Recipe.FP32, 1e-4), ("dpc", 8, (64, 96), Recipe.INT8, 0.5)],
)
def test_tflite_keeps_dilated_convolutions_whole(
    oracle: Any,
    rng: np.random.Generator,
    head: str,
    output_stride: int,
    crop: tuple[int, int],
    recipe: Recipe,
    tolerance: float,
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    case = make_case(oracle, rng, "xception_41", head=head, output_stride=output_stride, crop=crop)
    network = build_network(case.spec)
    load_variables(network, case.variables)
    function = output_function(network, case.spec, OutputSpec(OutputKind.LOGITS))
    model = convert_with_tensorflow(FloatNetwork(function, *crop), recipe, [case.image] * 2)
    ops = count_ops(model)
    # Three per unit (12 and the last block), one per branch of the head, two in the decoder.
    assert ops["DEPTHWISE_CONV_2D"] == 13 * 3 + (3 if head == "aspp" else 5) + 2
    # Image pooling where there is ASPP, and the features' way up to the decoder.
    assert ops["RESIZE_BILINEAR"] == (2 if head == "aspp" else 1)
    # One strided convolution at the root and one per strided unit, for even sides only.
    assert ops.get("PAD", 0) == (0 if crop[0] % 2 else 3)
    allowed = {"CONV_2D", "DEPTHWISE_CONV_2D", "RESIZE_BILINEAR", "PAD", "ADD", "RELU", "CONCATENATION", "MEAN"}
    assert ops.keys() <= allowed | ({"QUANTIZE", "DEQUANTIZE"} if recipe is Recipe.INT8 else set())
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    feed, fetch = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    got = run(interpreter, feed, fetch, case.image)
    assert np.abs(got - case.want).max() <= tolerance * np.abs(case.want).max()


def run(interpreter: Any, feed: Any, fetch: Any, image: np.ndarray) -> np.ndarray:
    """Real values in, real values out."""
    if feed["dtype"] == np.uint8:
        scale, zero = feed["quantization"]
        image = np.clip(np.round(image / scale + zero), 0, 255).astype(np.uint8)
    interpreter.set_tensor(feed["index"], image)
    interpreter.invoke()
    result = interpreter.get_tensor(fetch["index"])
    if fetch["dtype"] == np.uint8:
        scale, zero = fetch["quantization"]
        result = (result.astype(np.float32) - zero) * scale
    return np.asarray(result, np.float32)


def test_other_variables_are_not_an_xception() -> None:
    assert family.infer({"MobilenetV2/Conv/weights": (3, 3, 3, 32)}) is None


def test_a_decoder_on_unknown_features_is_refused() -> None:
    shapes = {
        "xception_65/entry_flow/conv1_1/weights": (3, 3, 3, 32),
        "decoder/feature_projection0/weights": (1, 1, 300, 48),
    }
    with pytest.raises(InputError, match=r"takes 300 channels; expected .* 256 \(stride 4\) or 728 \(stride 8\)"):
        family.infer(shapes)


def test_atrous_rates_follow_the_output_stride() -> None:
    branches = {f"aspp{i}_depthwise/depthwise_weights": (3, 3, 2048, 1) for i in (1, 2, 3)}
    assert default_atrous_rates(branches, 16) == (6, 12, 18)
    assert default_atrous_rates(branches, 8) == (12, 24, 36)
    assert default_atrous_rates({}, 32) == ()
    for wrong, stride in ((branches, 32), (dict(list(branches.items())[:2]), 16)):
        with pytest.raises(InputError, match="state the atrous rates"):
            default_atrous_rates(wrong, stride)


def test_the_dense_prediction_cell_has_no_rates_beyond_stride_16() -> None:
    spec = DeepLabSpec(Backbone.XCEPTION_71, crop_height=65, crop_width=65, output_stride=32, head=Head.DPC)
    with pytest.raises(InputError, match="no rates for output stride 32"):
        build_network(spec)
