"""Many photos, and a disk that fills up, processes that are killed, a user who presses Ctrl-C."""

from __future__ import annotations

import importlib
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from portraitlite.runtime.batch import run_photos
from portraitlite.runtime.errors import CheckFailedError
from portraitlite.runtime.save import check_output, save_gray

ROOT = Path(__file__).resolve().parents[2]

VERB = """
import os
from pathlib import Path
from portraitlite.runtime.batch import PhotoDone
from portraitlite.runtime.save import write_atomically


def open_worker():
    return work


def work(photo, output, progress):
    what = photo.read_text()
    if what == "kill":
        part = output.with_name(os.environ["PART"])
        part.write_bytes(b"half of it")
        os.kill(os.getpid(), 9)
    if what == "odd":
        raise KeyError("of the code")
    write_atomically(output, what.encode())
    return PhotoDone({"input": str(photo)}, str(output))
"""


@pytest.fixture
def verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A verb that does to itself what its photo says, in a module that other processes can import."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "accident_verb.py").write_text(VERB)
    monkeypatch.syspath_prepend(tmp_path / "code")
    return importlib.import_module("accident_verb").open_worker


def batch(folder: Path, verb: Any, contents: dict[str, str], jobs: int) -> str:
    """The message of the failure."""
    for name, text in contents.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / f"{name}.jpg").write_text(text)
    with pytest.raises(CheckFailedError) as caught:
        run_photos(
            [folder / "in"],
            folder / "out",
            verb,
            suffix_of=lambda photo: ".png",
            check=partial(check_output, force=False),
            jobs=jobs,
            resume=False,
            json=False,
            quiet=True,
        )
    return str(caught.value)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_killed_worker_leaves_no_half_file_and_the_rest_is_done(
    tmp_path: Path, verb: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from portraitlite.runtime.save import part_prefix

    monkeypatch.setenv("PART", f"{part_prefix(Path('c.png'))}0123.part")
    photos = {"a": "one", "b": "two", "c": "kill", "d": "three", "e": "four"}
    assert "1 of 5 photos failed" in batch(tmp_path, verb, photos, jobs=2)
    assert "c.jpg: the worker process was killed by SIGKILL" in capsys.readouterr().err
    assert names(tmp_path / "out") == ["a.png", "b.png", "d.png", "e.png"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_of_the_code_are_failures_of_their_photo(
    tmp_path: Path, verb: Any, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    assert "1 of 3 photos failed" in batch(tmp_path, verb, {"a": "odd", "b": "one", "c": "two"}, jobs)
    assert "a.jpg: unexpected KeyError: 'of the code'" in capsys.readouterr().err
    assert names(tmp_path / "out") == ["b.png", "c.png"]


def test_a_file_where_a_folder_is_needed(tmp_path: Path, verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("in the way")
    assert "1 of 2 photos failed" in batch(tmp_path, verb, {"sub/a": "one", "b": "two"}, jobs=1)
    assert "sub" in capsys.readouterr().err
    assert names(tmp_path / "out") == ["b.png", "sub"]


def cli(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "portraitlite", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT / "src", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_full_disk(tmp_path: Path, photos: Path) -> None:
    """No file may grow beyond 4 KiB, which stops the large mask only."""
    (tmp_path / "in").mkdir()
    for size in (64, 512):
        with Image.open(photos / "man.jpg") as image:
            image.resize((size, size)).save(tmp_path / "in" / f"{size}.jpg")
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4096, 4096))
    process = cli("segment", tmp_path / "in", "-o", tmp_path / "out", "--jobs", "2", preexec_fn=limit)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "512.png cannot be written (File too large)" in errors
    assert names(tmp_path / "out") == ["64.png"]


@pytest.fixture
def many(tmp_path: Path, photos: Path) -> Path:
    (tmp_path / "in").mkdir()
    data = (photos / "man.jpg").read_bytes()
    for number in range(30):
        (tmp_path / "in" / f"{number:02}.jpg").write_bytes(data)
    return tmp_path


def wait_for_the_first(folder: Path) -> None:
    end = time.monotonic() + 100
    while not names(folder / "out") or names(folder / "out")[0].endswith(".part"):
        assert time.monotonic() < end
        time.sleep(0.005)


def assert_all_whole(folder: Path) -> int:
    for path in folder.iterdir():
        assert path.suffix == ".png", path
        with Image.open(path) as image:
            image.load()
    return len(list(folder.iterdir()))


def test_killed_parent_leaves_whole_files_and_resume_does_the_rest(many: Path) -> None:
    arguments = ("segment", many / "in", "-o", many / "out", "--jobs", "2")
    process = cli(*arguments)
    wait_for_the_first(many)
    process.kill()
    process.communicate(timeout=60)  # ends when the workers, who share its stderr, have ended
    done = assert_all_whole(many / "out")
    assert 0 < done < 30
    process = cli(*arguments, "--resume")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert assert_all_whole(many / "out") == 30


def test_control_c_is_one_line_and_whole_files(many: Path) -> None:
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # background jobs ignore it, and this may run in one
    arguments = ("segment", many / "in", "-o", many / "out", "--jobs", "2")
    process = cli(*arguments, start_new_session=True, preexec_fn=heard)
    wait_for_the_first(many)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert 0 < assert_all_whole(many / "out") < 30


def test_leftovers_of_a_killed_run_are_removed_by_the_next(tmp_path: Path) -> None:
    import numpy as np

    from portraitlite.runtime.save import part_prefix, remove_leftovers

    path, other = tmp_path / "a.png", tmp_path / "b.png"
    for one in (path, other):
        one.with_name(f"{part_prefix(one)}0123.part").touch()
    remove_leftovers(path)
    save_gray(path, np.zeros((40, 40), np.uint8))
    assert names(tmp_path) == [f"{part_prefix(other)}0123.part", "a.png"]
