"""ResNet-v1 beta DeepLabs against a second implementation.

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
from portraitlite.convert.networks import resnet_v1_beta as family
from portraitlite.convert.networks.atrous import strides_and_dilations
from portraitlite.convert.networks.layers import LayerMaker
from portraitlite.convert.outputs import OutputSpec, output_function
from portraitlite.convert.pipeline import count_ops
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.types import Recipe
from portraitlite.convert.weights import compare_variables, load_variables
from portraitlite.runtime.types import OutputKind

THIN = 8
RATES = {8: (12, 24, 36), 16: (6, 12, 18), 32: (3, 6, 9)}
SKIPS = {4: "block1/unit_2", 8: "block2/unit_3"}


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels divided by eight."""
    monkeypatch.setattr(family, "BLOCKS", tuple((channels // THIN, stride) for channels, stride in family.BLOCKS))


def make_spec(
    variables: dict[str, np.ndarray], output_stride: int, crop: tuple[int, int], rates: tuple[int, ...]
) -> DeepLabSpec:
    found = family.infer({key: value.shape for key, value in variables.items()})
    assert found is not None
    fields = {key: value for key, (value, _) in found.items()}
    return DeepLabSpec(
        **fields, output_stride=output_stride, crop_height=crop[0], crop_width=crop[1], atrous_rates=rates
    )


def errors(
    oracle: Any,
    rng: np.random.Generator,
    name: str,
    output_stride: int,
    decoder: int | None,
    crop: tuple[int, int],
    multi_grid: tuple[int, int, int] = (1, 2, 4),
    built_grid: tuple[int, int, int] | None = None,
) -> float:
    """Largest difference of the logits, relative to the largest logit; `built_grid` builds with another grid."""
    flat, heads = oracle("resnet_v1_beta"), oracle("v3plus_head")
    variables = flat.random_variables(rng, name, thin=THIN)
    low = {4: 256 // THIN, 8: 512 // THIN}[decoder] if decoder else None
    variables |= heads.random_variables(rng, features=2048 // THIN, low_level=low)
    spec = dataclasses.replace(
        make_spec(variables, output_stride, crop, RATES[output_stride]), multi_grid=built_grid or multi_grid
    )
    assert (spec.backbone, spec.decoder_stride, spec.aspp_filters) == (f"{name}_beta", decoder, 24)
    network = build_network(spec)
    load_variables(network, variables)
    image = rng.uniform(-1, 1, (1, *crop, 3)).astype("f4")
    features, thirds = flat.features(variables, image, name, output_stride=output_stride, multi_grid=multi_grid)
    want = heads.logits(
        variables,
        features,
        thirds[SKIPS[decoder]] if decoder else None,
        rates=RATES[output_stride],
        output_stride=output_stride,
        target=spec.logits_size,
    )
    got = np.asarray(network.model(image))
    assert got.shape == want.shape == (1, *spec.logits_size, 3)
    return float(np.abs(got - want).max() / np.abs(want).max())


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("name", "output_stride", "decoder", "crop"),
    [
        ("resnet_v1_50", 16, 4, (65, 65)),
        ("resnet_v1_50", 8, 8, (64, 98)),
        ("resnet_v1_50", 32, None, (97, 66)),
        ("resnet_v1_101", 16, 4, (66, 65)),
    ],
)
def test_logits_equal_the_flat_implementation(
    oracle: Any, rng: np.random.Generator, name: str, output_stride: int, decoder: int | None, crop: tuple[int, int]
) -> None:
    assert errors(oracle, rng, name, output_stride, decoder, crop) <= 1e-4


@pytest.mark.usefixtures("thin")
def test_another_multi_grid(oracle: Any, rng: np.random.Generator) -> None:
    assert errors(oracle, rng, "resnet_v1_50", 16, None, (65, 65), multi_grid=(1, 1, 1)) <= 1e-4


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize("mutation", ["same padding", "stride in the first unit", "multi grid", "epsilon"])
def test_a_wrong_reading_would_be_seen(
    oracle: Any, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    """The comparison is sharp enough: every one of these mistakes breaks it."""
    if mutation == "same padding":
        monkeypatch.setattr(LayerMaker, "_pad", staticmethod(lambda x, *_: (x, "same")))
    elif mutation == "epsilon":
        monkeypatch.setattr(family, "EPSILON", 1e-3)
    elif mutation == "stride in the first unit":
        first = [1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1]
        monkeypatch.setattr(family, "strides_and_dilations", lambda _, *rest: strides_and_dilations(first, *rest))
    grid = (1, 1, 1) if mutation == "multi grid" else None
    assert errors(oracle, rng, "resnet_v1_50", 16, None, (64, 64), built_grid=grid) > 1e-3


@pytest.mark.parametrize("name", ["resnet_v1_50", "resnet_v1_101"])
def test_official_widths(oracle: Any, rng: np.random.Generator, name: str) -> None:
    variables = oracle("resnet_v1_beta").random_variables(rng, name)
    variables |= oracle("v3plus_head").random_variables(rng, features=2048, low_level=256)
    spec = make_spec(variables, 16, (65, 65), (6, 12, 18))
    assert not compare_variables(build_network(spec), {key: value.shape for key, value in variables.items()})


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("crop", "recipe", "agreement"), [((65, 65), Recipe.FP32, 0.999), ((64, 96), Recipe.INT8, 0.5)]
)
def test_tflite_keeps_dilated_convolutions_whole(
    oracle: Any, rng: np.random.Generator, crop: tuple[int, int], recipe: Recipe, agreement: float
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    variables = oracle("resnet_v1_beta").random_variables(rng, "resnet_v1_50", thin=THIN)
    variables |= oracle("v3plus_head").random_variables(rng, features=2048 // THIN, low_level=256 // THIN)
    spec = make_spec(variables, 16, crop, (6, 12, 18))
    network = build_network(spec)
    load_variables(network, variables)
    function = output_function(network, spec, OutputSpec(OutputKind.LABELS))
    image = rng.uniform(-1, 1, (1, *crop, 3)).astype("f4")
    want = np.asarray(function(image))
    model = convert_with_tensorflow(FloatNetwork(function, *crop), recipe, [image] * 2)
    ops = count_ops(model)
    # Root, shortcuts, 16 units, image pooling, aspp0, pointwise ones of ASPP, projection, decoder, logits.
    assert ops["CONV_2D"] == 3 + 4 + 16 * 3 + 1 + 1 + 3 + 1 + 3 + 1
    # Image pooling, the features' way up to the decoder, the logits' to the crop.
    assert ops["RESIZE_BILINEAR"] == 3
    # Root and the two strided units, for even sides only; the third is a dilation at output stride 16.
    assert ops.get("PAD", 0) == (0 if crop[0] % 2 else 3)
    assert not [kind for kind in ops if "BATCH" in kind or kind in ("SHAPE", "CUSTOM", "RESHAPE")]
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    feed, fetch = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = feed["quantization"]
    quantized = np.clip(np.round(image / (scale or 1) + zero), 0, 255).astype(np.uint8)
    interpreter.set_tensor(feed["index"], image if recipe is Recipe.FP32 else quantized)
    interpreter.invoke()
    assert (interpreter.get_tensor(fetch["index"]) == want).mean() >= agreement


def test_variables_that_are_not_beta_are_not_of_this_family() -> None:
    assert family.infer({"resnet_v1_50/conv1/weights": (7, 7, 3, 64)}) is None
