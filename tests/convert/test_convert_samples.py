"""Conversions of the official samples and of the starter against their references."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.sources.frozen_graph import read_frozen_graph
from portraitlite.convert.sources.tarball import unpack_tarball
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.network_input import fit_photo, normalise
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention

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
