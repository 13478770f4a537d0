"""What converted files take and put out: output kinds, sizes and types, camera frames, retargeting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import CALIBRATED
from portraitlite.convert.types import LabelsType, OutputSize, Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.network_input import fit_photo, input_tensor, normalise
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import Fit, OutputKind

CROP = (65, 97)
FLAGS = SpecFlags(crop=CROP)


def _options(recipe: Recipe, photos: Path, **other: Any) -> ConvertOptions:
    """Without learning, which has tests of its own and takes a minute."""
    photos_of = photos if recipe in CALIBRATED else None
    return ConvertOptions(recipe=recipe, calibrate=photos_of, flags=FLAGS, updates=0, **other)


def test_output_kinds_agree_with_each_other(tiny_tarball: Path, photos: Path, tmp_path: Path) -> None:
    labels_file = tmp_path / "labels.txt"
    labels_file.write_text("ground\nperson\nsky\n")
    pixels = load_photo(photos / "woman.jpg").pixels
    made: dict[str, Any] = {}
    for key, kind, label in (
        ("labels", OutputKind.LABELS, None),
        ("logits", OutputKind.LOGITS, None),
        ("all", OutputKind.CONFIDENCE, None),
        ("one", OutputKind.CONFIDENCE, "person"),
    ):
        options = ConvertOptions(Recipe.FP32, flags=FLAGS, output=kind, output_label=label, labels=labels_file)
        convert(tiny_tarball, tmp_path / f"{key}.tflite", options)
        made[key] = Segmenter(tmp_path / f"{key}.tflite")(pixels)
    assert made["labels"].output.shape == CROP
    assert made["logits"].output.shape == made["all"].output.shape == (17, 25, 3)
    assert made["one"].output.shape == (17, 25, 1)
    np.testing.assert_allclose(made["all"].output.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(made["one"].confidence("person"), made["all"].confidence("person"), atol=1e-6)
    np.testing.assert_allclose(made["logits"].confidence("sky"), made["all"].confidence("sky"), atol=1e-5)
    assert (made["labels"].label_map() == made["logits"].label_map()).mean() >= 0.9997


def test_two_class_confidence_is_the_softmax(
    tmp_path: Path, photos: Path, oracle: Any, checkpoint_writer: Callable[..., Path]
) -> None:
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(3), classes=2)
    prefix = checkpoint_writer(variables, tmp_path / "model.ckpt", slots=False)
    pixels = load_photo(photos / "man.jpg").pixels
    maps = []
    for label in (None, "person", "background"):
        options = ConvertOptions(Recipe.FP32, flags=FLAGS, output=OutputKind.CONFIDENCE, output_label=label)
        convert(prefix, tmp_path / f"{label}.tflite", options)
        maps.append(Segmenter(tmp_path / f"{label}.tflite")(pixels).confidence("person"))
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-6)
    np.testing.assert_allclose(maps[2], maps[0], atol=1e-6)


def test_scores_at_full_size_and_int32_labels(tiny_tarball: Path, photos: Path, tmp_path: Path) -> None:
    pixels = load_photo(photos / "street.jpg").pixels
    base = ConvertOptions(Recipe.FP32, flags=FLAGS)
    labels = dataclasses.replace(base, labels_type=LabelsType.INT32)
    full = dataclasses.replace(base, output=OutputKind.LOGITS, output_size=OutputSize.FULL)
    for name, options in (("labels", labels), ("full", full)):
        convert(tiny_tarball, tmp_path / f"{name}.tflite", options)
    assert open_model((tmp_path / "labels.tflite").read_bytes()).outputs[0].dtype == np.int32
    made = {name: Segmenter(tmp_path / f"{name}.tflite")(pixels) for name in ("labels", "full")}
    assert made["full"].output.shape == (*CROP, 3)
    assert (made["labels"].label_map() == made["full"].label_map()).mean() >= 0.9997


@pytest.mark.parametrize(
    ("recipe", "size", "least"),
    [(Recipe.FP32, CROP, 0.99999), (Recipe.FP32, (130, 194), 0.85), (Recipe.INT8, CROP, 0.9)],
)
def test_camera_frames_are_resized_in_the_file(
    recipe: Recipe,
    size: tuple[int, int],
    least: float,
    tiny_tarball: Path,
    photo_folder: Path,
    photos: Path,
    tmp_path: Path,
) -> None:
    """A frame fed to the fused file gives the mask of the plain one, at the same place on the photo.

    At twice the size the two resizes differ (Pillow's is antialiased), and a random network makes much of that.
    """
    kinds: dict[str, Any] = {"output": OutputKind.LOGITS, "fit": Fit.STRETCH}
    convert(tiny_tarball, tmp_path / "plain.tflite", _options(recipe, photo_folder, **kinds))
    convert(tiny_tarball, tmp_path / "camera.tflite", _options(recipe, photo_folder, camera=size, **kinds))
    runner = open_model((tmp_path / "camera.tflite").read_bytes())
    assert (runner.inputs[0].shape, runner.inputs[0].dtype) == ((1, *size, 3), np.dtype(np.uint8))
    with Image.open(photos / "man.jpg") as image:
        frame = np.asarray(image.resize(size[::-1], Image.Resampling.BOX))
    plain, camera = (Segmenter(tmp_path / f"{name}.tflite")(frame) for name in ("plain", "camera"))
    assert camera.box == pytest.approx(plain.box)
    assert np.corrcoef(plain.output.ravel(), camera.output.ravel())[0, 1] > least


def test_retargeting_shows_what_it_saves(tiny_tarball: Path, tmp_path: Path) -> None:
    options = ConvertOptions(Recipe.FP32, flags=SpecFlags(crop=(129, 65), output_stride=32))
    result = convert(tiny_tarball, tmp_path / "m.tflite", options)
    assert result.source_cost is not None
    assert result.source_cost.parameters == result.cost.parameters
    assert result.source_cost.multiply_adds > 20 * result.cost.multiply_adds  # 513x513 at 16 against 129x65 at 32
    assert result.source_cost.arena_bytes > 20 * result.cost.arena_bytes
    plain = convert(tiny_tarball, tmp_path / "n.tflite", ConvertOptions(Recipe.FP32))
    assert plain.source_cost is None


def test_cost_counts_by_hand(oracle: Any) -> None:
    from portraitlite.convert.cost import network_cost, plan_arena
    from portraitlite.convert.networks import build_network
    from portraitlite.convert.spec import DeepLabSpec

    spec = DeepLabSpec(crop_height=65, crop_width=65)
    network = build_network(spec)
    cost = network_cost(network, spec, Recipe.FP32, OutputKind.LOGITS)
    # Official: 2,113,557 parameters with gamma and beta; folded, each normed channel has one bias instead of the two.
    normed = sum(row.channels for row in network.rows if row.epsilon is not None)
    assert cost.parameters == 2_113_557 - normed
    first = 33 * 33 * 27 * 32  # the first convolution alone
    assert first < cost.multiply_adds < 100 * first
    # Three tensors of 100 bytes (128 aligned), the third alive when the first is dead: two slots.
    assert plan_arena([(100, 0, 1), (100, 1, 2), (100, 2, 3)]) == 256
    assert plan_arena([(100, 0, 3), (100, 1, 2), (100, 2, 3)]) == 384
    assert plan_arena([]) == 0


def test_padding_is_the_mean_pixel_and_quantized_input_is_the_raw_bytes(photos: Path, tiny_tarball: Path) -> None:
    pixels = load_photo(photos / "man.jpg").pixels
    source = fit_photo(pixels, 65, 97, Fit.PAD)
    assert (source.used_height, source.used_width) == (65, 65)
    floats = normalise(source, 127.5, 127.5)
    assert not floats[0, :, 65:].any()
    np.testing.assert_allclose((floats[0, :, :65] + 1) * 127.5, source.pixels[:, :65], atol=1e-4)
    from portraitlite.runtime.backends import TensorInfo
    from portraitlite.runtime.metadata import ModelMetadata

    meta = ModelMetadata("m", ("a", "b"), 65, 97)
    unsigned = input_tensor(source, TensorInfo("image", (1, 65, 97, 3), np.dtype(np.uint8)), meta)
    signed = input_tensor(source, TensorInfo("image", (1, 65, 97, 3), np.dtype(np.int8)), meta)
    assert np.array_equal(unsigned[0], source.pixels)
    assert np.array_equal(signed.astype(int) + 128, unsigned.astype(int))
