"""Combinations that make no sense are refused in one line before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.convert.files import check_files
from portraitlite.convert.options import ConvertOptions, FloatPart, check_options
from portraitlite.convert.quantization import Engine
from portraitlite.convert.types import Recipe
from portraitlite.runtime.errors import InputError

AUTO = {"mixed": FloatPart.AUTO}


@pytest.mark.parametrize(
    ("recipe", "given", "reason"),
    [
        (Recipe.INT8, AUTO, "--mixed auto picks .* not in int8; add --recipe mixed"),
        (Recipe.FP32, {"float_layers": ("Conv",)}, "--float-layer picks .* not in fp32"),
        (Recipe.MIXED, {**AUTO, "float_layers": ("Conv",)}, "give one of them"),
        (Recipe.MIXED, {**AUTO, "engine": Engine.TFLITE_CONVERTER}, "--engine litert-quantizer"),
        (Recipe.MIXED, {"max_latency_ratio": 1.1}, "add --recipe mixed --mixed auto"),
        (Recipe.MIXED, {**AUTO, "max_latency_ratio": float("nan")}, "expected a number above 0"),
        (Recipe.MIXED, {**AUTO, "max_latency_ratio": 0.0}, "expected a number above 0"),
        (Recipe.INT16X8, {"sensitivity": Path("s.json")}, "int16x8 has none; use int8 or mixed"),
        (Recipe.FP16, {"sensitivity": Path("s.json")}, "fp16 has none; use int8 or mixed"),
        (Recipe.MIXED, {"calibrate": None}, "needs photos"),
    ],
)
def test_senseless_combinations(recipe: Recipe, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason) as raised:
        check_options(ConvertOptions(**{"recipe": recipe, "calibrate": Path("photos"), **given}))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("recipe", [Recipe.INT8, Recipe.MIXED])
def test_sensible_ones_pass(recipe: Recipe) -> None:
    check_options(ConvertOptions(recipe, Path("photos"), sensitivity=Path("s.json")))
    check_options(ConvertOptions(Recipe.MIXED, Path("photos"), mixed=FloatPart.AUTO, max_latency_ratio=1.1))


def test_the_report_must_not_take_the_place_of_the_model(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    assert check_files(model, tmp_path / "s.json", force=False) == tmp_path / "m.json"
    for name, reason in (("m.json", "its sidecar"), ("m.tflite", "its sidecar"), ("no/s.json", "does not exist")):
        with pytest.raises(InputError, match=reason):
            check_files(model, tmp_path / name, force=True)
    (tmp_path / "s.json").write_text("{}")
    with pytest.raises(InputError, match=r"s\.json exists; .*--force"):
        check_files(model, tmp_path / "s.json", force=False)
    check_files(model, tmp_path / "s.json", force=True)


def test_the_command_line_refuses_them_before_it_reads_the_source(tmp_path: Path) -> None:
    base = ["convert", "absent.tar.gz", "-o", str(tmp_path / "m.tflite"), "--calibrate", "photos"]
    run = CliRunner().invoke(app, [*base, "--recipe", "int8", "--mixed", "auto"])
    assert isinstance(run.exception, InputError)
    assert "add --recipe mixed" in str(run.exception)
    run = CliRunner().invoke(app, [*base, "--mixed", "everything"])
    assert run.exit_code == 2
    assert not list(tmp_path.iterdir())
