"""The Keras networks against a second implementation in plain TensorFlow ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portraitlite.convert.infer import SpecFlags, infer_spec
from portraitlite.convert.networks import build_network
from portraitlite.convert.networks.layers import make_divisible
from portraitlite.convert.networks.resize import interpolation_matrix
from portraitlite.convert.spec import DeepLabSpec, scale_dimension
from portraitlite.convert.weights import load_variables, official_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.resize import resize_bilinear
from portraitlite.runtime.types import ResizeConvention


@pytest.mark.parametrize(
    ("decoder", "output_stride", "crop", "align_corners"),
    [
        (None, 16, (65, 65), True),
        (None, 8, (65, 97), True),
        (4, 16, (65, 65), True),
        (4, 16, (64, 96), False),
        (8, 32, (97, 65), True),
        (4, 8, (81, 65), True),
    ],
)
def test_logits_equal_the_flat_implementation(
    oracle: Any,
    rng: np.random.Generator,
    decoder: int | None,
    output_stride: int,
    crop: tuple[int, int],
    align_corners: bool,
) -> None:
    flat = oracle("mobilenet_v2_deeplab")
    variables = flat.random_variables(rng, decoder=decoder)
    flags = SpecFlags(output_stride=output_stride, crop=crop, align_corners=align_corners)
    spec = infer_spec({name: value.shape for name, value in variables.items()}, flags).spec
    assert (spec.decoder_stride, spec.depth_multiplier, spec.classes) == (decoder, 0.5, 3)
    network = build_network(spec)
    load_variables(network, variables)
    image = rng.uniform(-1, 1, (1, *crop, 3)).astype("f4")
    want = flat.logits(variables, image, output_stride=output_stride, align_corners=align_corners)
    got = np.asarray(network.model(image))
    assert got.shape == want.shape == (1, *spec.logits_size, 3)
    assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()


def test_a_wrong_epsilon_would_be_seen(oracle: Any, rng: np.random.Generator) -> None:
    """The comparison above is sharp enough: swapping the heads' epsilon for the backbone's breaks it."""
    import dataclasses

    flat = oracle("mobilenet_v2_deeplab")
    variables = flat.random_variables(rng)
    spec = infer_spec({n: v.shape for n, v in variables.items()}, SpecFlags(crop=(65, 65))).spec
    network = build_network(spec)
    wrong = dataclasses.replace(
        network, rows=tuple(dataclasses.replace(r, epsilon=1e-3 if r.epsilon else None) for r in network.rows)
    )
    load_variables(wrong, variables)
    image = rng.uniform(-1, 1, (1, 65, 65, 3)).astype("f4")
    want = flat.logits(variables, image, output_stride=16, align_corners=True)
    assert np.abs(np.asarray(wrong.model(image)) - want).max() > 1e-3 * np.abs(want).max()


def test_folded_weights_survive_the_way_back(oracle: Any, rng: np.random.Generator) -> None:
    variables = oracle("mobilenet_v2_deeplab").random_variables(rng, decoder=4)
    spec = infer_spec({n: v.shape for n, v in variables.items()}, SpecFlags(crop=(65, 65))).spec
    first, second = build_network(spec), build_network(spec)
    load_variables(first, variables)
    load_variables(second, official_variables(first))
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_differences_between_variables_and_network_are_named(oracle: Any, rng: np.random.Generator) -> None:
    variables = oracle("mobilenet_v2_deeplab").random_variables(rng)
    network = build_network(infer_spec({n: v.shape for n, v in variables.items()}, SpecFlags(crop=(65, 65))).spec)
    del variables["aspp0/BatchNorm/beta"]
    variables["aspp1_depthwise/depthwise_weights"] = np.zeros((3, 3, 160, 1), "f4")
    variables["concat_projection/weights"] = np.zeros((1, 1, 40, 24), "f4")
    with pytest.raises(InputError, match="missing aspp0/BatchNorm/beta") as raised:
        load_variables(network, variables)
    assert "not part of this network aspp1_depthwise/depthwise_weights" in str(raised.value)
    assert "concat_projection/weights is [1, 1, 40, 24], not [1, 1, 48, 24]" in str(raised.value)


def test_values_that_are_not_finite_are_refused(oracle: Any, rng: np.random.Generator) -> None:
    variables = oracle("mobilenet_v2_deeplab").random_variables(rng)
    network = build_network(infer_spec({n: v.shape for n, v in variables.items()}, SpecFlags(crop=(65, 65))).spec)
    variables["aspp0/weights"][0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match=r"aspp0/weights .* not finite"):
        load_variables(network, variables)


@pytest.mark.parametrize("convention", list(ResizeConvention))
def test_resize_conventions_equal_tensorflow(convention: ResizeConvention, rng: np.random.Generator) -> None:
    import tensorflow as tf

    x = rng.normal(size=(1, 7, 9, 2)).astype("f4")
    for size in ((13, 25), (28, 27), (4, 3)):
        want = tf.raw_ops.ResizeBilinear(
            images=x,
            size=size,
            align_corners=convention is ResizeConvention.ALIGN_CORNERS,
            half_pixel_centers=convention is ResizeConvention.HALF_PIXEL,
        ).numpy()
        np.testing.assert_allclose(resize_bilinear(x[0], *size, convention), want[0], atol=1e-5)
        rows, columns = (interpolation_matrix(n, s, convention) for n, s in zip(size, x.shape[1:3], strict=True))
        np.testing.assert_allclose(np.einsum("yh,nhwc,xw->nyxc", rows, x, columns), want, atol=1e-5)


def test_channel_rounding_and_sizes_follow_the_official_rules() -> None:
    # slim's own examples: 16 * 0.35 = 5.6 with divisor 8 is 8; 96 * 0.5 with divisor 1 is 48.
    assert (make_divisible(5.6, 8, 8), make_divisible(48, 1, 1), make_divisible(33, 8, 8)) == (8, 48, 32)
    # 11.9 rounds to 8, more than 10 % less, so it becomes 16.
    assert make_divisible(11.9, 8, 8) == 16
    sizes = {(513, 4): 129, (512, 4): 128, (1025, 8): 129, (2049, 8): 257, (513, 16): 33, (513, 8): 65}
    assert {key: scale_dimension(*key) for key in sizes} == sizes


def test_spec_refuses_what_no_network_can_be() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"output_stride": 12},
        {"decoder_stride": 5},
        {"classes": 1},
        {"crop_height": 8},
        {"depth_multiplier": 0.0},
        {"residual": True},
    )
    for wrong in wrongs:
        with pytest.raises(InputError):
            DeepLabSpec(**wrong)
    spec = DeepLabSpec(classes=3, atrous_rates=(6, 12), resize_convention=ResizeConvention.LEGACY)
    assert DeepLabSpec.from_dict(spec.to_dict()) == spec
    with pytest.raises(InputError, match="unknown keys"):
        DeepLabSpec.from_dict({**spec.to_dict(), "colour": 1})
