"""From source to `.tflite`: structure, equality with the float network, metadata, the command line."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import CALIBRATED
from portraitlite.convert.result import count_ops
from portraitlite.convert.sources.frozen_graph import read_frozen_graph
from portraitlite.convert.sources.tarball import unpack_tarball
from portraitlite.convert.types import LabelsType, OutputSize, Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.network_input import fit_photo, input_tensor, normalise
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention

CROP = (65, 97)
FLAGS = SpecFlags(crop=CROP)


def _options(recipe: Recipe, photos: Path, **other: Any) -> ConvertOptions:
    """Without learning, which has tests of its own and takes a minute."""
    photos_of = photos if recipe in CALIBRATED else None
    return ConvertOptions(recipe=recipe, calibrate=photos_of, flags=FLAGS, updates=0, **other)


@pytest.mark.parametrize("recipe", list(Recipe))
def test_files_hold_what_delegates_want(recipe: Recipe, tiny_tarball: Path, photo_folder: Path, tmp_path: Path) -> None:
    result = convert(tiny_tarball, tmp_path / "m.tflite", _options(recipe, photo_folder))
    model = (tmp_path / "m.tflite").read_bytes()
    allowed = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "RESIZE_BILINEAR", "CONCATENATION", "MEAN", "ARG_MAX", "CAST"}
    allowed |= {
        Recipe.FP16: {"DEQUANTIZE"},
        Recipe.INT8: {"QUANTIZE"},
        Recipe.MIXED: {"QUANTIZE", "DEQUANTIZE"},
        Recipe.INT16X8: {"QUANTIZE", "DEQUANTIZE"},
    }.get(recipe, set())
    assert set(result.ops) == set(count_ops(model)) <= allowed
    # pooled features, ASPP features and logits are resized: three, none of them a no-op.
    assert result.ops["RESIZE_BILINEAR"] == 3
    runner = open_model(model)
    want = np.dtype(np.uint8 if recipe in (Recipe.INT8, Recipe.MIXED) else np.float32)
    assert [(t.name, t.shape, t.dtype) for t in runner.inputs] == [("image", (1, *CROP, 3), want)]
    assert [(t.shape, t.dtype) for t in runner.outputs] == [((1, *CROP), np.dtype(np.uint8))]
    details = runner.interpreter.get_tensor_details()  # type: ignore[attr-defined]
    if recipe is not Recipe.INT16X8:  # whose biases are int64 by definition
        assert not [t["name"] for t in details if t["dtype"] == np.int64]
    assert all(-1 not in t["shape_signature"] for t in details)
    if recipe is Recipe.INT8:
        kernels = [t for t in details if t["dtype"] == np.int8 and len(t["shape"]) == 4 and "Conv" in t["name"]]
        assert any(len(t["quantization_parameters"]["scales"]) > 1 for t in kernels), "weights are not per-channel"


def test_float_file_equals_the_flat_network(tiny_tarball: Path, tmp_path: Path, oracle: Any) -> None:
    """Labels of the exported file against the second implementation: >= 99.97 % equal."""
    flat = oracle("mobilenet_v2_deeplab")
    variables = flat.random_variables(np.random.default_rng(5), decoder=4)
    convert(tiny_tarball, tmp_path / "m.tflite", ConvertOptions(Recipe.FP32, flags=FLAGS, output=OutputKind.LOGITS))
    runner = open_model((tmp_path / "m.tflite").read_bytes())
    image = np.random.default_rng(1).uniform(-1, 1, (1, *CROP, 3)).astype("f4")
    (got,) = runner.run({"image": image})
    want = flat.logits(variables, image, output_stride=16, align_corners=True)
    assert np.abs(got - want).max() <= 1e-3 * np.ptp(want)
    assert (got.argmax(-1) == want.argmax(-1)).mean() >= 0.9997


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


def test_int8_follows_float(tiny_tarball: Path, photo_folder: Path, photos: Path, tmp_path: Path) -> None:
    """A random network is no measure of accuracy, but a shifted input or a wrong scale falls far below."""
    kinds = {"output": OutputKind.LOGITS}
    convert(tiny_tarball, tmp_path / "f.tflite", _options(Recipe.FP32, photo_folder, **kinds))
    convert(tiny_tarball, tmp_path / "q.tflite", _options(Recipe.INT8, photo_folder, **kinds))
    pixels = load_photo(photos / "poolside.jpg").pixels
    want, got = (Segmenter(tmp_path / f"{name}.tflite")(pixels).output for name in "fq")
    assert np.corrcoef(want.ravel(), got.ravel())[0, 1] > 0.9


def test_model_describes_itself_and_nothing_is_overwritten(
    tiny_tarball: Path, photo_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m.tflite"
    result = convert(tiny_tarball, target, _options(Recipe.INT8, photo_folder))
    meta = read_metadata(target.read_bytes())
    assert meta == result.metadata
    assert meta is not None
    assert meta.provenance["source"]["name"] == tiny_tarball.name
    assert meta.provenance["calibration"]["photos"] == 3
    assert meta.spec["decoder_stride"] == 4
    sidecar = json.loads((tmp_path / "m.json").read_text())
    assert sidecar == result.to_dict()
    assert result.measures is not None
    assert result.measures.agreement is not None
    assert 0 <= result.measures.agreement.worst.labels_equal <= result.measures.agreement.mean <= 1
    assert not result.measures.agreement.held_out  # all three photos were used for calibration
    assert any("calibration photos themselves" in notice for notice in result.notices)
    assert result.measures.latency.ratio > 0
    assert result.measures.xnnpack is not None
    assert {"ARG_MAX", "CAST"} <= set(result.measures.xnnpack.outside)
    assert sidecar["size_bytes"] == target.stat().st_size
    before = target.read_bytes()
    with pytest.raises(InputError, match=r"m.tflite exists; .*--force"):
        convert(tiny_tarball, target, _options(Recipe.FP32, photo_folder))
    assert target.read_bytes() == before
    again = convert(tiny_tarball, target, _options(Recipe.INT8, photo_folder), force=True)
    assert again.sha256 == result.sha256, "the same conversion twice gave different bytes"


def test_buffers_are_aligned(tiny_tarball: Path, tmp_path: Path) -> None:
    """The format asks for 16-byte alignment of every constant; Arm kernels rely on it."""
    from ai_edge_litert import schema_py_generated as schema

    convert(tiny_tarball, tmp_path / "m.tflite", ConvertOptions(Recipe.FP32, flags=FLAGS))
    model = (tmp_path / "m.tflite").read_bytes()
    root = schema.Model.GetRootAs(model, 0)
    start = np.frombuffer(model, np.uint8).ctypes.data
    offsets = [
        root.Buffers(i).DataAsNumpy().ctypes.data - start
        for i in range(root.BuffersLength())
        if root.Buffers(i).DataLength()
    ]
    assert len(offsets) > 50
    assert not [offset for offset in offsets if offset % 16]


@pytest.mark.parametrize("photos_given", ["missing", "empty", "unreadable", "file"])
def test_calibration_folders_that_cannot_serve(photos_given: str, tiny_tarball: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    if photos_given == "file":
        folder.write_text("x")
    elif photos_given != "missing":
        folder.mkdir()
    if photos_given == "unreadable":
        (folder / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"not a folder|holds no photos|can be read"):
        convert(tiny_tarball, tmp_path / "m.tflite", _options(Recipe.INT8, folder))
    assert not list(tmp_path.glob("m.*"))


def test_unreadable_calibration_photos_are_reported(tiny_tarball: Path, photo_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in photo_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.jpg").write_bytes(b"no picture")
    result = convert(tiny_tarball, tmp_path / "m.tflite", _options(Recipe.INT8, folder))
    assert [n for n in result.notices if "broken.jpg" in n]
    assert result.metadata.provenance["calibration"]["photos"] == 3


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


def test_command_line_and_library_write_the_same_bytes(tiny_tarball: Path, photo_folder: Path, tmp_path: Path) -> None:
    arguments = ["convert", str(tiny_tarball), "-o", str(tmp_path / "cli.tflite"), "--crop", "65x97", "--json"]
    run = CliRunner().invoke(app, [*arguments, "--calibrate", str(photo_folder), "--updates", "0"])
    assert run.exit_code == 0, run.output
    card = json.loads(run.stdout)
    convert(tiny_tarball, tmp_path / "lib.tflite", _options(Recipe.INT8, photo_folder))
    assert (tmp_path / "cli.tflite").read_bytes() == (tmp_path / "lib.tflite").read_bytes()
    assert card["sha256"] == json.loads((tmp_path / "lib.json").read_text())["sha256"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--crop", "65by97"], "HEIGHTxWIDTH"),
        (["--atrous-rates", "6;12"], "not a list of rates"),
        (["--output-size", "full"], "labels are always at input size"),
        (["--crop", "9x9"], "cannot be used at output stride"),
        (["--recipe", "int8"], "needs photos"),
        (["--output-stride", "7"], "output stride 7"),
        (["--output-label", "person", "--output-kind", "confidence"], "no class is called 'person'"),
        (["--decoder-stride", "8"], "contradicts the source"),
    ],
)
def test_bad_arguments_get_one_line(arguments: list[str], reason: str, tiny_tarball: Path, tmp_path: Path) -> None:
    base = ["convert", str(tiny_tarball), "-o", str(tmp_path / "m.tflite")]
    run = CliRunner().invoke(app, base + (arguments if "--recipe" in arguments else ["--recipe", "fp32", *arguments]))
    assert isinstance(run.exception, InputError)
    assert reason in str(run.exception)
    assert not list(tmp_path.iterdir())


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


OFFICIAL = {
    "mlperf_mnv2_ade20k32": "mlperf_deeplabv3_mnv2_ade20k32.tar.gz",
    "mnv2_dm05_pascal": "deeplabv3_mnv2_dm05_pascal_trainaug_2018_10_01.tar.gz",
    "mnv3_small_cityscapes": "deeplab_mnv3_small_cityscapes_trainfine_2019_11_15.tar.gz",
}


def _compare(shared: Path, variant: str, model: Path) -> dict[str, Any]:
    """The reference comparison: agreement with the official graph on the valid pixels of three photos."""
    command = [sys.executable, str(shared / "official" / "compare.py"), variant, str(model), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert run.stdout, run.stderr
    return json.loads(run.stdout)


@pytest.mark.shared_data
@pytest.mark.parametrize("variant", OFFICIAL)
def test_official_samples_without_a_single_flag(variant: str, shared: Path, tmp_path: Path) -> None:
    """Labels equal to the official graph's on >= 99.97 % of the valid pixels of every photo."""
    source = shared / "official" / variant / OFFICIAL[variant]
    result = convert(source, tmp_path / "m.tflite", ConvertOptions(Recipe.FP32))
    assert result.verified
    assert result.source_cost is None
    summary = _compare(shared, variant, tmp_path / "m.tflite")
    assert summary["agree_valid_min"] >= 0.9997, summary


