"""What the native program says about its runs: times, processors, memory, accelerators, the document's form."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_build import host_litert, native_harness, run_native
from native_portrait import prepare
from native_steps import CLOSING_LINE

from portraitlite.android_harness.self_test import self_test
from portraitlite.runtime import Segmenter
from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import resolve_model

DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "harness.md"


@pytest.fixture(scope="module")
def program() -> Path:
    return native_harness()


@pytest.fixture
def tiny(tmp_path: Path) -> list[Any]:
    """Options for a model that takes microseconds."""
    (tmp_path / "m.tflite").write_bytes(self_test().model)
    return ["--library", host_litert(), "--model", tmp_path / "m.tflite"]


def keys_of(document: Any, prefix: str = "") -> set[str]:
    """Every key with its path; lists count by their first item."""
    if isinstance(document, list):
        return keys_of(document[0], prefix) if document else set()
    if not isinstance(document, dict):
        return set()
    return {f"{prefix}{key}" for key in document} | {
        inner for key, value in document.items() for inner in keys_of(value, f"{prefix}{key}.")
    }


def test_the_document_is_the_documented_one(program: Path, tiny: list[Any]) -> None:
    text = DOCUMENTED.read_text()
    (block,) = re.findall(r"```json\n(.*?)```", text, re.S)
    wanted = json.loads(block)
    found = run_native(program, "run", *tiny)
    assert keys_of(found) == keys_of(wanted)
    assert found["library"]["sha256"] == hashlib.sha256(host_litert().read_bytes()).hexdigest()
    assert found["models"][0]["sha256"] == hashlib.sha256(self_test().model).hexdigest()
    by_name = {row["name"]: row for row in found["models"][0]["inputs"]}
    assert by_name["bytes"].pop("shape") == [1, 8, 8, 3]
    assert by_name["bytes"] == {"name": "bytes", "dtype": "int8", "size_bytes": 192, "scale": 1, "zero_point": 0}
    assert by_name["floats"]["dtype"] == "float32"


def test_runs_and_their_times(program: Path, tiny: list[Any]) -> None:
    found = run_native(program, "run", *tiny, "--runs", "7", "--warm-up", "3")["timing"]
    assert len(found["warm_up_ms"]) == 3
    assert len(found["total_ms"]) == len(found["start_ms"]) == 7
    assert all(len(stage) == 7 for stage in found["stages_ms"].values())
    assert found["start_ms"] == sorted(found["start_ms"])
    ends = [start + total for start, total in zip(found["start_ms"], found["total_ms"], strict=True)]
    assert all(end <= start for end, start in zip(ends[:-1], found["start_ms"][1:], strict=True))
    for invoke, read, total in zip(*found["stages_ms"].values(), found["total_ms"], strict=True):
        assert 0 < invoke + read <= total + 1e-6
    assert found["stopped_early"] is False


def test_going_on_and_stopping(program: Path, tiny: list[Any]) -> None:
    longer = run_native(program, "run", *tiny, "--runs", "2", "--min-seconds", "0.2")["timing"]
    assert len(longer["total_ms"]) > 2
    assert longer["start_ms"][-1] + longer["total_ms"][-1] >= 190
    shorter = run_native(program, "run", *tiny, "--runs", "100000", "--max-seconds", "0.05")["timing"]
    assert 1 <= len(shorter["total_ms"]) < 100000
    assert shorter["stopped_early"] is True
    # Warm-up is bounded by it too, and there is always one timed run.
    none = run_native(program, "run", *tiny, "--warm-up", "10000", "--max-seconds", "0")["timing"]
    assert len(none["warm_up_ms"]) == 1
    assert len(none["total_ms"]) == 1


def test_processors(program: Path, tiny: list[Any]) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    found = run_native(program, "run", *tiny, "--cpus", f"{1 << allowed[-1]:x}")
    assert int(found["cpus"]["allowed"], 16) == 1 << allowed[-1]
    assert found["cpus"]["at_start"] == found["cpu_at_end"] == allowed[-1]
    free = run_native(program, "run", *tiny)["cpus"]
    assert free["asked"] is None
    assert int(free["allowed"], 16) == sum(1 << cpu for cpu in allowed)


def test_memory_only_grows(program: Path) -> None:
    memory = run_native(program, "run", "--library", host_litert(), "--model", resolve_model("portrait"))["memory"]
    order = ("peak_before_load_bytes", "peak_before_compile_bytes", "peak_after_compile_bytes", "peak_bytes")
    values = [memory[name] for name in order]
    assert values == sorted(values)
    assert values[-1] > values[0] + resolve_model("portrait").stat().st_size


@pytest.mark.parametrize("accelerator", ["gpu", "npu"])
def test_an_accelerator_that_is_not_there_is_reported(program: Path, tiny: list[Any], accelerator: str) -> None:
    """The library's own GPU accelerator is not beside it for the loader, and there is no NPU."""
    environment = {"LD_LIBRARY_PATH": ""}
    found = run_native(program, "run", *tiny, "--accelerator", accelerator, environment=environment)
    assert found["models"][0]["delegation"] == "unavailable"
    assert found["models"][0]["fully_accelerated"] is False
    assert accelerator not in [name for row in found["library"]["accelerators"] for name in row["hardware"]]
    cpu = run_native(program, "run", *tiny)["models"][0]
    assert (cpu["delegation"], cpu["fully_accelerated"]) == ("full", True)


