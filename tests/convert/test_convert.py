"""From source to `.tflite`: structure, equality with the float network, metadata, the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import CALIBRATED
from portraitlite.convert.result import count_ops
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import OutputKind

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


@pytest.mark.parametrize(("recipe", "least"), [(Recipe.INT8, 0.9), (Recipe.INT16X8, 0.95)])
def test_integers_follow_float(
    recipe: Recipe, least: float, tiny_tarball: Path, photo_folder: Path, photos: Path, tmp_path: Path
) -> None:
    """A random network is no measure of accuracy, but a shifted input or a wrong scale falls far below."""
    kinds = {"output": OutputKind.LOGITS}
    convert(tiny_tarball, tmp_path / "f.tflite", _options(Recipe.FP32, photo_folder, **kinds))
    convert(tiny_tarball, tmp_path / "q.tflite", _options(recipe, photo_folder, **kinds))
    pixels = load_photo(photos / "poolside.jpg").pixels
    want, got = (Segmenter(tmp_path / f"{name}.tflite")(pixels).output for name in "fq")
    assert np.corrcoef(want.ravel(), got.ravel())[0, 1] > least


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
