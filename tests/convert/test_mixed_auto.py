"""`--mixed auto` and `--sensitivity` from the command line to the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from portraitlite.cli import app
from portraitlite.convert import analysis
from portraitlite.convert.analysis import analyse
from portraitlite.convert.calibration import calibration_set
from portraitlite.convert.options import ConvertOptions, FloatPart
from portraitlite.convert.quantization.choose import Candidate, Choice
from portraitlite.convert.quantization.sensitivity import Cost, SensitivityReport
from portraitlite.convert.types import Recipe
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata

COST = Cost("everything", 3, 0.02, 10.0, 0.9)
REPORT = SensitivityReport(1, (), COST, (), ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos of noise at several levels."""
    folder = tmp_path_factory.mktemp("six")
    rng = np.random.default_rng(0)
    for i in range(6):
        pixels = rng.integers(0, 40 * (i + 1), (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((97, 65), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def _convert(source: Path, output: Path, folder: Path, *more: str) -> Result:
    arguments = ["convert", str(source), "-o", str(output), "--crop", "65", "--calibrate", str(folder)]
    arguments += ["--updates", "0", "--output-kind", "logits", "--recipe", "mixed"]
    return CliRunner().invoke(app, [*arguments, *more])


def test_the_card_says_what_was_chosen_and_why(tiny_tarball: Path, folder: Path, tmp_path: Path) -> None:
    """Latency is no obstacle here, so that only the size decides; it does not depend on the machine."""
    report = tmp_path / "s.json"
    more = ["--mixed", "auto", "--max-latency-ratio", "1000", "--sensitivity", str(report)]
    run = _convert(tiny_tarball, tmp_path / "m.tflite", folder, *more)
    assert run.exit_code == 0, run.output
    card = json.loads((tmp_path / "m.json").read_text())
    choice = card["float_choice"]
    assert choice["chosen"] in choice["candidates"]
    assert choice["chosen"]["fits"]
    assert choice["chosen"]["size_ratio"] <= choice["max_size_ratio"] == 1.05
    assert choice["max_latency_ratio"] == 1000
    assert all(c["fits"] == (c["size_ratio"] <= 1.05) for c in choice["candidates"])
    assert choice["float_layers"][0] == "Conv"
    assert choice["float_layers"][-1] == r"logits\.semantic"
    (line,) = [n for n in card["notices"] if n.startswith("--mixed auto: float up to and with")]
    assert choice["chosen"]["last"] in line
    assert f"{choice['chosen']['size_ratio']:.2f}x its size" in line
    assert line in run.stderr
    for text in ("float part", "limits: 1000x", ": chosen"):
        assert text in run.stdout
    # The choice saw three of the six photos, the agreement the other three.
    assert choice["photos"] == 3
    assert len(card["measures"]["agreement"]["photos"]) == 3

    document = json.loads(report.read_text())
    assert document["calibration"]["photos"] == 6
    assert document["kept"] == ["logits.semantic"]
    assert [c["snr_db"] for c in document["layers"]] == sorted(c["snr_db"] for c in document["layers"])
    assert [c["changed"] for c in document["segments"]] == sorted(c["changed"] for c in document["segments"])
    assert {c["name"] for c in document["layers"]} > {c["name"] for c in document["segments"]}
    for text in ("labels changed", "one layer quantized", "float up to and with", document["layers"][0]["name"]):
        assert text in run.stderr


def test_limits_that_nothing_keeps_are_named_and_leave_no_file(
    tiny_tarball: Path, folder: Path, tmp_path: Path
) -> None:
    run = _convert(tiny_tarball, tmp_path / "m.tflite", folder, "--mixed", "auto", "--max-latency-ratio", "0.001")
    assert isinstance(run.exception, InputError)
    assert "keeps 0.001x int8's latency" in str(run.exception)
    assert "allow a larger --max-latency-ratio or use --recipe int8" in str(run.exception)
    assert not list(tmp_path.iterdir())


def test_sensitivity_of_an_int8_file_changes_nothing_in_it(tiny_tarball: Path, folder: Path, tmp_path: Path) -> None:
    more = ["--recipe", "int8", "--engine", "litert-quantizer"]
    for name, extra in (("plain", []), ("with", ["--sensitivity", str(tmp_path / "s.json")])):
        run = _convert(tiny_tarball, tmp_path / f"{name}.tflite", folder, *more, *extra, "--name", "same")
        assert run.exit_code == 0, run.output
    assert (tmp_path / "plain.tflite").read_bytes() == (tmp_path / "with.tflite").read_bytes()
    assert json.loads((tmp_path / "s.json").read_text())["kept"] == []
    assert json.loads((tmp_path / "with.json").read_text())["float_choice"] is None


@pytest.mark.parametrize(("count", "spare", "looked_at"), [(6, 0, 3), (4, 2, 4), (1, 5, 1)])
def test_the_choice_never_sees_the_photos_of_the_card(
    count: int, spare: int, looked_at: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def choose(model: bytes, images: Any, mean: float, std: float, **limits: Any) -> Choice:
        seen.extend(images)
        candidate = Candidate("Conv", 0.01, 0.1, 1.0, 1.0, True)
        return Choice(("Conv",), candidate, 0.02, 1.05, 1.05, (candidate,), REPORT)

    monkeypatch.setattr(analysis, "choose_float_layers", choose)
    chosen = calibration_set(folder, count)
    assert len(chosen.spare) == spare
    options = ConvertOptions(Recipe.MIXED, folder, mixed=FloatPart.AUTO)
    metadata = ModelMetadata("m", ("a", "b"), 65, 97)
    found = analyse(options, b"", chosen, metadata, lambda stage, done, total: None)
    assert len(seen) == looked_at
    judged = analysis.calibration_images(found.judged, metadata)
    assert not [1 for image in judged for other in seen if np.array_equal(image, other)]
    assert len(found.judged) == (spare or count - looked_at)
    assert found.held_out == bool(spare)


def test_without_a_wish_nothing_is_measured(folder: Path) -> None:
    found = analyse(
        ConvertOptions(Recipe.MIXED, folder),
        b"no model",
        calibration_set(folder, 4),
        ModelMetadata("m", ("a", "b"), 65, 97),
        lambda stage, done, total: None,
    )
    assert (found.report, found.choice, len(found.judged), found.held_out) == (None, None, 2, True)