def test_a_gpu_that_cannot_start_falls_back(program: Path, tiny: list[Any], tmp_path: Path) -> None:
    """The wheel's WebGPU accelerator, found by the loader, but without any Vulkan device."""
    accelerator = host_litert().with_name("libLiteRtWebGpuAccelerator.so")
    if not accelerator.is_file():
        pytest.skip("this ai-edge-litert brings no WebGPU accelerator")
    outputs = ["--output", tmp_path / "a", "--output", tmp_path / "b"]
    for name in self_test().inputs:
        (tmp_path / name).write_bytes(self_test().inputs[name])
        outputs += ["--input", f"{name}={tmp_path / name}"]
    environment = {"LD_LIBRARY_PATH": str(accelerator.parent), "VK_ICD_FILENAMES": "/dev/null"}
    found = run_native(program, "run", *tiny, "--accelerator", "gpu", *outputs, environment=environment)
    assert found["models"][0]["delegation"] == "unavailable"
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == tuple(self_test().outputs.values())


@pytest.mark.parametrize("kernel", ["delegate", "builtin", "reference"])
def test_every_kernel_gives_the_known_answer(program: Path, tiny: list[Any], tmp_path: Path, kernel: str) -> None:
    options: list[Any] = []
    for name, data in self_test().inputs.items():
        (tmp_path / name).write_bytes(data)
        options += ["--input", f"{name}={tmp_path / name}"]
    for name in self_test().outputs:
        options += ["--output", f"{name}={tmp_path / name}"]
    run_native(program, "run", *tiny, *options, "--kernel", kernel, "--threads", "2", "--runs", "3")
    assert {name: (tmp_path / name).read_bytes() for name in self_test().outputs} == dict(self_test().outputs)


def test_threads_do_not_change_the_picture(program: Path, photos: Path, tmp_path: Path) -> None:
    from PIL import Image

    with Image.open(photos / "man.jpg") as image:
        pixels = np.asarray(image.convert("RGB").resize((300, 220)))
    files = prepare(tmp_path, pixels, Segmenter("portrait").metadata)
    pictures = []
    for threads in ("1", "2"):
        options = ("--model", resolve_model("portrait"), "--blur", bundled_folder(), "--threads", threads)
        document = files.run(program, "portrait", *options, "--runs", "2")
        pictures.append((tmp_path / "picture.bin").read_bytes())
        stages = document["timing"]["stages_ms"]
        whole = sum(sum(values) for name, values in stages.items() if name != "tiles_invoke")
        assert whole == pytest.approx(sum(document["timing"]["total_ms"]), rel=0.05)
        assert all(inner <= outer for inner, outer in zip(stages["tiles_invoke"], stages["tiles"], strict=True))
    assert pictures[0] == pictures[1]


def test_stdout_is_the_documents_alone(program: Path, tiny: list[Any]) -> None:
    """Whatever a library prints; some accelerators do."""
    done = subprocess.run([program, "run", *map(str, tiny)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0])["exit_code"] == 0
    assert lines[1] == f"{CLOSING_LINE} 0"


def test_names_that_are_no_utf8(program: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b'/\xff\xc3\xa9\x01".so'
    done = subprocess.run([program, "info", "--library", odd], capture_output=True, check=False)
    document = json.loads(done.stdout.splitlines()[0])
    assert done.returncode == 2
    assert '/\ufffdé\x01".so' in document["error"]["message"]


def test_info_needs_nothing(program: Path) -> None:
    found = run_native(program, "info")
    assert found["program"]["libc"] == "glibc"
    assert found["system"]["machine"] == os.uname().machine
    assert "library" not in found
