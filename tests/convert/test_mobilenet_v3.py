"""MobileNetV3 with LR-ASPP against a second implementation, and against the official sample where it is present.

The second implementation is ours too, with random weights: it proves wiring, folding, dilation, padding and channel
rounding, that is, that two readings of the official code agree. That the reading is right only the official sample
proves, for the small network at output stride 32; the large one shares its code and has the published 1.51M parameters.
"""

from __future__ import annotations

import dataclasses
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.networks.lr_aspp import POOLING_CROP, POOLING_STRIDE
from portraitlite.convert.networks.mobilenet_v3 import infer
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

LARGE, SMALL = Backbone.MOBILENET_V3_LARGE_SEG, Backbone.MOBILENET_V3_SMALL_SEG
OFFICIAL = DeepLabSpec(
    backbone=SMALL,
    classes=19,
    crop_height=1025,
    crop_width=2049,
    output_stride=32,
    head=Head.LR_ASPP,
    decoder_stride=8,
    aspp_filters=128,
    decoder_filters=19,
    image_pooling_crop=POOLING_CROP,
    image_pooling_stride=POOLING_STRIDE,
)


def revealed(variables: dict[str, np.ndarray]) -> dict[str, Any]:
    found = infer({name: value.shape for name, value in variables.items()})
    assert found is not None
    return {field: value for field, (value, _) in found.items()}


@pytest.mark.parametrize(
    ("size", "multiplier", "decoder", "output_stride", "crop", "pooling", "align_corners"),
    [
        ("small", 1.0, 8, 32, (161, 225), ((97, 97), (1, 2)), True),
        ("small", 0.5, 4, 16, (96, 130), ((65, 65), (2, 3)), True),
        ("small", 0.75, 8, 8, (97, 80), ((49, 65), (4, 5)), False),
        ("large", 0.5, 8, 32, (130, 161), ((97, 97), (1, 1)), True),
        ("large", 0.35, 4, 16, (97, 97), ((97, 97), (4, 5)), False),
        ("large", 0.5, 8, 8, (81, 66), ((33, 33), (3, 2)), True),
    ],
)
def test_logits_equal_the_flat_implementation(
    oracle: Any,
    rng: np.random.Generator,
    size: str,
    multiplier: float,
    decoder: int,
    output_stride: int,
    crop: tuple[int, int],
    pooling: tuple[tuple[int, int], tuple[int, int]],
    align_corners: bool,
) -> None:
    flat = oracle("mobilenet_v3")
    variables = flat.random_variables(rng, size, depth_multiplier=multiplier, decoder=decoder)
    found = revealed(variables)
    assert found == {
        "backbone": LARGE if size == "large" else SMALL,
        "depth_multiplier": multiplier,
        "head": Head.LR_ASPP,
        "aspp_filters": 16,
        "decoder_stride": decoder,
        "decoder_filters": 3,
        "classes": 3,
    }
    spec = DeepLabSpec(
        crop_height=crop[0],
        crop_width=crop[1],
        output_stride=output_stride,
        image_pooling_crop=pooling[0],
        image_pooling_stride=pooling[1],
        resize_convention=ResizeConvention.ALIGN_CORNERS if align_corners else ResizeConvention.LEGACY,
        **found,
    )
    network = build_network(spec)
    load_variables(network, variables)
    image = rng.uniform(-1, 1, (1, *crop, 3)).astype("f4")
    want = flat.logits(
        variables,
        image,
        size,
        output_stride=output_stride,
        decoder=decoder,
        pooling=pooling,
        align_corners=align_corners,
    )
    got = np.asarray(network.model(image))
    assert got.shape == want.shape == (1, *spec.logits_size, 3)
    assert np.abs(got - want).max() <= 1e-4 * np.ptp(want)


def test_the_gate_varies_over_the_picture(oracle: Any, rng: np.random.Generator) -> None:
    """A global gate would pass for the local one otherwise, were its influence too small to see."""
    variables = oracle("mobilenet_v3").random_variables(rng, "small")
    local = DeepLabSpec(
        crop_height=161,
        crop_width=225,
        output_stride=32,
        image_pooling_crop=(97, 97),
        image_pooling_stride=(1, 1),
        **revealed(variables),
    )
    image, logits = rng.uniform(-1, 1, (1, 161, 225, 3)).astype("f4"), []
    for spec in (local, dataclasses.replace(local, image_pooling_crop=None)):
        network = build_network(spec)
        load_variables(network, variables)
        logits.append(np.asarray(network.model(image)))
    assert np.abs(logits[0] - logits[1]).max() > 1e-3 * np.ptp(logits[0])


def test_an_aspp_head_is_possible_on_the_same_backbone() -> None:
    spec = DeepLabSpec(
        backbone=LARGE, crop_height=65, crop_width=65, decoder_stride=4, aspp_filters=16, decoder_filters=24
    )
    rows = build_network(spec).rows
    found = infer({name: shape for row in rows for name, shape in row.variables().items()})
    assert found is not None
    assert {field: value for field, (value, _) in found.items()} == {
        "backbone": LARGE,
        "depth_multiplier": 1.0,
        "head": Head.ASPP,
        "aspp_filters": 16,
        "decoder_stride": 4,
        "decoder_filters": 24,
        "classes": 21,
    }


def test_other_families_are_not_taken_for_this_one() -> None:
    assert infer({"MobilenetV2/Conv/weights": (3, 3, 3, 32)}) is None


