"""What `--target` picks, and that what is stated wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.convert.targets import TARGETS, Target, choose, delegate_remarks
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
    picked = TARGETS[Target.GPU]
    assert remarks == (
        f"target gpu would pick recipe fp16 ({picked.recipe_reason}); yours, fp32, wins",
        f"target gpu would pick output logits ({picked.output_reason}); yours, confidence, wins",
    )
    assert choose(Target.GPU, Recipe.FP16, OutputKind.LOGITS)[2] == ()
    assert choose(None, None, None) == (Recipe.INT8, OutputKind.LABELS, ())


ENDS = {Target.CPU: "uint8 float32", Target.GPU: "float32 float32", Target.NPU: "uint8 uint8"}


@pytest.mark.parametrize("target", list(Target))
def test_files_have_the_types_that_were_promised_and_nothing_that_the_delegate_refuses(
    target: Target, tiny_tarball: Path, photo_folder: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.tflite"
    arguments = ["convert", str(tiny_tarball), "-o", str(model), "--crop", "65", "--target", str(target)]
    run = CliRunner().invoke(app, [*arguments, "--calibrate", str(photo_folder), "--updates", "0", "--json"])
    assert run.exit_code == 0, run.output
    runner = open_model(model.read_bytes())
    types = [str(t.dtype) for t in (*runner.inputs, *runner.outputs)]
    assert types == ENDS.get(target, "float32 float32").split()
    reason = TARGETS[target].recipe_reason
    assert reason.startswith(f"{types[0]} in and out" if types[0] == types[1] else f"{types[0]} in, {types[1]} out")
    assert runner.outputs[0].shape == (1, 17, 17, 3)
    lines = [
        line for line in run.stderr.splitlines() if line.startswith(f"target {target}: {TARGETS[target].delegate}")
    ]
    # XNNPACK leaves the change from uint8 to int8 to the plain kernel.
    assert len(lines) == (2 if target is Target.CPU else 1)
    assert all("1 QUANTIZE" in line for line in lines[1:])


def test_what_the_delegate_leaves_out_is_said(oracle: Any) -> None:
    model = oracle("tiny_tflite").TinyModel()
    a, b = model.tensor((1, 4, 4, 3), "float32"), model.tensor((1, 4, 4), "int64")
    model.op("ARG_MAX", [a], [b])
    model.inputs, model.outputs = [a], [b]
    summary, refused = delegate_remarks(Target.GPU, model.data())
    assert "takes 0 of 1 ops" in summary
    assert "1 ARG_MAX" in refused
