"""How the fields of a spec are decided."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.infer import SpecFlags, infer_spec
from portraitlite.convert.spec import Backbone, DeepLabSpec
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

Shapes = dict[str, tuple[int, ...]]


@pytest.fixture
def shapes(oracle: Any) -> Shapes:
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(2), decoder=4)
    return {name: value.shape for name, value in variables.items()}


def test_variables_flags_facts_and_defaults_each_have_their_say(shapes: Shapes) -> None:
    facts = {
        "output_stride": (8, "strides multiply to 8"),
        "crop_height": (257, "a resize"),
        "crop_width": (257, "a resize"),
    }
    inferred = infer_spec(shapes, SpecFlags(crop=(385, 513)), facts)
    spec = inferred.spec
    assert (spec.backbone, spec.depth_multiplier, spec.classes) == (Backbone.MOBILENET_V2, 0.5, 3)
    assert (spec.decoder_stride, spec.decoder_filters, spec.aspp_filters) == (4, 20, 24)
    assert (spec.crop_height, spec.crop_width, spec.output_stride) == (385, 513, 8)
    assert spec.resize_convention is ResizeConvention.ALIGN_CORNERS
    assert (inferred.source_spec.crop_height, inferred.source_spec.crop_width) == (257, 257)
    assert inferred.retargeted
    assert inferred.reasons["crop_height"] == "flag"
    assert inferred.reasons["output_stride"] == "graph: strides multiply to 8"
    assert inferred.reasons["resize_convention"] == "official default"
    assert inferred.reasons["classes"] == "variable logits/semantic/biases"


def test_published_flags_win_over_the_graph(shapes: Shapes) -> None:
    """The zoo's frozen graphs are exported at output stride 8; its published figures are those of 16."""
    published = DeepLabSpec(output_stride=16, crop_height=257, crop_width=257)
    facts = {"output_stride": (8, "strides"), "crop_height": (513, "pad")}
    spec = infer_spec(shapes, SpecFlags(), facts, published).spec
    assert (spec.output_stride, spec.crop_height) == (16, 257)


def test_atrous_rates_keep_their_reach_when_the_output_stride_changes() -> None:
    from portraitlite.convert.networks import build_network

    source = DeepLabSpec(depth_multiplier=0.5, classes=3, crop_height=65, crop_width=65, atrous_rates=(12, 24, 36))
    rows = build_network(source).rows
    shapes = {name: shape for row in rows for name, shape in row.variables().items()}
    facts = {"output_stride": (8, "strides"), "atrous_rates": ((12, 24, 36), "dilations")}
    inferred = infer_spec(shapes, SpecFlags(output_stride=16), facts)
    assert inferred.spec.atrous_rates == (6, 12, 18)
    assert infer_spec(shapes, SpecFlags(output_stride=16, atrous_rates=(2, 4, 6)), facts).spec.atrous_rates == (2, 4, 6)
    assert infer_spec(shapes, SpecFlags()).spec.atrous_rates == (6, 12, 18)


def test_another_network_is_named() -> None:
    with pytest.raises(InputError, match=r"expected the variables of an official DeepLab .*found vgg_16"):
        infer_spec({"vgg_16/conv1/weights": (3, 3, 3, 64)}, SpecFlags())
    with pytest.raises(InputError, match="expected a DeepLab head"):
        infer_spec({"MobilenetV2/Conv/weights": (3, 3, 3, 32), "MobilenetV2/Logits/biases": (1001,)}, SpecFlags())


def test_flags_that_contradict_the_variables_are_refused(shapes: Shapes) -> None:
    for flags, reason in (
        (SpecFlags(classes=21), "classes 21 contradicts the source: logits/semantic/biases says 3"),
        (SpecFlags(decoder_stride=8), "decoder_stride 8 contradicts"),
        (SpecFlags(depth_multiplier=1.0), "depth_multiplier 1.0 contradicts"),
    ):
        with pytest.raises(InputError, match=reason):
            infer_spec(shapes, flags)
    plain = {name: shape for name, shape in shapes.items() if not name.startswith("decoder/")}
    with pytest.raises(InputError, match=r"decoder_stride 4 contradicts .*no decoder"):
        infer_spec(plain, SpecFlags(decoder_stride=4))


@pytest.mark.parametrize("multiplier", [0.35, 0.5, 0.75, 1.0, 1.4, 0.6])
def test_depth_multipliers_are_found_through_the_rounding(multiplier: float) -> None:
    """11 stem channels are 0.35, not 11/32: the blocks would get other widths."""
    from portraitlite.convert.networks import build_network

    rows = build_network(DeepLabSpec(depth_multiplier=multiplier, crop_height=65, crop_width=65)).rows
    shapes = {name: shape for row in rows for name, shape in row.variables().items()}
    spec = infer_spec(shapes, SpecFlags()).spec
    again = build_network(dataclasses.replace(spec, crop_height=65, crop_width=65)).rows
    assert [row.shape for row in again] == [row.shape for row in rows]
