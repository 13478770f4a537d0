"""DeepLab on MobileNet-EdgeTPU against a second implementation.

No official checkpoint is at hand: the second implementation proves wiring, folding, dilation, padding and channel
rounding, that is, that two readings of the official code agree. The multiply-adds published for both networks and both
output strides bound what the reading can have wrong; names and trained weights remain unverified.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.networks.layers import Network, layer_name
from portraitlite.convert.networks.mobilenet_edgetpu import infer
from portraitlite.convert.outputs import OutputSpec, output_function
from portraitlite.convert.pipeline import count_ops
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.spec import Backbone, DeepLabSpec, Head
from portraitlite.convert.types import Recipe
from portraitlite.convert.weights import load_variables
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import OutputKind, ResizeConvention

EDGETPU = Backbone.MOBILENET_EDGETPU


def revealed(variables: dict[str, np.ndarray]) -> dict[str, Any]:
    found = infer({name: value.shape for name, value in variables.items()})
    assert found is not None
    return {field: value for field, (value, _) in found.items()}


@pytest.mark.parametrize(
    ("multiplier", "output_stride", "crop", "align_corners"),
    [
        (0.5, 32, (65, 97), True),
        (0.75, 16, (96, 66), True),
        (0.25, 16, (65, 65), False),
        (0.5, 8, (81, 64), True),
        (1.0, 16, (65, 65), True),
    ],
)
def test_logits_equal_the_flat_implementation(
    oracle: Any,
    rng: np.random.Generator,
    multiplier: float,
    output_stride: int,
    crop: tuple[int, int],
    align_corners: bool,
) -> None:
    flat = oracle("mobilenet_edgetpu")
    variables = flat.random_variables(rng, depth_multiplier=multiplier)
    found = revealed(variables)
    assert found == {
        "backbone": EDGETPU,
        "depth_multiplier": multiplier,
        "head": Head.ASPP,
        "aspp_filters": 16,
        "decoder_stride": None,
        "classes": 3,
    }
    spec = DeepLabSpec(
        crop_height=crop[0],
        crop_width=crop[1],
        output_stride=output_stride,
        resize_convention=ResizeConvention.ALIGN_CORNERS if align_corners else ResizeConvention.LEGACY,
        **found,
    )
    network = build_network(spec)
    load_variables(network, variables)
    image = rng.uniform(-1, 1, (1, *crop, 3)).astype("f4")
    want = flat.logits(variables, image, output_stride=output_stride, align_corners=align_corners)
    got = np.asarray(network.model(image))
    assert got.shape == want.shape == (1, *spec.logits_size, 3)
    assert np.abs(got - want).max() <= 1e-4 * np.ptp(want)


@pytest.mark.parametrize(
    ("multiplier", "filters", "output_stride", "published"),
    [(1.0, 256, 32, 5.6e9), (1.0, 256, 16, 7.1e9), (0.75, 128, 32, 3.5e9), (0.75, 128, 16, 4.3e9)],
)
def test_multiply_adds_are_the_published_ones(
    multiplier: float, filters: int, output_stride: int, published: float
) -> None:
    """A 3x3 convolution in the first block (0.6e9), or no last convolution (up to 1.1e9), would not fit."""
    spec = DeepLabSpec(EDGETPU, 19, depth_multiplier=multiplier, aspp_filters=filters, output_stride=output_stride)
    assert 0.97 * published <= _multiply_adds(build_network(spec)) <= published


def test_other_families_are_not_taken_for_this_one() -> None:
    assert infer({"MobilenetV3/Conv_1/weights": (1, 1, 48, 288)}) is None


def test_a_decoder_is_refused(oracle: Any, rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="no low-level features"):
        build_network(DeepLabSpec(EDGETPU, decoder_stride=4, crop_height=65, crop_width=65))
    variables = oracle("mobilenet_edgetpu").random_variables(rng, depth_multiplier=0.25)
    variables["decoder/feature_projection0/weights"] = np.zeros((1, 1, 24, 48), "f4")
    with pytest.raises(InputError, match=r"found decoder/feature_projection0/weights; expected .* without decoder"):
        infer({name: value.shape for name, value in variables.items()})


def test_the_files_hold_only_ops_that_phones_have(oracle: Any, rng: np.random.Generator) -> None:
    variables = oracle("mobilenet_edgetpu").random_variables(rng, depth_multiplier=0.25)
    spec = DeepLabSpec(crop_height=65, crop_width=97, output_stride=16, **revealed(variables))
    network = build_network(spec)
    load_variables(network, variables)
    function = output_function(network, spec, OutputSpec(OutputKind.LOGITS))
    images = [rng.uniform(-1, 1, (1, 65, 97, 3)).astype("f4") for _ in range(3)]
    want = np.asarray(network.model(images[0]))

    model = convert_with_tensorflow(FloatNetwork(function, 65, 97), Recipe.FP32, None)
    # The image-level feature is one pixel that the resize spreads.
    expected = {"DEPTHWISE_CONV_2D": 13, "MEAN": 1, "RESIZE_BILINEAR": 1, "CONCATENATION": 1}
    ops = count_ops(model)
    assert {kind: ops[kind] for kind in expected} == expected
    assert ops.keys() - expected.keys() == {"CONV_2D", "ADD"}
    (got,) = open_model(model).run({"image": images[0]})
    assert np.abs(got - want).max() <= 1e-3 * np.ptp(want)

    model = convert_with_tensorflow(FloatNetwork(function, 65, 97), Recipe.INT8, images)
    assert count_ops(model).keys() - ops.keys() <= {"QUANTIZE"}
    runner = open_model(model)
    (info,), (result,) = runner.inputs, runner.outputs
    stored = np.round(images[0] / info.scale + info.zero_point).clip(0, 255).astype(np.uint8)
    (got,) = runner.run({"image": stored})
    assert np.corrcoef(result.dequantize(got).ravel(), want.ravel())[0, 1] > 0.9


def _multiply_adds(network: Network) -> int:
    total = 0
    for row in network.rows:
        _, height, width, _ = network.model.get_layer(layer_name(row.scope)).output.shape
        total += height * width * int(np.prod(row.shape))
    return total
