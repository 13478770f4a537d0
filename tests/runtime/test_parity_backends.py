"""The same files in three runtimes, and on LiteRT's GPU accelerator: how far the numbers are apart.

`pytest -rsP tests/runtime/test_parity_backends.py` prints the table of docs/parity.md.

PORTRAITLITE_TFLITE_RUNTIME_PYTHON names the Python of an environment of its own with `pip install
portraitlite[tflite-runtime]`: that package needs numpy below 2. The GPU needs a Vulkan device, see docs/parity.md.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_vectors import read_cases

from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur import BlurSpec, Orientation, PixelType, choose_scale
from portraitlite.runtime.blur.grain import noise_tile
from portraitlite.runtime.blur.host import plan_inputs
from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import DEFAULT_MODEL, resolve_model
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.network_input import fit_photo, input_tensor
from portraitlite.runtime.photo import load_photo

ROOT = Path(__file__).resolve().parents[2]
PROBE = ROOT / "tests" / "support" / "parity_probe.py"
SPEC = BlurSpec()
TFLITE_RUNTIME = "PORTRAITLITE_TFLITE_RUNTIME_PYTHON"
VULKAN = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")
PERSON = "person model"

Inputs = dict[str, tuple[bytes, dict[str, Any]]]


@pytest.fixture(scope="module")
def models(photos: Path) -> Inputs:
    """The bundled person model and blur graphs with what a photo feeds them."""
    photo = load_photo(photos / "woman.jpg").pixels
    person = resolve_model(DEFAULT_MODEL).read_bytes()
    metadata = read_metadata(person)
    assert metadata is not None
    (info,) = open_model(person).inputs
    source = fit_photo(photo, metadata.input_height, metadata.input_width, metadata.fit)
    cases: Inputs = {PERSON: (person, {info.name: input_tensor(source, info, metadata)})}
    mask = np.full((33, 33), 20, np.uint8)
    mask[8:, 10:24] = 230
    for orientation, pixels in ((Orientation.LANDSCAPE, photo[:300, :440]), (Orientation.PORTRAIT, photo[:440, :300])):
        choice = choose_scale(pixels.shape[0], pixels.shape[1], SPEC)
        assert choice.orientation is orientation
        name = SPEC.plan_file(orientation)
        feed = plan_inputs(pixels, mask, choice, SPEC, strength=0.8, highlights=1.0)
        cases[name] = ((bundled_folder() / name).read_bytes(), feed)
    made = next(case.outputs["plan"] for case in read_cases() if case.step == "plan")
    for scale, pixel_type in ((1, PixelType.UINT8), (3, PixelType.FLOAT32), (8, PixelType.UINT8)):
        name = SPEC.apply_file(scale, pixel_type)
        height, width = SPEC.tile_size(scale)
        tile = np.resize(photo, (height, width, 3))
        plan_height, plan_width = SPEC.plan_tile_size(scale)
        plan = made.take(np.arange(plan_height), 0, mode="wrap").take(np.arange(plan_width), 1, mode="wrap")
        rgb = tile if pixel_type is PixelType.UINT8 else tile / np.float32(255)
        noise = noise_tile(height, width, SPEC.noise_seed)[None, ..., None].repeat(3, -1) * np.float32(1 / 4080)
        feed = {"noise": noise, "plan": plan[None]}
        cases[name] = ((bundled_folder() / name).read_bytes(), {"rgb": rgb[None], **feed})
        name = SPEC.fill_file(scale, pixel_type)
        cases[name] = ((bundled_folder() / name).read_bytes(), feed)
    return cases


@pytest.fixture(scope="module")
def answers(models: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """`answers(runtime, python)` runs all models in a process of its own."""
    folder = tmp_path_factory.mktemp("parity")
    source = folder / "in.npz"
    parts = {f"{name}|model": np.frombuffer(model, np.uint8) for name, (model, _) in models.items()}
    inputs = {f"{name}|{key}": value for name, (_, feed) in models.items() for key, value in feed.items()}
    np.savez(source, **parts, **inputs)

    def run(runtime: str, python: str = sys.executable) -> dict[str, Any]:
        target = folder / f"{runtime}.npz"
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [python, str(PROBE), runtime, str(source), str(target)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(target) as arrays:
            return dict(arrays)

    return run


@pytest.fixture(scope="module")
def reference(answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What ai-edge-litert says."""
    return answers("litert")


def compare(what: str, wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, float]:
    """Largest difference by model and part, printed: steps of 1/255 but for the coefficients of alpha."""
    rows: dict[str, float] = {}
    for name, first in wanted.items():
        if "|" in name:
            continue
        difference = np.abs(first.astype(np.float64) - found[name].astype(np.float64))
        if name.startswith("plan_"):
            rows[f"{name}, coefficients"] = float(difference[..., :4].max())
            rows[f"{name}, rest"] = 255 * float(difference[..., 4:].max())
        else:
            rows[name] = float(difference.max()) * (255 if first.dtype == np.float32 else 1)
    decided = (wanted[PERSON] >= 0) != (found[PERSON] >= 0)  # int8: 0 is a confidence of 0.502
    rows[f"{PERSON}, % of samples decided otherwise"] = 100 * float(decided.mean())
    steps = np.abs(wanted[PERSON].astype(int) - found[PERSON])
    rows[f"{PERSON}, mean"] = float(steps.mean())
    for name, value in rows.items():
        print(f"| {what} | {name} | {value:.2g} |")
    return rows


def check(rows: dict[str, float]) -> None:
    """Blur: one step of 1/255 at most. The person model, whose int8 kernels round differently: nearly the same mask."""
    for name, value in rows.items():
        if not name.startswith(PERSON):
            assert value <= (0.01 if name.endswith("coefficients") else 1), name
    assert rows[f"{PERSON}, % of samples decided otherwise"] <= 0.1
    assert rows[f"{PERSON}, mean"] <= 0.5
    assert rows[PERSON] <= 24


def test_tensorflow(answers: Callable[..., dict[str, Any]], reference: dict[str, Any]) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip(reason="needs TensorFlow: pip install 'portraitlite[convert]'")
    rows = compare("tensorflow", reference, answers("tensorflow"))
    check(rows)
    assert rows[PERSON] == 0


def test_tflite_runtime(answers: Callable[..., dict[str, Any]], reference: dict[str, Any]) -> None:
    python = os.environ.get(TFLITE_RUNTIME)
    if not python:
        pytest.skip(
            reason=f"needs {TFLITE_RUNTIME}=the Python (3.11) of an environment with 'portraitlite[tflite-runtime]'"
        )
    rows = compare("tflite-runtime", reference, answers("tflite_runtime", python))
    check(rows)


def test_gpu_accelerator(answers: Callable[..., dict[str, Any]], reference: dict[str, Any]) -> None:
    if not any(os.environ.get(name) for name in VULKAN):
        pytest.skip(
            reason=f"needs {' or '.join(VULKAN)}=the file of a Vulkan device, such as SwiftShader: docs/parity.md"
        )
    gpu = answers("gpu")
    check(compare("WebGPU", reference, gpu))
    for name in gpu:
        if name.endswith(".tflite"):
            assert gpu[f"{name}|whole"], name
