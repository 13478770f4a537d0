"""Hostile models end a process of their own, not ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from portraitlite.runtime import InputError, MissingDependencyError, Segmenter
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.model_trial import try_model


@pytest.fixture
def crashing(oracle: Any) -> bytes:
    """A product with an absent factor: a valid flatbuffer that the runtime follows to nowhere."""
    model = oracle("tiny_tflite").TinyModel()
    image, out = (model.tensor((1, 4, 4, 3)) for _ in range(2))
    model.op("MUL", [image, -1], [out], options_class="MulOptions")
    model.inputs, model.outputs = [image], [out]
    data: bytes = model.data()
    return data


def test_a_model_that_crashes_the_runtime_is_refused(crashing: bytes, tmp_path: Path) -> None:
    (tmp_path / "hostile.tflite").write_bytes(crashing)
    with pytest.raises(InputError, match=r"hostile\.tflite makes the TFLite runtime crash \(SIG\w+\)") as caught:
        Segmenter(tmp_path / "hostile.tflite")
    assert "\n" not in str(caught.value)


def test_good_models_pass_and_bad_ones_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resolve_model("portrait").read_bytes()
    try_model(whole)
    # The child inherits the search path and no trap of the environment.
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.chdir(os.path.dirname(sys.executable))
    try_model(whole)
    with pytest.raises(InputError, match=r"mine cannot be loaded by litert"):
        try_model(whole[: len(whole) // 2], what="mine")
    with pytest.raises(InputError, match="unknown backend 'tpu'"):
        try_model(whole, backend="tpu")


def test_wrong_types_are_refused_although_they_may_run(oracle: Any) -> None:
    """A comparison gives booleans; a file that calls them floats makes the next op read four times too much."""
    model = oracle("tiny_tflite").TinyModel()
    image, larger = (model.tensor((1, 4, 4, 3)) for _ in range(2))
    model.op("GREATER", [image, image], [larger], options_class="GreaterOptions")
    model.inputs, model.outputs = [image], [larger]
    with pytest.raises(InputError, match=r"tensor 1 is float32, expected bool"):
        try_model(model.data())


def test_missing_runtime_keeps_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tflite_runtime").mkdir()
    (tmp_path / "tflite_runtime" / "__init__.py").write_text("raise ImportError('not installed')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError, match="pip install"):
        try_model(resolve_model("portrait").read_bytes(), backend="tflite_runtime")


def test_ops_that_cannot_run_are_refused(oracle: Any) -> None:
    """The graph loads, but one op reads a tensor that nothing fills."""
    model = oracle("tiny_tflite").TinyModel()
    image, ghost, out = (model.tensor((1, 4, 4, 3)) for _ in range(3))
    model.op("ADD", [image, ghost], [out], options_class="AddOptions")
    model.inputs, model.outputs = [image], [out]
    with pytest.raises(InputError, match=r"cannot be (run|loaded)"):
        try_model(model.data())
