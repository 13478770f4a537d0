"""`parity` with a host build of the native program: equal pictures pass, another program's do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
import pytest
from PIL import Image
from tiny_segmenter import tiny_segmenter
from typer.testing import CliRunner

from portraitlite.android_harness.build import Target, build_harness
from portraitlite.benchmarks import parity as parity_module
from portraitlite.cli import app


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cmake") is None or shutil.which("cc") is None:
        pytest.skip("no cmake or C compiler (Debian: apt-get install cmake gcc)")
    return build_harness(tmp_path_factory.mktemp("host"), Target.HOST).path


@pytest.fixture(scope="module")
def library() -> Path:
    path = Path(next(iter(ai_edge_litert.__path__)), "libLiteRt.so")
    if not path.is_file():
        pytest.skip("the installed ai-edge-litert brings no libLiteRt.so")
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Red with a green block: a person to the tiny model."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 0] = 255
    pixels[12:40, 20:44] = (0, 255, 0)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["parity", *map(str, words)])


def _replace_option(patch: pytest.MonkeyPatch, name: str, path: Path) -> None:
    """Another file than Python's for the program."""
    original = parity_module.run_harness

    def changed(place: Any, program: str, mode: str, options: Any, **limits: Any) -> Any:
        there = place.put(path)
        options = [(key, there if key == name else value) for key, value in options]
        return original(place, program, mode, options, **limits)

    patch.setattr(parity_module, "run_harness", changed)


def test_the_same_picture(harness: Path, library: Path, photo: Path, tmp_path: Path) -> None:
    model, out = tiny_segmenter(tmp_path / "tiny.tflite"), tmp_path / "parity.json"
    place = ("--device", "desktop", "--harness", harness, "--litert", library)
    done = run(model, *place, "--photo", photo, "-o", out, "--pictures", tmp_path / "pictures", "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(out.read_text())
    assert (record["kind"], record["passed"], record["device"]) == ("parity", True, "desktop")
    stages = {stage["stage"]: stage for stage in record["photos"][0]["stages"]}
    assert list(stages) == ["input", "output", "labels", "mask", "subject", "plan", "picture"]
    assert stages["labels"]["equal_share"] >= 0.999
    assert stages["picture"]["largest"] <= 2
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {
        f"photo-{side}.png" for side in ("desktop", "phone", "difference")
    }
    again = run(model, *place, "--photo", photo, "-o", out)
    assert "exists already" in str(again.exception)


def test_another_picture_fails_the_gate(
    harness: Path, library: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is given a darker photo."""
    darker = tmp_path / "darker.rgb"
    darker.write_bytes((np.asarray(Image.open(photo)) * 0.95).astype(np.uint8).tobytes())
    _replace_option(monkeypatch, "photo", darker)
    model = tiny_segmenter(tmp_path / "tiny.tflite")
    done = run(model, "--device", "desktop", "--harness", harness, "--litert", library, "--photo", photo)
    assert getattr(done.exception, "exit_code", None) == 1
    assert "the picture differs by up to" in str(done.exception)


def test_another_model_fails_the_gate(
    harness: Path, library: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is given a file in which two classes have changed places."""
    model, swapped = tiny_segmenter(tmp_path / "tiny.tflite"), tiny_segmenter(tmp_path / "swapped.tflite", swap=True)
    _replace_option(monkeypatch, "model", swapped)
    done = run(model, "--device", "desktop", "--harness", harness, "--litert", library, "--photo", photo)
    assert getattr(done.exception, "exit_code", None) == 1
    assert "of the labels are equal" in str(done.exception)


def test_no_phone(harness: Path, library: Path, tmp_path: Path) -> None:
    done = run("portrait", "--harness", harness, "--litert", library, "--adb", tmp_path / "absent")
    assert getattr(done.exception, "exit_code", None) == 3
