"""Many photos by one command: each is done or listed, and every file is whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime.errors import CheckFailedError


@pytest.fixture
def folder(tmp_path: Path, photos: Path) -> Path:
    """in/: two good photos in two folders, a damaged one, and something that is no photo."""
    for name in ("man", "sub/woman"):
        path = tmp_path / "in" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(photos / path.name) as image:
            image.resize((96, 80)).save(path)
    (tmp_path / "in" / "cut.jpg").write_bytes((photos / "man.jpg").read_bytes()[:3000])
    (tmp_path / "in" / "notes.txt").write_text("not a photo")
    return tmp_path


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_failures_are_listed_and_stop_nothing(folder: Path) -> None:
    result = run("segment", folder / "in", folder / "gone.jpg", "-o", folder / "out", "--json", "--jobs", "1")
    assert isinstance(result.exception, CheckFailedError)
    assert result.exception.exit_code == 1
    assert "2 of 4 photos failed" in str(result.exception)
    document = json.loads(result.stdout)
    assert document["photos"] == 4
    assert [Path(one["input"]).name for one in document["results"]] == ["man.jpg", "woman.jpg"]
    assert [Path(one["input"]).name for one in document["failures"]] == ["gone.jpg", "cut.jpg"]
    listed = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert len(listed) == 2
    assert "gone.jpg does not exist" in listed[0]
    assert "cut.jpg is damaged or cut off" in listed[1]
    assert set(files(folder / "out")) == {"in/man.png", "in/sub/woman.png"}


def test_processes_and_one_process_and_one_photo_write_the_same(folder: Path) -> None:
    (folder / "in" / "cut.jpg").unlink()
    for jobs in ("1", "2"):
        result = run("segment", folder / "in", "-o", folder / jobs, "--jobs", jobs, "--quiet")
        assert result.exit_code == 0, result.output
        assert result.output == ""
    assert files(folder / "1") == files(folder / "2")
    assert run("segment", folder / "in" / "man.jpg", "-o", folder / "one.png").exit_code == 0
    assert (folder / "one.png").read_bytes() == files(folder / "1")["man.png"]


def test_portraits_keep_their_format(folder: Path) -> None:
    (folder / "in" / "cut.jpg").unlink()
    with Image.open(folder / "in" / "man.jpg") as image:
        image.save(folder / "in" / "man.png")
    result = run("portrait", folder / "in", "-o", folder / "out", "--jobs", "1", "--if-no-subject", "blur")
    assert result.exit_code == 0, result.output
    assert set(files(folder / "out")) == {"man.jpg", "man.png", "sub/woman.jpg"}
    for name in files(folder / "out"):
        with Image.open(folder / "out" / name) as image:
            assert image.size == (96, 80)
            assert image.format == ("PNG" if name.endswith("png") else "JPEG")


def test_resume_does_what_is_missing(folder: Path) -> None:
    first = run("segment", folder / "in", "-o", folder / "out", "--jobs", "1")
    assert isinstance(first.exception, CheckFailedError)
    (folder / "out" / "man.png").write_bytes(b"marked")
    shutil.copy(folder / "in" / "man.jpg", folder / "in" / "cut.jpg")
    again = run("segment", folder / "in", "-o", folder / "out", "--jobs", "1", "--resume", "--json")
    assert again.exit_code == 0
    document = json.loads(again.stdout)
    assert [Path(one["output"]).name for one in document["results"]] == ["cut.png"]
    assert [Path(one["output"]).name for one in document["skipped"]] == ["man.png", "woman.png"]
    assert (folder / "out" / "man.png").read_bytes() == b"marked"
    # All is done: the model, which does not even exist, is not looked at.
    assert run("segment", folder / "in", "-o", folder / "out", "--resume", "--model", "absent.tflite").exit_code == 0


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    (folder / "in" / "cut.jpg").unlink()
    (folder / "out").mkdir()
    (folder / "out" / "man.png").write_bytes(b"mine")
    result = run("segment", folder / "in", "-o", folder / "out", "--jobs", "1")
    assert "1 of 2 photos failed" in str(result.exception)
    assert "exists already" in result.stderr
    assert (folder / "out" / "man.png").read_bytes() == b"mine"
    assert run("segment", folder / "in", "-o", folder / "out", "--jobs", "1", "--force").exit_code == 0
    assert (folder / "out" / "man.png").read_bytes() != b"mine"


def test_errors_that_concern_all_photos_are_raised_once(folder: Path) -> None:
    for arguments, expected in (
        (["--model", "absent.tflite", "--jobs", "1"], "absent.tflite does not exist"),
        (["--model", "absent.tflite", "--jobs", "2"], "absent.tflite does not exist"),
        (["--backend", "tpu"], "unknown backend 'tpu'"),
    ):
        result = run("segment", folder / "in", "-o", folder / "out", *arguments)
        assert expected in str(result.exception)
        assert not (folder / "out").exists()


def test_one_photo_into_a_folder(folder: Path) -> None:
    result = run("segment", folder / "in" / "man.jpg", "-o", folder / "new" / "out")
    assert result.exit_code == 0, result.output
    assert set(files(folder / "new")) == {"out/man.png"}
    single = run("segment", folder / "in" / "man.jpg", "-o", folder / "man.png", "--resume")
    assert single.exit_code == 0
    before = (folder / "man.png").stat().st_mtime_ns
    assert run("segment", folder / "in" / "man.jpg", "-o", folder / "man.png", "--resume").exit_code == 0
    assert (folder / "man.png").stat().st_mtime_ns == before


def test_notices_name_their_photo(folder: Path) -> None:
    shutil.rmtree(folder / "in")
    (folder / "in").mkdir()
    frames = [Image.fromarray(np.full((64, 64, 3), grey, np.uint8)) for grey in (10, 200)]
    frames[0].save(folder / "in" / "film.gif", save_all=True, append_images=frames[1:])
    result = run("segment", folder / "in", "-o", folder / "out", "--jobs", "1")
    assert "film.gif: only the first of 2 frames is used" in result.stderr
