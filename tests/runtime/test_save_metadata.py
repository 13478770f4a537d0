"""Saving: metadata is kept, and no copy of the sharp original is left inside."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photo_files import picture, srgb_profile
from PIL import ExifTags, Image

from portraitlite.runtime.exif import MAX_EXIF_BYTES, parse_exif, serialise_exif
from portraitlite.runtime.photo import load_photo, photo_from_array
from portraitlite.runtime.save import save_photo

WIDTH, HEIGHT = 240, 160
SUFFIXES = ["jpg", "png", "webp", "tif"]
SECRET = b"copy of the sharp original"
Fields = dict[int, tuple[int, int, bytes]]


def preview() -> bytes:
    """A JPEG with a mark, as cameras hide it in many places."""
    stream = io.BytesIO()
    Image.new("RGB", (160, 120), "lime").save(stream, format="JPEG", comment=SECRET)
    return stream.getvalue()


def directory(start: int, order: str, fields: Fields, following: int = 0) -> bytes:
    entries, values = struct.pack(order + "H", len(fields)), b""
    at = start + 6 + 12 * len(fields)
    for tag, (kind, count, value) in sorted(fields.items()):
        entries += struct.pack(order + "HHI", tag, kind, count)
        entries += value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", at + len(values))
        values += value + b"\0" * (len(value) % 2) if len(value) > 4 else b""
    return entries + struct.pack(order + "I", following) + values


def camera_exif(order: str = "<", orientation: int = 6) -> bytes:
    """What a phone writes: four directories, a thumbnail, and previews where no standard wants them."""

    def short(value: int) -> tuple[int, int, bytes]:
        return 3, 1, struct.pack(order + "H", value)

    def long(value: int) -> tuple[int, int, bytes]:
        return 4, 1, struct.pack(order + "I", value)

    def opaque(value: bytes) -> tuple[int, int, bytes]:
        return 7, len(value), value

    gps: Fields = {1: (2, 2, b"N\0"), 2: (5, 3, struct.pack(order + "6I", 48, 1, 51, 1, 30, 1))}
    interop: Fields = {1: (2, 4, b"R98\0")}
    photo: Fields = {
        0x829A: (5, 1, struct.pack(order + "II", 1, 125)),
        0x9000: opaque(b"0230"),
        0x9003: (2, 20, b"2024:05:06 07:08:09\0"),
        0x927C: opaque(b"Maker" + preview()),
        0x9286: opaque(b"ASCII\0\0\0" + preview()),
        0xA002: long(4000),
        0xA003: long(3000),
        0xA005: long(0),
    }
    main: Fields = {
        0x0100: long(4000),
        0x010F: (2, 6, b"Maker\0"),
        0x0112: short(orientation),
        0x014A: long(0),
        0x02BC: (1, len(SECRET), SECRET),
        0x8649: opaque(b"8BIM" + preview()),
        0x8769: long(0),
        0x8825: long(0),
        0xC634: opaque(SECRET),
    }
    parts = [main, photo, gps, interop]
    starts = [8]
    for fields in parts:
        starts.append(starts[-1] + len(directory(0, order, fields)))
    main |= {0x8769: long(starts[1]), 0x8825: long(starts[2]), 0x014A: long(starts[4])}
    photo[0xA005] = long(starts[3])
    thumbnail: Fields = {0x0103: short(6), 0x0201: long(0), 0x0202: long(len(preview()))}
    thumbnail[0x0201] = long(starts[4] + len(directory(0, order, thumbnail)))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    body = directory(8, order, main, starts[4])
    body += b"".join(directory(at, order, fields) for at, fields in zip(starts[1:], parts[1:], strict=False))
    return head + body + directory(starts[4], order, thumbnail) + preview()


def new_thumbnail(path: Path) -> Image.Image:
    with Image.open(path) as image:
        exif = image.getexif()
        first = exif.get_ifd(ExifTags.IFD.IFD1)
    block = exif_block(path)
    data = block[first[0x0201] : first[0x0201] + first[0x0202]]
    assert first[0x0103] == 6
    return Image.open(io.BytesIO(data))


def exif_block(path: Path) -> bytes:
    with Image.open(path) as image:
        block = image.info["exif"]
    assert isinstance(block, bytes)
    return block.removeprefix(b"Exif\0\0")


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """(marker, payload) of a JPEG up to its scan."""
    found = []
    at = 2
    while data[at + 1] != 0xDA:
        (size,) = struct.unpack_from(">H", data, at + 2)
        found.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + size
    return found


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_kept_and_brought_up_to_date(tmp_path: Path, suffix: str, order: str) -> None:
    source = tmp_path / "camera.jpg"
    Image.fromarray(picture(WIDTH, HEIGHT)).save(source, exif=b"Exif\0\0" + camera_exif(order))
    photo = load_photo(source)
    assert photo.exif == camera_exif(order)
    assert (photo.width, photo.height) == (HEIGHT, WIDTH)
    out = tmp_path / f"out.{suffix}"
    save_photo(out, photo.pixels, photo)
    with Image.open(out) as image:
        assert image.size == (HEIGHT, WIDTH)
        exif = image.getexif()
        assert exif[0x0112] == 1
        assert exif[0x010F] == "Maker"
        taken = exif.get_ifd(ExifTags.IFD.Exif)
        assert taken[0x9003] == "2024:05:06 07:08:09"
        assert taken[0x829A] == pytest.approx(1 / 125)
        assert taken[0x9000] == b"0230"
        assert (taken[0xA002], taken[0xA003]) == (HEIGHT, WIDTH)
        assert 0x927C not in taken
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert place[1] == "N"
        assert place[2] == (48, 51, 30)
        if suffix == "tif":
            assert 0xA005 not in taken
        else:
            assert exif.get_ifd(ExifTags.IFD.Interop)[1] == "R98"
    # a second pass finds nothing to repair
    assert load_photo(out).notices == ()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_copy_of_the_original_stays_inside(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "camera.jpg"
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    second = Image.new("RGB", (WIDTH, HEIGHT), "lime")
    Image.fromarray(picture(WIDTH, HEIGHT)).save(
        source,
        format="MPO",
        save_all=True,
        append_images=[second],
        exif=b"Exif\0\0" + camera_exif(),
        xmp=xmp,
        comment=SECRET,
    )
    data = source.read_bytes()
    app13 = b"\xff\xed" + struct.pack(">H", 2 + len(preview())) + preview()
    source.write_bytes(data[:2] + app13 + data[2:] + preview())
    assert source.read_bytes().count(SECRET) >= 8

    photo = load_photo(source)
    out = tmp_path / f"out.{suffix}"
    red = np.full_like(photo.pixels, (200, 0, 0))
    save_photo(out, red, photo)
    data = out.read_bytes()
    assert SECRET not in data
    assert preview()[:40] not in data
    assert data.count(b"\xff\xd8\xff") == {"jpg": 2, "png": 1, "webp": 1, "tif": 0}[suffix]
    if suffix == "jpg":
        found = segments(data)
        assert [payload[:5] for marker, payload in found if 0xE0 <= marker <= 0xEF] == [b"JFIF\0", b"Exif\0"]
        assert 0xFE not in {marker for marker, _ in found}
        assert data.endswith(b"\xff\xd9")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_thumbnail_shows_the_new_picture(tmp_path: Path, suffix: str) -> None:
    photo = replace(photo_from_array(picture(WIDTH, HEIGHT)), exif=camera_exif())
    out = tmp_path / f"out.{suffix}"
    new = np.ascontiguousarray(255 - picture(WIDTH, HEIGHT))
    save_photo(out, new, photo)
    with new_thumbnail(out) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.size == (160, 106)
        small = np.asarray(Image.fromarray(new).resize(thumbnail.size, Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(np.asarray(thumbnail).astype(int) - small).mean() < 4


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(100, 400, (30, 120)), (64, 40, (64, 40)), (2000, 32, (160, 2))]
)
def test_thumbnail_size(tmp_path: Path, width: int, height: int, expected: tuple[int, int]) -> None:
    photo = replace(photo_from_array(picture(width, height)), exif=camera_exif())
    save_photo(tmp_path / "a.jpg", photo.pixels, photo)
    with new_thumbnail(tmp_path / "a.jpg") as thumbnail:
        assert thumbnail.size == expected


def test_photo_without_exif_gets_none(tmp_path: Path) -> None:
    save_photo(tmp_path / "a.jpg", picture(WIDTH, HEIGHT), photo_from_array(picture(WIDTH, HEIGHT)))
    assert [payload[:5] for _, payload in segments((tmp_path / "a.jpg").read_bytes()) if payload[:4] == b"Exif"] == []


def test_exif_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    save_photo(
        tmp_path / "a.jpg", picture(WIDTH, HEIGHT), replace(photo_from_array(picture(WIDTH, HEIGHT)), exif=b"rubbish")
    )
    with Image.open(tmp_path / "a.jpg") as image:
        assert "exif" not in image.info


@pytest.mark.parametrize(
    ("bulk", "thumbnail_stays", "bulk_stays"), [(1_000, True, True), (64_000, False, True), (90_000, False, False)]
)
def test_exif_segment_never_grows_too_large(tmp_path: Path, bulk: int, thumbnail_stays: bool, bulk_stays: bool) -> None:
    fields: Fields = {0x010E: (2, bulk, b"x" * bulk), 0x010F: (2, 6, b"Maker\0")}
    exif = b"II*\0\x08\0\0\0" + directory(8, "<", fields)
    # Noise makes the thumbnail as large as it gets.
    noise = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    save_photo(tmp_path / "a.jpg", noise, replace(photo_from_array(noise), exif=exif))
    with Image.open(tmp_path / "a.jpg") as image:
        kept = image.getexif()
        assert kept[0x010F] == "Maker"
        assert (0x010E in kept) == bulk_stays
        assert bool(kept.get_ifd(ExifTags.IFD.IFD1)) == thumbnail_stays
    assert len(exif_block(tmp_path / "a.jpg")) <= MAX_EXIF_BYTES


def test_largest_block_that_fits_is_written_by_pillow(tmp_path: Path) -> None:
    spare = MAX_EXIF_BYTES - len(serialise_exif(parse_exif(camera_exif()), 32, 32, b""))
    parsed = parse_exif(camera_exif())
    # The thumbnail's own directory takes 94 bytes.
    block = serialise_exif(parsed, 32, 32, bytes(spare - 94))
    assert len(block) == MAX_EXIF_BYTES
    Image.fromarray(picture(WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + block)
    assert exif_block(tmp_path / "a.jpg") == block
    assert len(serialise_exif(parsed, 32, 32, bytes(spare - 93))) == MAX_EXIF_BYTES - spare


def test_random_damage_to_exif_is_an_error_or_a_clean_block() -> None:
    generator = np.random.default_rng(9)
    whole = camera_exif()
    outcomes = set()
    for _ in range(1500):
        data = bytearray(whole)
        for at in generator.integers(0, 420, 3):
            data[at] = generator.integers(256)
        try:
            block = parse_exif(bytes(data[: generator.integers(8, len(data))]))
        except ValueError:
            outcomes.add("refused")
            continue
        outcomes.add("complete" if block.complete else "partial")
        again = parse_exif(serialise_exif(block, 320, 240, b"\xff\xd8\xff new"))
        assert again.complete
        assert again.orientation == 1
    assert outcomes == {"refused", "partial", "complete"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_profile_is_kept(tmp_path: Path, suffix: str) -> None:
    photo = replace(photo_from_array(picture(WIDTH, HEIGHT)), icc_profile=srgb_profile())
    save_photo(tmp_path / f"a.{suffix}", picture(WIDTH, HEIGHT), photo)
    assert load_photo(tmp_path / f"a.{suffix}").icc_profile == srgb_profile()
