"""What `--target` picks, and that what is stated wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.convert.targets import TARGETS, Target, choose
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.types import OutputKind


@pytest.mark.parametrize("target", list(Target))
def test_every_target_says_what_it_picked_and_why(target: Target) -> None:
    recipe, output, remarks = choose(target, None, None)
    assert (recipe, output) == (TARGETS[target].recipe, TARGETS[target].output)
    assert len(remarks) == 2
    assert all(f"target {target}" in remark for remark in remarks)


def test_what_is_stated_wins() -> None:
    recipe, output, remarks = choose(Target.GPU, Recipe.FP32, OutputKind.CONFIDENCE)
    assert (recipe, output) == (Recipe.FP32, OutputKind.CONFIDENCE)
    assert remarks == (f"target gpu would pick recipe fp16 ({TARGETS[Target.GPU].recipe_reason}); yours wins",)
    assert choose(None, None, None) == (Recipe.INT8, OutputKind.LABELS, ())


def test_a_gpu_file_takes_and_gives_floats(tiny_tarball: Path, tmp_path: Path) -> None:
    target = tmp_path / "gpu.tflite"
    run = CliRunner().invoke(app, ["convert", str(tiny_tarball), "-o", str(target), "--crop", "65", "--target", "gpu"])
    assert run.exit_code == 0, run.output
    runner = open_model(target.read_bytes())
    assert [str(t.dtype) for t in (*runner.inputs, *runner.outputs)] == ["float32", "float32"]
    assert runner.outputs[0].shape == (1, 17, 17, 3)