@pytest.mark.shared_data
def test_official_logits(shared: Path, tmp_path: Path) -> None:
    """Low-resolution logits within 1e-3 of their range, for every sample."""
    for variant, name in OFFICIAL.items():
        options = ConvertOptions(Recipe.FP32, output=OutputKind.LOGITS)
        convert(shared / "official" / variant / name, tmp_path / f"{variant}.tflite", options)
        summary = _compare(shared, variant, tmp_path / f"{variant}.tflite")
        with np.load(shared / "official" / variant / "reference" / "astronaut.logits_lowres.npz") as stored:
            span = float(np.ptp(stored["logits"]))
        assert summary["photos"]["astronaut"]["logits_max_abs_err"] <= 1e-3 * span, variant


@pytest.mark.shared_data
def test_trained_sample_in_int8(shared: Path, tmp_path: Path) -> None:
    """>= 93 % of the labels, mean of the three photos, calibrated on others."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for kind in ("person/coco", "voc21/voc_animals"):
        for path in sorted((shared / "data" / kind / "images").iterdir())[:200:10]:
            (folder / path.name).write_bytes(path.read_bytes())
    source = shared / "official" / "mlperf_mnv2_ade20k32" / OFFICIAL["mlperf_mnv2_ade20k32"]
    convert(source, tmp_path / "m.tflite", ConvertOptions(Recipe.INT8, calibrate=folder, fit=Fit.STRETCH))
    assert _compare(shared, "mlperf_mnv2_ade20k32", tmp_path / "m.tflite")["agree_valid_mean"] >= 0.93


@pytest.mark.shared_data
def test_starter_gives_its_reference_confidences(shared: Path, tmp_path: Path) -> None:
    options = ConvertOptions(
        Recipe.FP32,
        output=OutputKind.CONFIDENCE,
        output_label="person",
        fit=Fit.STRETCH,
        flags=SpecFlags(crop=(385, 385)),
    )
    convert(shared / "starter" / "portrait_mnv2_deeplabv3plus.tar.gz", tmp_path / "m.tflite", options)
    segmenter = Segmenter(tmp_path / "m.tflite")
    with np.load(shared / "starter" / "reference_confidence_97x97.npz") as stored:
        for name in stored.files:
            photo = load_photo(shared / "data" / "unlabelled" / "ai_portraits_cc0" / "images" / f"{name}.jpg")
            np.testing.assert_allclose(segmenter(photo).confidence("person"), stored[name], atol=1e-3)


def test_zoo_names_are_sources(tiny_tarball: Path, tmp_path: Path) -> None:
    """A name is looked up in the zoo folder and brings its published flags; absent: its URL and exit code 3."""
    name, file = "mobilenetv2_ade20k_train", "deeplabv3_mnv2_ade20k_train_2018_12_03.tar.gz"
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    with pytest.raises(MissingDependencyError, match=f"https://.*{file}") as raised:
        convert(name, tmp_path / "m.tflite", ConvertOptions(Recipe.FP32, zoo_dir=zoo))
    assert raised.value.exit_code == 3
    assert not list(tmp_path.glob("m.*"))
    (zoo / file).write_bytes(tiny_tarball.read_bytes())
    result = convert(name, tmp_path / "m.tflite", ConvertOptions(Recipe.FP32, zoo_dir=zoo))
    assert (result.metadata.input_height, result.metadata.input_width) == (257, 257)
    assert result.reasons["crop_height"] == "published flags of the zoo"


def test_the_catalogue_claims_no_more_than_was_verified() -> None:
    from portraitlite.convert.families import is_verified
    from portraitlite.convert.zoo import MODELS

    claimed = [model for model in MODELS if model.verified]
    assert claimed
    assert all(model.spec is not None and is_verified(model.spec) for model in claimed)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("variant", "crop", "output_stride"),
    [("mnv2_dm05_pascal", (257, 385), 8), ("mlperf_mnv2_ade20k32", (256, 320), 16)],
)
def test_retargeted_samples_equal_the_frozen_graphs_weights_run_by_tensorflow(
    variant: str, crop: tuple[int, int], output_stride: int, shared: Path, oracle: Any, tmp_path: Path
) -> None:
    """Non-square crops and another output stride: the official graphs cannot be run there, their weights can."""
    unpacked = unpack_tarball(shared / "official" / variant / OFFICIAL[variant], tmp_path)
    (graph,) = [path for path in unpacked if path.suffix == ".pb"]
    reading = read_frozen_graph(graph)
    aligned = reading.facts.resize_convention is ResizeConvention.ALIGN_CORNERS
    options = ConvertOptions(
        Recipe.FP32, output=OutputKind.LOGITS, flags=SpecFlags(crop=crop, output_stride=output_stride)
    )
    convert(graph, tmp_path / "m.tflite", options)
    with Image.open(shared / "official" / variant / "reference" / "astronaut.input.png") as image:
        source = fit_photo(np.asarray(image.convert("RGB")), *crop, Fit.STRETCH)
    normalised = normalise(source, 127.5, 127.5)
    (got,) = open_model((tmp_path / "m.tflite").read_bytes()).run({"image": normalised})
    want = oracle("mobilenet_v2_deeplab").logits(
        reading.variables, normalised, output_stride=output_stride, align_corners=aligned
    )
    assert np.abs(got - want).max() <= 1e-3 * np.ptp(want)
    assert (got.argmax(-1) == want.argmax(-1)).mean() >= 0.9997


@pytest.mark.shared_data
@pytest.mark.parametrize("variant", ["mnv2_dm05_pascal", "mnv3_small_cityscapes"])
def test_tarball_checkpoint_and_graph_give_the_same_file(variant: str, shared: Path, tmp_path: Path) -> None:
    tarball = shared / "official" / variant / OFFICIAL[variant]
    unpacked = unpack_tarball(tarball, tmp_path)
    graph = next(path for path in unpacked if path.suffix == ".pb")
    index = next(path for path in unpacked if path.suffix == ".index")
    models = []
    for number, source in enumerate((tarball, index, graph)):
        convert(source, tmp_path / f"{number}.tflite", ConvertOptions(Recipe.FP32, name="same"))
        runner = open_model((tmp_path / f"{number}.tflite").read_bytes())
        image = np.random.default_rng(0).uniform(-1, 1, runner.inputs[0].shape).astype("f4")
        models.append(runner.run({"image": image})[0])
    assert np.array_equal(models[0], models[1])
    assert (models[0] == models[2]).mean() >= 0.9997
