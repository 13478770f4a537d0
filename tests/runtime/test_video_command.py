"""The verb `video`, and memory through a film of some hundred frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_segmenter import tiny_segmenter
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime import InputError, MissingDependencyError

pytest.importorskip("av", reason="films need PyAV: the extra `video`")

from film_files import decode, figure, write_film

from portraitlite.runtime.video import reader
from portraitlite.runtime.video.film import FilmBlur, blur_film

GROWTH_MB = 25.0  # the frames alone would be 90


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_segmenter(tmp_path_factory.mktemp("model") / "tiny.tflite")


def test_json_says_what_was_done(model: Path, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [figure(48, 64)] * 3 + [figure(48, 64, 0, 0)] * 2)
    arguments = ["video", str(source), "-o", str(tmp_path / "out.mp4"), "-m", str(model), "--json"]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    document = json.loads(run.stdout)
    assert document["source"] == {"codec": "h264", "width": 64, "height": 48, "bits": 8, "hdr": None, "frames": 5}
    assert (document["frames"], document["frames_with_subject"], document["cuts"]) == (5, 3, 0)
    assert (document["strength"], document["model"]["name"], document["notices"]) == (0.6, "tiny", [])
    assert len(decode(tmp_path / "out.mp4")) == 5


def test_command_line_and_library_make_the_same_film(model: Path, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [figure(48, 64, left, left + 0.3) for left in (0.1, 0.15, 0.2)])
    options = ["--strength", "0.8", "--focus", "0.2,0.7", "--highlights", "0", "--quiet", "-m", str(model)]
    run = CliRunner().invoke(app, ["video", str(source), "-o", str(tmp_path / "cli.mp4"), *options])
    assert (run.exit_code, run.output) == (0, "")
    blur_film(source, tmp_path / "library.mp4", FilmBlur(model), strength=0.8, focus=(0.2, 0.7), highlights=0.0)
    for (_, _, one), (_, _, other) in zip(decode(tmp_path / "cli.mp4"), decode(tmp_path / "library.mp4"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_refusals_before_any_work(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [figure(48, 64)])
    for arguments, message in (
        (["-o", str(tmp_path / "out.webm")], "expected one of .mp4"),
        (["-o", str(tmp_path / "out.mp4"), "--focus", "here"], "is no point"),
        (["-o", str(tmp_path / "out.mp4"), "--keep", "focus"], "needs a focus point"),
        (["-o", str(source)], "exists already"),
    ):
        run = CliRunner().invoke(app, ["video", str(source), *arguments])
        assert isinstance(run.exception, InputError)
        assert message in str(run.exception)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


def test_without_pyav_the_install_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(reader.importlib, "import_module", absent)
    run = CliRunner().invoke(app, ["video", "in.mp4", "-o", str(tmp_path / "out.mp4")])
    assert isinstance(run.exception, MissingDependencyError)
    assert "pip install 'portraitlite[video]'" in str(run.exception)


def test_memory_does_not_grow(model: Path, tmp_path: Path) -> None:
    """Without strength, as the blur itself is measured on photos; `scripts/film_memory.py` does it all at length."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc/self/status, which only Linux has")
    moving = [figure(240, 320, 0.1 + 0.005 * n, 0.4 + 0.005 * n) for n in range(50)]
    source = write_film(tmp_path / "in.mp4", moving * 8, options={"preset": "ultrafast"})
    used: list[float] = []

    def note(done: int, total: int) -> None:
        status = Path("/proc/self/status").read_text()
        used.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)

    result = blur_film(source, tmp_path / "out.mp4", FilmBlur(model), strength=0.0, progress=note)
    assert result.frames == len(used) == 400
    assert max(used[300:]) - max(used[:100]) < GROWTH_MB