def test_parameters_are_the_published_ones() -> None:
    """Tables 7 and 8 of the paper: 1.51M and 0.47M, batch norms' gamma and beta counted."""
    for backbone, millions in ((LARGE, 1.51), (SMALL, 0.47)):
        rows = build_network(dataclasses.replace(OFFICIAL, backbone=backbone)).rows
        shapes = [s for row in rows for name, s in row.variables().items() if "moving" not in name]
        assert round(sum(int(np.prod(shape)) for shape in shapes) / 1e6, 2) == millions


@pytest.mark.parametrize("crop", [(513, 513), (768, 2049), (1025, 768)])
def test_a_crop_below_the_pooling_window_is_refused(crop: tuple[int, int]) -> None:
    spec = dataclasses.replace(OFFICIAL, crop_height=crop[0], crop_width=crop[1])
    with pytest.raises(InputError, match=r"window of 25x25 features; choose a crop of at least 769x769") as raised:
        build_network(spec)
    assert f"crop {crop[0]}x{crop[1]} is too small" in str(raised.value)


def test_the_smallest_crop_works() -> None:
    network = build_network(dataclasses.replace(OFFICIAL, crop_height=769, crop_width=769))
    assert network.model.output.shape == (1, 97, 97, 19)


@pytest.mark.parametrize("wrong", [{"decoder_stride": None}, {"residual": True}])
def test_what_the_head_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="LR-ASPP head"):
        build_network(dataclasses.replace(OFFICIAL, **wrong))


def test_the_files_hold_only_ops_that_phones_have(oracle: Any, rng: np.random.Generator) -> None:
    variables = oracle("mobilenet_v3").random_variables(rng, "small", depth_multiplier=0.5)
    spec = DeepLabSpec(
        crop_height=97,
        crop_width=129,
        output_stride=16,
        image_pooling_crop=(65, 65),
        image_pooling_stride=(1, 2),
        **revealed(variables),
    )
    network = build_network(spec)
    load_variables(network, variables)
    function = output_function(network, spec, OutputSpec(OutputKind.LOGITS))
    images = [rng.uniform(-1, 1, (1, 97, 129, 3)).astype("f4") for _ in range(3)]
    want = np.asarray(network.model(images[0]))

    model = convert_with_tensorflow(FloatNetwork(function, 97, 129), Recipe.FP32, None)
    # Two hard swishes in each of 8 blocks, one in the first and the last convolution. Gates: 9 and the head's, each one
    # MUL for its 1/6 and one to apply it, its + 3 part of the biases; two MEANs for each of the 9. Sums: 8 and the
    # decoder's.
    ops = count_ops(model)
    assert ops == {
        "CONV_2D": 45,
        "HARD_SWISH": 18,
        "DEPTHWISE_CONV_2D": 11,
        "MUL": 20,
        "MEAN": 18,
        "ADD": 9,
        "RESIZE_BILINEAR": 2,
        "AVERAGE_POOL_2D": 1,
    }
    (got,) = open_model(model).run({"image": images[0]})
    assert np.abs(got - want).max() <= 1e-3 * np.ptp(want)

    model = convert_with_tensorflow(FloatNetwork(function, 97, 129), Recipe.INT8, images)
    assert count_ops(model).keys() - ops.keys() <= {"QUANTIZE"}
    runner = open_model(model)
    (info,), (result,) = runner.inputs, runner.outputs
    stored = np.round(images[0] / info.scale + info.zero_point).clip(0, 255).astype(np.uint8)
    (got,) = runner.run({"image": stored})
    assert np.corrcoef(result.dequantize(got).ravel(), want.ravel())[0, 1] > 0.9


@pytest.fixture(scope="module")
def sample(shared: Path) -> Path:
    return shared / "official" / "mnv3_small_cityscapes"


@pytest.mark.shared_data
def test_variables_are_the_official_ones(sample: Path) -> None:
    rows = build_network(OFFICIAL).rows
    mine = {name: list(shape) for row in rows for name, shape in row.variables().items()}
    assert mine == json.loads((sample / "variables.json").read_text())


@pytest.mark.shared_data
def test_the_official_sample_gives_the_official_labels(sample: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    with tarfile.open(next(iter(sample.glob("*.tar.gz")))) as tarball:
        tarball.extractall(tmp_path, filter="data")
    reader = tf.train.load_checkpoint(str(next(iter(tmp_path.glob("*/*.index"))).with_suffix("")))
    network = build_network(OFFICIAL)
    load_variables(network, {name: reader.get_tensor(name) for row in network.rows for name in row.variables()})
    logits = tf.function(output_function(network, OFFICIAL, OutputSpec(OutputKind.LOGITS)))
    labels = tf.function(output_function(network, OFFICIAL, OutputSpec(OutputKind.LABELS)))
    for name, image, valid in _photos(sample):
        got = labels(image).numpy()[0][valid]
        want = _png(sample / "reference" / f"{name}.argmax_model_size.png")[valid]
        assert (got == want).mean() >= 0.9997, name
        stored = sample / "reference" / f"{name}.logits_lowres.npz"
        if stored.exists():
            with np.load(stored) as archive:
                official = archive["logits"]
            assert np.abs(logits(image).numpy() - official).max() <= 1e-3 * np.ptp(official)


def _photos(sample: Path) -> Iterator[tuple[str, np.ndarray, tuple[slice, slice]]]:
    """Name, normalised and padded network input, region that is not padding."""
    for name in ("astronaut", "chelsea", "coffee"):
        photo = _png(sample / "reference" / f"{name}.input.png")
        image = np.zeros((1, OFFICIAL.crop_height, OFFICIAL.crop_width, 3), np.float32)
        image[0, : photo.shape[0], : photo.shape[1]] = np.float32(2 / 255) * photo.astype(np.float32) - 1
        yield name, image, (slice(0, photo.shape[0]), slice(0, photo.shape[1]))


def _png(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)
