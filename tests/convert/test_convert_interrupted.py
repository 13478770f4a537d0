"""A conversion that is interrupted or killed leaves no partial file: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portraitlite.convert.files import write_files
from portraitlite.runtime.errors import InputError

ROOT = Path(__file__).parents[2]
# Runs the command line and, at the first call of the function named, sends itself the signal named.
SCRIPT = """
import importlib, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it, and these tests may run in one
module, name, sent = sys.argv[1:4]
target = importlib.import_module(module)
real = getattr(target, name)
def hit(*arguments, **keywords):
    setattr(target, name, real)
    os.kill(os.getpid(), getattr(signal, sent))
    return real(*arguments, **keywords)
setattr(target, name, hit)
sys.argv = ["portraitlite", *sys.argv[4:]]
from portraitlite.cli import main
main()
"""
PIPELINE = "portraitlite.convert.pipeline"
MOMENTS = [(PIPELINE, "quantize_network"), (PIPELINE, "measure"), ("os", "replace")]


def _run(
    source: Path, output: Path, moment: tuple[str, str], sent: str, *more: str
) -> subprocess.CompletedProcess[str]:
    arguments = ["convert", str(source), "-o", str(output), "--crop", "65x97", "--recipe", "fp16", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *moment, sent, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment[1])
def test_ctrl_c_leaves_nothing(moment: tuple[str, str], tiny_tarball: Path, tmp_path: Path) -> None:
    run = _run(tiny_tarball, tmp_path / "m.tflite", moment, "SIGINT")
    assert run.returncode == 130
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_it_learns_leaves_nothing(tiny_tarball: Path, photo_folder: Path, tmp_path: Path) -> None:
    moment = ("portraitlite.convert.quantization.litert_quantizer", "learn")
    more = ["--recipe", "int8", "--updates", "1", "--calibrate", str(photo_folder)]
    run = _run(tiny_tarball, tmp_path / "m.tflite", moment, "SIGINT", *more)
    assert run.returncode == 130
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", MOMENTS[1:], ids=lambda moment: moment[1])
def test_a_killed_conversion_leaves_old_files_as_they_were(
    moment: tuple[str, str], tiny_tarball: Path, tmp_path: Path
) -> None:
    """Killed while it writes, a hidden `.part` may stay; neither name ever holds half a file."""
    old = {tmp_path / "m.tflite": b"old model", tmp_path / "m.json": b"old card"}
    for path, content in old.items():
        path.write_bytes(content)
    run = _run(tiny_tarball, tmp_path / "m.tflite", moment, "SIGKILL", "--force")
    assert run.returncode == -signal.SIGKILL
    assert {path: path.read_bytes() for path in old} == old
    others = [path for path in tmp_path.iterdir() if path not in old]
    assert all(path.suffix == ".part" and path.name.startswith(".") for path in others)
    assert len(others) == (moment[1] == "replace")


def test_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    paths = [tmp_path / "m.tflite", tmp_path / "old.json", tmp_path / "folder" / "absent.json"]
    with pytest.raises(InputError, match="does not exist"):
        write_files(dict.fromkeys(paths, b"new"), force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    write_files(dict.fromkeys(paths[:2], b"new"), force=True)
    assert [path.read_bytes() for path in paths[:2]] == [b"new", b"new"]
