"""What the native program makes of arguments and files that cannot be used: a document with one line of reason."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_build import SANITIZER_OPTIONS, host_litert, native_harness, run_native
from native_portrait import NativeFiles, prepare
from native_steps import parse_document

from portraitlite.android_harness.build import Target
from portraitlite.android_harness.self_test import self_test
from portraitlite.runtime import ModelMetadata, OutputKind, Segmenter
from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import resolve_model

MAX_MESSAGE_CHARACTERS = 2048


@pytest.fixture(scope="module")
def program() -> Path:
    return native_harness(Target.HOST_ASAN)


@pytest.fixture
def files(tmp_path: Path) -> NativeFiles:
    return prepare(tmp_path, np.full((40, 50, 3), 128, np.uint8), Segmenter("portrait").metadata)


def refused(document: dict[str, Any], kind: str, *words: str) -> None:
    error = document["error"]
    assert error["kind"] == kind, error
    assert len(error["message"]) <= MAX_MESSAGE_CHARACTERS
    assert "\n" not in error["message"]
    for word in words:
        assert word in error["message"]


USAGE = {
    "no mode": [],
    "unknown mode": ["dance"],
    "unknown option": ["info", "--dance", "1"],
    "option of another mode": ["info", "--photo", "x"],
    "no value": ["info", "--cpus"],
    "twice": ["info", "--cpus", "1", "--cpus", "1"],
    "no mask": ["info", "--cpus", "xyz"],
    "empty mask": ["info", "--cpus", "0"],
    "huge mask": ["info", "--cpus", "f" * 65],
    "bare library name": ["info", "--library", "libLiteRt.so"],
    "needs a model": ["run", "--library", "./x"],
    "threads": ["run", "--library", "./x", "--model", "y", "--threads", "0"],
    "runs": ["run", "--library", "./x", "--model", "y", "--runs", "1e9"],
    "seconds": ["run", "--library", "./x", "--model", "y", "--max-seconds", "nan"],
    "accelerator": ["run", "--library", "./x", "--model", "y", "--accelerator", "tpu"],
    "empty path": ["run", "--library", "", "--model", "y"],
    "no step": ["step", "--name", "dance"],
    "step without its array": ["step", "--name", "reduce"],
    "array without a shape": ["step", "--name", "reduce", "--array", "pixels=uint8:x", "--set", "scale=2"],
    "array of no size": ["step", "--name", "reduce", "--array", "pixels=uint8:0x4x3:x", "--set", "scale=2"],
    "array too large": ["step", "--name", "holes", "--array", "values=uint8:65500x65500:x"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_usage(program: Path, arguments: list[str]) -> None:
    environment = {**os.environ, **SANITIZER_OPTIONS}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 2, done.stderr
    refused(parse_document(done.stdout), "usage")


PHOTO_USAGE = {
    "size": ["--size", "0x5"],
    "negative": ["--size", "-5x5"],
    "no size": ["--size", "5"],
    "wide": ["--size", "65501x1"],
    "too many pixels": ["--size", "60000x60000"],
    "overflow": ["--size", "99999999999999999999x1"],
}


@pytest.mark.parametrize("options", PHOTO_USAGE.values(), ids=PHOTO_USAGE.keys())
def test_sizes(program: Path, tmp_path: Path, options: list[str]) -> None:
    shared = ("--library", "./x", "--model", "m", "--facts", "f", "--photo", "p")
    refused(run_native(program, "segment", *shared, *options, code=2), "usage", "--size")


def test_together(program: Path, files: NativeFiles) -> None:
    graphs = ("--model", resolve_model("portrait"), "--blur", bundled_folder())
    refused(files.run(program, "portrait", *graphs, "--keep", "focus", code=2), "usage", "--focus")
    refused(files.run(program, "portrait", *graphs, "--focus", "0.5,0.5", code=2), "usage", "focus or near")
    refused(files.run(program, "portrait", *graphs, "--keep", "near", "--focus", "0.5,1.5", code=2), "usage")
    refused(files.run(program, "portrait", *graphs, "--coc", "x", code=2), "usage", "--coc-size")
    refused(files.run(program, "portrait", *graphs, "--strength", "1.01", code=2), "usage", "--strength")


def test_files_of_another_size(program: Path, files: NativeFiles) -> None:
    model = ("--model", resolve_model("portrait"))
    photo = files.folder / "photo.rgb"
    whole = photo.read_bytes()
    for content in (b"", whole[:-1], whole + b"x"):
        photo.write_bytes(content)
        refused(files.run(program, "segment", *model, code=2), "input", "the photo needs 6000")
    photo.unlink()
    refused(files.run(program, "segment", *model, code=2), "input", "photo.rgb")
    photo.mkdir()
    refused(files.run(program, "segment", *model, code=2), "input", "regular file")
    photo.rmdir()
    os.mkfifo(photo)  # reading it would block for ever
    refused(files.run(program, "segment", *model, code=2), "input", "regular file")


FACTS = {
    "nothing": lambda text: "",
    "a key is missing": lambda text: text.replace("fit=", "#"),
    "an unknown key": lambda text: text + "dance=1\n",
    "twice": lambda text: text + "layers=5\n",
    "no line": lambda text: text + "dance\n",
    "no number": lambda text: text.replace("layers=5", "layers=x"),
    "one layer": lambda text: text.replace("layers=5", "layers=1"),
    "no scale": lambda text: text.replace("scales=1,2", "scales=0,2"),
    "falling scales": lambda text: text.replace("scales=1,2", "scales=2,1"),
    "no scales": lambda text: "\n".join("scales=" if "scales" in line else line for line in text.splitlines()),
    "a small tile": lambda text: text.replace("tile_height=128", "tile_height=1"),
    "an endless radius": lambda text: text.replace("max_radius=10.0", "max_radius=inf"),
    "another input": lambda text: text.replace("input=401x401", "input=400x401"),
    "no std": lambda text: text.replace("std=127.5", "std=0"),
    "a channel too many": lambda text: text.replace("channel=0", "channel=1"),
    "too long": lambda text: text + "#" * 70_000,
    "bytes": lambda text: "\x01\x02=\xff\n",
}


@pytest.mark.parametrize("change", FACTS.values(), ids=FACTS.keys())
def test_facts(program: Path, files: NativeFiles, change: Any) -> None:
    path = files.folder / "facts.txt"
    path.write_text(change(path.read_text()), "latin-1")
    graphs = ("--model", resolve_model("portrait"), "--blur", bundled_folder())
    refused(files.run(program, "portrait", *graphs, code=2), "input")


def test_the_masks_own_numbers(program: Path, files: NativeFiles) -> None:
    (files.folder / "mask").write_bytes(bytes(48))
    shared = ("--blur", bundled_folder(), "--mask", files.folder / "mask", "--mask-size", "8x6")
    for box in ("0,0,0,6", "5,0,1,6", "-9,0,8,6", "0,0,17,6", "0,0,1e6,6"):
        refused(files.run(program, "plan", *shared, "--mask-box", box, code=2), "input", "mask box")
    for box in ("0,0,8", "0,0,8,nan", "a,b,c,d", "0,0,8,6,7"):
        refused(files.run(program, "plan", *shared, "--mask-box", box, code=2), "usage")
    for value in (np.nan, -0.1, 1.5):
        np.full((4, 4), value, "<f4").tofile(files.folder / "coc")
        coc = ("--coc", files.folder / "coc", "--coc-size", "4x4")
        refused(files.run(program, "plan", *shared, *coc, code=2), "input", "outside 0..1")


def test_a_plan_of_nonsense_makes_a_picture(program: Path, files: NativeFiles) -> None:
    """Its numbers are only computed with; NaN decides nothing."""
    noise = np.random.default_rng(3).normal(0, 1e30, (378, 504, 12)).astype("<f4")
    noise[::3] = np.nan
    noise.tofile(files.folder / "plan.in")
    files.run(program, "apply", "--blur", bundled_folder(), "--plan", files.folder / "plan.in")
    assert (files.folder / "picture.bin").stat().st_size == 40 * 50 * 3


def test_models(program: Path, files: NativeFiles) -> None:
    other = files.folder / "other.tflite"
    for content in (b"", b"TFL3", b"\0\0\0\0TFL4" + bytes(100)):
        other.write_bytes(content)
        refused(files.run(program, "segment", "--model", other, code=2), "input", "no .tflite")
    # A plan graph where a segmentation model is expected, a model with two inputs, an output of another shape.
    plan = bundled_folder() / "plan_landscape.tflite"
    refused(files.run(program, "segment", "--model", plan, code=2), "input", "one picture")
    other.write_bytes(self_test().model)
    refused(files.run(program, "segment", "--model", other, code=2), "input", "one picture")
    blur = files.folder / "blur"
    blur.mkdir()
    graphs = ("--model", resolve_model("portrait"), "--blur", blur)
    refused(files.run(program, "portrait", *graphs, code=2), "input", "plan_landscape")
    for path in bundled_folder().glob("plan_landscape*.tflite"):
        (blur / path.name).write_bytes((bundled_folder() / "plan_portrait.tflite").read_bytes())
    refused(files.run(program, "portrait", *graphs, code=2), "input", "plan's size")
    for path in bundled_folder().glob("*.tflite"):
        (blur / path.name).write_bytes((path.with_name(path.name.replace("_s1_", "_s2_"))).read_bytes())
    refused(files.run(program, "portrait", *graphs, code=2), "input", "tile's size")


def test_a_damaged_model_ends_with_a_document(program: Path, files: NativeFiles) -> None:
    """LiteRT does not verify what it loads: half a file crashes it, in the sanitizers' eyes and without them."""
    content = resolve_model("portrait").read_bytes()
    path = files.folder / "cut.tflite"
    path.write_bytes(content[: len(content) // 2])
    for each in (program, native_harness()):
        document = files.run(each, "segment", "--model", path, code=3)
        assert document["error"]["kind"] in ("crash", "litert")
        assert document["mode"] == "segment"


def test_inputs_and_outputs_by_name(program: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(self_test().model)
    (tmp_path / "x").write_bytes(b"123")
    shared = ("--library", host_litert(), "--model", tmp_path / "m.tflite")
    for name in ("dance=", "float=", "floatss=", "="):
        refused(run_native(program, "run", *shared, "--input", f"{name}{tmp_path}/x", code=2), "usage", "no input")
    twice = ("--input", tmp_path / "x", "--input", f"floats={tmp_path}/x")
    refused(run_native(program, "run", *shared, *twice, code=2), "usage", "given already")
    more = tuple(word for _ in range(3) for word in ("--output", tmp_path / "o"))
    refused(run_native(program, "run", *shared, *more, code=2), "usage", "2 outputs")
    refused(run_native(program, "run", *shared, "--input", f"bytes={tmp_path}/x", code=2), "input", "3 bytes", "192")


def test_libraries(program: Path, tmp_path: Path) -> None:
    shared = ("--model", resolve_model("portrait"))
    missing = tmp_path / "missing.so"
    refused(run_native(program, "run", "--library", missing, *shared, code=2), "input", "missing.so")
    missing.write_bytes(b"\x7fELF" + bytes(100))
    refused(run_native(program, "run", "--library", missing, *shared, code=3), "library", "cannot be loaded")
    other = next(
        Path(line.split()[-1]) for line in Path("/proc/self/maps").read_text().splitlines() if "libc.so" in line
    )
    refused(run_native(program, "run", "--library", other, *shared, code=3), "library", "LiteRtCreateEnvironment")


def test_places_that_cannot_be_written(program: Path, files: NativeFiles) -> None:
    model = ("--model", resolve_model("portrait"))
    shared = ("--library", host_litert(), "--photo", files.folder / "photo.rgb", "--size", files.size)
    shared += ("--facts", files.folder / "facts.txt")
    document = run_native(program, "segment", *shared, *model, "--dump", files.folder / "none", code=3)
    refused(document, "write", "none/input.bin")
    before = {path.name for path in files.folder.iterdir()}
    run_native(program, "run", "--library", host_litert(), *model, "--output", "/dev/full/x", code=3)
    assert {path.name for path in files.folder.iterdir()} == before


def test_a_full_disk_leaves_nothing_half_written(files: NativeFiles) -> None:
    """`ulimit -f` stands in for the disk; the sanitizers' build writes nothing else."""
    program = native_harness()
    (files.folder / "m.tflite").write_bytes(self_test().model)
    script = f"ulimit -f 0; trap '' XFSZ; exec {program} run --library {host_litert()} --model m.tflite --output out"
    command = ["/bin/sh", "-c", f"({script}) | cat"]  # the document goes through a pipe
    done = subprocess.run(command, capture_output=True, text=True, cwd=files.folder, timeout=60, check=False)
    refused(parse_document(done.stdout), "write", "out")
    assert not list(files.folder.glob("out*"))


def test_processors_that_are_not_there(program: Path) -> None:
    refused(run_native(program, "info", "--cpus", "8" + "0" * 63, code=3), "cpus")


def test_metadata_of_two_classes_where_one_is_put_out(program: Path, files: NativeFiles) -> None:
    """The background's mask is what the person's leaves."""
    metadata = Segmenter("portrait").metadata
    assert metadata.output_kind is OutputKind.CONFIDENCE
    assert isinstance(metadata, ModelMetadata)
    (files.folder / "facts.txt").write_text((files.folder / "facts.txt").read_text().replace("invert=0", "invert=1"))
    document = files.run(program, "segment", "--model", resolve_model("portrait"))
    assert document["result"]["subject_share"] > 0.9
