"""A MobileNetV2 DeepLab out of a `.tflite`: our own exports, and the published files where they are at hand."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.networks.layers import Network
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.sources.tflite_file import read_tflite
from portraitlite.convert.sources.tflite_graph import TfliteGraph
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.types import Recipe
from portraitlite.convert.weights import load_variables, official_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

SMALL = {"classes": 3, "depth_multiplier": 0.5, "aspp_filters": 24, "decoder_filters": 20}
PLAIN = DeepLabSpec(crop_height=65, crop_width=97, output_stride=8, **SMALL)  # type: ignore[arg-type]


def _network(spec: DeepLabSpec) -> Network:
    """With biases that differ, so that no two layers can be taken for one another."""
    network = build_network(spec)
    rng = np.random.default_rng(3)
    for weights in network.model.weights:
        weights.assign(rng.normal(0, 0.2, weights.shape))
    return network


def _export(network: Network, recipe: Recipe) -> bytes:
    height, width = network.model.input_shape[1:3]
    photos = None
    if recipe is Recipe.INT8:
        photos = [np.random.default_rng(i).uniform(-1, 1, (1, height, width, 3)).astype("f4") for i in range(3)]
    return convert_with_tensorflow(
        FloatNetwork(lambda x: network.model(x, training=False), height, width), recipe, photos
    )


@pytest.fixture(scope="module")
def plain() -> tuple[Network, bytes]:
    network = _network(PLAIN)
    return network, _export(network, Recipe.FP32)


@pytest.mark.parametrize("decoder", ["none", "stride 4", "stride 8", "residual"])
def test_our_float_export_comes_back(tmp_path: Path, plain: tuple[Network, bytes], decoder: str) -> None:
    network, model = plain
    convention = ResizeConvention.ALIGN_CORNERS
    if decoder != "none":
        convention = ResizeConvention.LEGACY
        stride = 8 if decoder == "stride 8" else 4
        spec = DeepLabSpec(
            crop_height=64,
            crop_width=96,
            decoder_stride=stride,
            residual=decoder == "residual",
            resize_convention=convention,
            **SMALL,  # type: ignore[arg-type]
        )
        network = _network(spec)
        model = _export(network, Recipe.FP32)
    (tmp_path / "m.tflite").write_bytes(model)
    reading = read_tflite(tmp_path / "m.tflite")
    wanted = official_variables(network)
    assert reading.variables.keys() == wanted.keys()
    assert all(np.array_equal(reading.variables[name], wanted[name]) for name in wanted)
    facts = reading.facts
    assert facts.crop == network.model.input_shape[1:3]
    assert (facts.output_stride, facts.resize_convention) == (8 if decoder == "none" else 16, convention)


@pytest.mark.parametrize(("recipe", "tolerance"), [(Recipe.FP16, 1e-3), (Recipe.INT8, 0.01)])
def test_compressed_weights_come_back_rounded(
    tmp_path: Path, plain: tuple[Network, bytes], recipe: Recipe, tolerance: float
) -> None:
    network, _ = plain
    (tmp_path / "m.tflite").write_bytes(_export(network, recipe))
    found, wanted = read_tflite(tmp_path / "m.tflite").variables, official_variables(network)
    assert found.keys() == wanted.keys()
    kernels = [name for name in wanted if name.endswith("weights")]
    assert max(float(np.abs(found[name] - wanted[name]).max()) for name in kernels) <= tolerance
    assert any(not np.array_equal(found[name], wanted[name]) for name in kernels)


def _convert(build: Any) -> bytes:
    """A one-layer model."""
    import keras

    image = keras.Input((33, 33, 3), batch_size=1)
    model = keras.Model(image, build(keras.layers, image))
    return convert_with_tensorflow(FloatNetwork(lambda x: model(x, training=False), 33, 33), Recipe.FP32, None)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(_convert(lambda layers, x: layers.Conv2D(4, 3)(x)))
    with pytest.raises(InputError, match="not wired like a DeepLab on MobileNetV2: 0 convolutions could be"):
        read_tflite(path)
    path.write_bytes(_convert(lambda layers, x: layers.Activation("relu")(x)))
    with pytest.raises(InputError, match="it has 0 first convolutions"):
        read_tflite(path)


@pytest.mark.parametrize(("field", "reason"), [("padding", "does not pad like"), ("activation", "has activation 1")])
def test_layers_that_compute_otherwise_are_refused(
    tmp_path: Path, plain: tuple[Network, bytes], monkeypatch: pytest.MonkeyPatch, field: str, reason: str
) -> None:
    (tmp_path / "m.tflite").write_bytes(plain[1])
    stem = TfliteGraph(plain[1], "m").ops[0]
    changed = {"padding": "Padding", "activation": "FusedActivationFunction"}[field]
    monkeypatch.setattr(type(stem.options), changed, lambda self: 1)
    with pytest.raises(InputError, match=reason):
        read_tflite(tmp_path / "m.tflite")


def test_damaged_files_are_refused(tmp_path: Path, plain: tuple[Network, bytes]) -> None:
    path, model = tmp_path / "m.tflite", plain[1]
    for data in (
        b"",
        b"no flatbuffer",
        b"\0\0\0\0TFL3",
        b"\xff\xff\xff\x7fTFL3" + b"\xff" * 50,
        model[: len(model) // 2],
    ):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_tflite(path)
    rng = np.random.default_rng(4)
    # The tables lie at both ends of the file, the weights between them.
    places = np.concatenate([np.arange(200), np.arange(len(model) - 30_000, len(model))])
    for _ in range(40):
        damaged = bytearray(model)
        for at in rng.choice(places, 8):
            damaged[at] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):
            read_tflite(path)


# Least label agreement of the rebuilt float network with the file itself, on one bundled portrait.
# Measured: 1.0, .9972, .9983, .9901; the three are 8-bit files.
PUBLISHED = {
    "deeplabv3_257_mv_gpu": ((257, 257), 8, ResizeConvention.ALIGN_CORNERS, 0.9999),
    "deeplabv3_mnv2_dm05_pascal_quant": ((513, 513), 16, ResizeConvention.ALIGN_CORNERS, 0.99),
    "deeplabv3_mnv2_pascal_quant": ((513, 513), 16, ResizeConvention.ALIGN_CORNERS, 0.99),
    "deeplabv3_mnv2_ade20k_int8": ((512, 512), 16, ResizeConvention.LEGACY, 0.98),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_are_rebuilt_as_float(shared: Path, photos: Path, name: str) -> None:
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    from portraitlite.runtime.resize import resize_bilinear

    path = shared / "models" / f"{name}.tflite"
    reading = read_tflite(path)
    crop, output_stride, convention, agreement = PUBLISHED[name]
    facts = reading.facts
    assert (facts.crop, facts.output_stride, facts.resize_convention) == (crop, output_stride, convention)

    variables = reading.variables
    spec = DeepLabSpec(
        classes=variables["logits/semantic/biases"].size,
        crop_height=crop[0],
        crop_width=crop[1],
        depth_multiplier=variables["MobilenetV2/Conv/weights"].shape[-1] / 32,
        output_stride=output_stride,
        decoder_stride=4 if "decoder/feature_projection0/weights" in variables else None,
        resize_convention=convention,
    )
    network = build_network(spec)
    load_variables(network, variables)
    photo = Image.open(sorted(photos.glob("*.jpg"))[0]).convert("RGB").resize((crop[1], crop[0]))
    pixels = np.asarray(photo)[None]
    normalised = (pixels / 127.5 - 1).astype(np.float32)
    logits = np.asarray(network.model(normalised))[0]
    ours = resize_bilinear(logits, *crop, convention).argmax(-1)

    interpreter = Interpreter(str(path), num_threads=2)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], normalised if entry["dtype"] is np.float32 else pixels)
    interpreter.invoke()
    theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    theirs = theirs if theirs.ndim == 2 else theirs.argmax(-1)
    assert np.mean(ours == theirs) >= agreement
