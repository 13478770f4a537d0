"""Loading: hostile and unfit files give one line."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from photo_files import HEIGHT, WIDTH, check_contract, picture, refusal, save, srgb_profile
from PIL import Image

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import MAX_PIXELS, MIN_SIDE, load_photo


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0MM\0*\0\0\0\x08\0\x05"]
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_damaged_exif_never_stops_a_photo(tmp_path: Path, exif: bytes, suffix: str) -> None:
    photo = load_photo(save(Image.fromarray(picture()), tmp_path / f"odd.{suffix}", exif=exif))
    assert photo.exif is None
    assert photo.notices == ("its EXIF data is damaged and is left out",)


def test_partly_damaged_exif_keeps_its_orientation(tmp_path: Path) -> None:
    directory = struct.pack("<H", 2)
    directory += struct.pack("<HHIHxx", 0x0112, 3, 1, 6) + struct.pack("<HHII", 0x010F, 2, 50, 0xFFFFFF) + bytes(4)
    photo = load_photo(
        save(Image.fromarray(picture()), tmp_path / "odd.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0" + directory)
    )
    assert (photo.width, photo.height) == (HEIGHT, WIDTH)
    assert photo.notices == ("damaged parts of its EXIF data are left out",)


def test_16_bit_photo_with_broken_libtiff_data(tmp_path: Path) -> None:
    path = save(Image.fromarray(picture()), tmp_path / "lzw.tif", compression="tiff_lzw")
    data = path.read_bytes()
    path.write_bytes(data[:8] + bytes(len(data) // 3) + data[8 + len(data) // 3 :])
    assert "damaged" in refusal(path)


def test_truncated_files(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    for suffix in ("jpg", "png", "webp", "tif", "bmp", "gif"):
        path = save(Image.fromarray(noise), tmp_path / f"whole.{suffix}")
        data = path.read_bytes()
        for share in (0.02, 0.1, 0.5, 0.9):
            cut = tmp_path / f"cut.{suffix}"
            cut.write_bytes(data[: int(len(data) * share)])
            assert "expected" in refusal(cut)


def test_truncation_within_the_scan_of_a_progressive_jpeg(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    path = save(Image.fromarray(noise), tmp_path / "p.jpg", progressive=True)
    path.write_bytes(path.read_bytes()[:-400])
    assert "damaged or cut off" in refusal(path)


def test_nothing_but_the_one_line_is_printed(tmp_path: Path) -> None:
    """Pillow logs an error of a TIFF with 2048 samples for each pixel, and Python prints what nobody handles."""
    path = save(Image.fromarray(picture()), tmp_path / "samples.tif")
    data = path.read_bytes()
    samples = data.index(struct.pack("<HHI", 277, 3, 1))
    path.write_bytes(data[: samples + 8] + struct.pack("<H", 2048) + data[samples + 10 :])
    command = [sys.executable, "-m", "portraitlite", "segment", str(path), "-o", str(tmp_path / "out.png")]
    sources = Path(__file__).resolve().parents[2] / "src"
    run = subprocess.run(command, cwd=sources, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert "samples.tif" in run.stderr


def test_png_with_a_broken_chunk(tmp_path: Path) -> None:
    path = save(Image.fromarray(picture()), tmp_path / "broken.png")
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 20] ^= 0xFF
    path.write_bytes(data)
    assert "damaged" in refusal(path)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def jpeg_claiming(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, format="JPEG")
    data = bytearray(stream.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("make", [png_claiming, jpeg_claiming])
@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (12_500, 12_500)])
def test_claims_of_enormous_sizes_are_refused_before_decoding(
    tmp_path: Path, make: object, width: int, height: int
) -> None:
    path = tmp_path / "bomb.img"
    path.write_bytes(make(width, height))  # type: ignore[operator]
    message = refusal(path)
    assert f"{width * height:,}" in message
    assert f"{MAX_PIXELS:,}" in message


def test_pillow_own_limit_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Image.fromarray(picture()), tmp_path / "fine.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDTH * HEIGHT - 1)
    np.testing.assert_array_equal(load_photo(path).pixels, picture())


@pytest.mark.parametrize(("width", "height"), [(1, 1), (MIN_SIDE - 1, 500), (500, MIN_SIDE - 1)])
def test_too_small(tmp_path: Path, width: int, height: int) -> None:
    message = refusal(save(Image.new("RGB", (width, height)), tmp_path / "small.png"))
    assert f"{width}x{height}" in message
    assert str(MIN_SIDE) in message


def test_smallest_size(tmp_path: Path) -> None:
    assert load_photo(save(Image.new("RGB", (MIN_SIDE, MIN_SIDE)), tmp_path / "small.png")).width == MIN_SIDE


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "film"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n", "PostScript"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"8BPS" + bytes(40), "Photoshop"),
        (b"P6 64 64 255\n" + bytes(64 * 64 * 3), "not a picture"),
        (b"hello, this is text", "not a picture"),
        (bytes(500), "not a picture"),
        (b"", "empty"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    message = refusal(path)
    assert expected in message
    assert "expected" in message


def test_camera_raw_is_refused_although_its_preview_could_be_read(tmp_path: Path) -> None:
    path = save(Image.fromarray(picture()), tmp_path / "shot.DNG", format="TIFF")
    assert "camera raw" in refusal(path)


def test_missing_folder_and_special_files(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nothing.jpg")
    assert "folder" in refusal(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "regular file" in refusal(pipe)


def test_random_damage_gives_a_photo_or_one_line(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    messages = []
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    for suffix in ("jpg", "png", "webp", "tif", "gif", "bmp"):
        stored = {"exif": exif.tobytes(), "icc_profile": srgb_profile()} if suffix not in ("gif", "bmp") else {}
        data = save(Image.fromarray(picture()), tmp_path / f"a.{suffix}", **stored).read_bytes()
        for _ in range(60):
            damaged = bytearray(data)
            for at in generator.integers(0, min(len(data), 1200), 4):
                damaged[at] = generator.integers(256)
            path = tmp_path / f"b.{suffix}"
            path.write_bytes(damaged)
            try:
                check_contract(load_photo(path))
            except InputError as error:
                messages.append(str(error))
    assert len(messages) > 20
    assert not [message for message in messages if "\n" in message]
