"""Photo in, portrait out: through the library and through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime import IfNoSubject, InputError, NothingToDoError, Portrait, load_photo
from portraitlite.runtime.bundled import resolve_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait()


def _detail(pixels: np.ndarray, where: np.ndarray) -> float:
    grey = pixels.astype(float).mean(-1)
    return float(np.abs(np.diff(grey, axis=1))[:, :][where[:, 1:]].mean())


def test_background_is_blurred_and_the_subject_is_not(portrait: Portrait, photos: Path) -> None:
    photo = load_photo(photos / "terrace.jpg")
    result = portrait(photo, strength=1.0)
    mask = portrait.segmenter(photo).photo_mask("person")
    core, far = mask > 250, mask < 2
    # The rim is the filter's business; well inside and well outside there is no doubt.
    inner = np.asarray(Image.fromarray((core * 255).astype(np.uint8)).reduce(16).resize((512, 512))) == 255
    outer = np.asarray(Image.fromarray((far * 255).astype(np.uint8)).reduce(16).resize((512, 512))) == 255
    assert np.abs(result.pixels.astype(int) - photo.pixels)[inner].mean() < 1.5
    assert _detail(result.pixels, outer) < 0.25 * _detail(photo.pixels, outer)
    assert result.subject.found
    assert 0.4 < result.subject.share < 0.65


def test_strength_runs_from_nothing_to_all(portrait: Portrait, photos: Path) -> None:
    photo = load_photo(photos / "man.jpg")
    assert np.array_equal(portrait(photo, strength=0).pixels, photo.pixels)
    far = portrait.segmenter(photo).photo_mask("person") < 2
    change = [
        np.abs(portrait(photo, strength=s).pixels.astype(int) - photo.pixels)[far].mean() for s in (0.02, 0.1, 0.5, 1)
    ]
    assert change == sorted(change)
    assert change[0] < 1.5, "a small strength must fade in, not jump"
    assert change[-1] > 5
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"outside 0\.\.1"):
            portrait(photo, strength=wrong)


def test_nobody_in_the_photo(portrait: Portrait) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (24, 32, 3), np.uint8)
    photo = np.asarray(Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC))
    with pytest.raises(NothingToDoError, match="no person found"):
        portrait(photo)
    assert np.array_equal(portrait(photo, if_no_subject=IfNoSubject.COPY).pixels, photo)
    blurred = portrait(photo, if_no_subject=IfNoSubject.BLUR, strength=1.0).pixels
    everywhere = np.ones(photo.shape[:2], bool)
    assert _detail(blurred, everywhere) < 0.9 * _detail(photo, everywhere)


@pytest.mark.parametrize("size", [(64, 64), (512, 512), (1280, 720), (800, 160), (333, 505)])
def test_sizes_and_shapes(portrait: Portrait, photos: Path, size: tuple[int, int]) -> None:
    with Image.open(photos / "woman.jpg") as image:
        pixels = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    result = portrait(pixels, strength=0.8, if_no_subject=IfNoSubject.BLUR)
    assert result.pixels.shape == pixels.shape
    assert result.pixels.dtype == np.uint8


def _cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = [sys.executable, "-m", "portraitlite", *arguments]
    return subprocess.run(code, capture_output=True, text=True, cwd=ROOT / "src", timeout=120, check=False)


def test_command_line_and_library_write_the_same_bytes(portrait: Portrait, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    run = CliRunner().invoke(
        app, ["portrait", str(photos / "woman.jpg"), "-o", str(out), "--strength", "0.7", "--json"]
    )
    assert run.exit_code == 0, run.output
    summary = json.loads(run.stdout)
    assert (summary["width"], summary["height"], summary["strength"]) == (512, 512, 0.7)
    with Image.open(out) as image:
        written = np.asarray(image)
    assert np.array_equal(written, portrait(load_photo(photos / "woman.jpg"), strength=0.7).pixels)


def test_segment_writes_the_mask(portrait: Portrait, photos: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["segment", str(photos / "man.jpg"), "-o", str(tmp_path / "mask.png"), "--json"])
    assert run.exit_code == 0, run.output
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "L"
        written = np.asarray(image)
    assert np.array_equal(written, portrait.segmenter(load_photo(photos / "man.jpg")).photo_mask("person"))
    assert 0.3 < json.loads(run.stdout)["area_share"]["person"] < 0.7


@pytest.fixture
def hostile(tmp_path: Path, photos: Path) -> Path:
    folder = tmp_path / "hostile"
    folder.mkdir()
    jpeg = (photos / "man.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "text.jpg").write_text("not a picture")
    (folder / "empty.jpg").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    # A PNG header that claims 30000x30000 and nothing behind it.
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (folder / "huge.png").write_bytes(png)
    (folder / "folder.jpg").mkdir()
    Image.new("RGB", (200, 150), (90, 120, 150)).save(folder / "nobody.png")
    model = resolve_model("portrait").read_bytes()
    (folder / "half.tflite").write_bytes(model[: len(model) // 2])
    return folder


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["portrait", "{bad}/text.jpg", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{bad}/empty.jpg", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{bad}/cut.jpg", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{bad}/dot.png", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{bad}/huge.png", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{bad}/folder.jpg", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{bad}/absent.jpg", "-o", "{out}/o.jpg"], 2),
        (["portrait", "{good}", "-o", "{out}/o.xyz"], 2),
        (["portrait", "{good}", "-o", "{out}/no/such/o.jpg"], 2),
        (["portrait", "{good}", "-o", "{good}/o.jpg"], 2),
        (["portrait", "{good}", "-o", "/proc/o.jpg"], 2),
        (["portrait", "{good}", "-o", "{bad}/folder.jpg"], 2),
        (["portrait", "{good}", "-o", "{out}/o.jpg", "--model", "{bad}/half.tflite"], 2),
        (["portrait", "{bad}/nobody.png", "-o", "{out}/o.jpg"], 1),
        (["segment", "{good}", "-o", "{out}/mask.jpg"], 2),
        (["segment", "{good}", "-o", "{out}/mask.png", "--label", "cat"], 2),
        (["convert", "{bad}/text.jpg", "-o", "{out}/m.tflite", "--recipe", "fp32"], 2),
    ],
)
def test_bad_input_gets_one_line_and_no_file(
    arguments: list[str], code: int, hostile: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run = _cli(*(a.format(bad=hostile, out=out, good=photos / "man.jpg") for a in arguments))
    assert run.returncode == code, run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert run.stderr.startswith("portraitlite: ")
    assert not run.stdout
    assert not list(out.rglob("*"))


def test_version_and_help() -> None:
    run = _cli("--version")
    assert run.stdout.startswith("portraitlite ")
    for verb in ("convert", "segment", "portrait", "bench"):
        text = _cli(verb, "--help")
        assert text.returncode == 0
        assert verb in text.stdout
