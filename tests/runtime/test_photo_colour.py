"""Loading: every mode, depth and profile becomes 8-bit RGB."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from photo_files import HEIGHT, WIDTH, check_contract, picture, refusal, save, srgb_profile
from PIL import Image

from portraitlite.runtime.photo import load_photo, photo_from_pil


def make_profile(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A minimal ICC version 2 profile."""
    table, data, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    white = struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    head = struct.pack(">I4xI4s4s4s12x4s28x", at + len(data), 0x02100000, kind, space, connection, b"acsp")
    return (head + white).ljust(128, b"\0") + table + data


def grey_profile() -> bytes:
    """Linear grey (gamma 1)."""
    white = struct.pack(">4s4xIII", b"XYZ ", 0xF6D6, 0x10000, 0xD32D)
    return make_profile(b"GRAY", b"mntr", b"XYZ ", {b"wtpt": white, b"kTRC": struct.pack(">4s4xI", b"curv", 0)})


def cmyk_profile() -> bytes:
    """Inks of a world where cyan prints red and the other three print black."""
    ramp = bytes(range(256))
    nodes = b""
    for index in range(16):
        cyan, rest = index >> 3, index & 7
        nodes += bytes((0, 128, 128)) if rest else bytes((136, 208, 195)) if cyan else bytes((255, 128, 128))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lookup = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2) + matrix + ramp * 4 + nodes + ramp * 3
    white = struct.pack(">4s4xIII", b"XYZ ", 0xF6D6, 0x10000, 0xD32D)
    return make_profile(b"CMYK", b"prtr", b"Lab ", {b"wtpt": white, b"A2B0": lookup})


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "YCbCr", "HSV", "CMYK", "RGBX"])
def test_opaque_modes(mode: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    photo = photo_from_pil(image)
    check_contract(photo)
    assert photo.alpha is None
    assert photo.grey == (mode in ("1", "L"))
    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBA", "RGBa"])
def test_modes_with_alpha(mode: str) -> None:
    alpha = np.where(picture()[..., 0] > 90, 255, 128).astype(np.uint8)
    image = Image.fromarray(np.dstack([picture(), alpha]))
    for step in {"La": ("LA", "La"), "PA": ("RGBA", "P", "PA")}.get(mode, (mode,)):
        image = image.convert(step)
    photo = photo_from_pil(image)
    check_contract(photo)
    assert photo.grey == (mode in ("LA", "La"))
    assert photo.alpha is not None
    if mode != "PA":
        np.testing.assert_array_equal(photo.alpha, alpha)
    if mode == "RGBA":
        np.testing.assert_array_equal(photo.pixels, picture())


@pytest.mark.parametrize(("mode", "transparency"), [("P", 3), ("P", bytes([255, 9])), ("L", 7), ("RGB", (7, 7, 7))])
def test_transparent_colour_of_a_png(tmp_path: Path, mode: str, transparency: object) -> None:
    values = np.full((HEIGHT, WIDTH), 7, np.uint8)
    values[:10] = 1
    if mode == "P":
        values[values == 7] = 3 if transparency == 3 else 0
        image = Image.fromarray(values)
        image.putpalette([step for entry in range(256) for step in (entry, 50, 200)])
    else:
        image = Image.fromarray(values).convert(mode)
    photo = load_photo(save(image, tmp_path / "t.png", transparency=transparency))
    assert photo.alpha is not None
    transparent_first = isinstance(transparency, bytes)
    assert photo.alpha[0, 0] == (9 if transparent_first else 255)
    assert photo.alpha[-1, -1] == (255 if transparent_first else 0)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled(tmp_path: Path, suffix: str) -> None:
    values = np.linspace(0, 65_535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    photo = load_photo(save(Image.fromarray(values), tmp_path / f"deep.{suffix}"))
    check_contract(photo)
    assert photo.grey
    expected = np.round(values.astype(np.float64) * 255 / 65_535).astype(np.uint8)
    for channel in range(3):
        np.testing.assert_array_equal(photo.pixels[..., channel], expected)


@pytest.mark.parametrize("alpha", [False, True])
def test_16_bit_colour_png_is_scaled(tmp_path: Path, alpha: bool) -> None:
    """Written chunk by chunk, as Pillow writes no such files."""
    wanted = np.dstack([picture(), picture()[..., 1]]) if alpha else picture()
    lines = b"".join(b"\0" + line.tobytes() for line in (wanted.astype(">u2") * 257).astype(">u2"))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 6 if alpha else 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
        data += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    (tmp_path / "deep.png").write_bytes(data)
    photo = load_photo(tmp_path / "deep.png")
    check_contract(photo)
    np.testing.assert_array_equal(photo.pixels, picture())
    assert (photo.alpha is not None) == alpha
    if photo.alpha is not None:
        np.testing.assert_array_equal(photo.alpha, picture()[..., 1])


def test_32_bit_grey_within_16_bits_is_scaled_and_beyond_is_refused(tmp_path: Path) -> None:
    values = np.full((HEIGHT, WIDTH), 65_535, np.int32)
    assert photo_from_pil(Image.fromarray(values)).pixels.min() == 255
    values[3, 4] = 65_536
    assert "outside 0 to 65535" in refusal(save(Image.fromarray(values), tmp_path / "int.tif"))


def test_floating_point_and_lab_are_refused(tmp_path: Path) -> None:
    image = Image.fromarray(np.ones((HEIGHT, WIDTH), np.float32))
    assert "floating-point" in refusal(save(image, tmp_path / "float.tif"))
    assert "LAB" in refusal(save(Image.new("LAB", (WIDTH, HEIGHT)), tmp_path / "lab.tif"))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_rgb_profile_is_kept_and_pixels_are_left_alone(tmp_path: Path, suffix: str) -> None:
    plain = load_photo(save(Image.fromarray(picture()), tmp_path / f"plain.{suffix}"))
    path = save(Image.fromarray(picture()), tmp_path / f"wide.{suffix}", icc_profile=srgb_profile())
    photo = load_photo(path)
    assert photo.icc_profile == srgb_profile()
    assert photo.notices == ()
    np.testing.assert_array_equal(photo.pixels, plain.pixels)


@pytest.mark.parametrize("deep", [False, True])
def test_grey_profile_is_applied_and_dropped(tmp_path: Path, deep: bool) -> None:
    values = np.full((HEIGHT, WIDTH), 55 * 257 if deep else 55, np.uint16 if deep else np.uint8)
    photo = load_photo(save(Image.fromarray(values), tmp_path / "grey.png", icc_profile=grey_profile()))
    assert photo.grey
    assert photo.icc_profile is None
    assert photo.notices == ()
    # linear 55/255 = 0.2157 is 0.5019 in sRGB
    np.testing.assert_allclose(photo.pixels, 128, atol=1)
    assert np.ptp(photo.pixels) == 0


def test_grey_profile_leaves_alpha_alone(tmp_path: Path) -> None:
    path = save(Image.new("LA", (WIDTH, HEIGHT), (55, 60)), tmp_path / "la.png", icc_profile=grey_profile())
    photo = load_photo(path)
    assert photo.alpha is not None
    assert set(np.unique(photo.alpha)) == {60}
    assert abs(int(photo.pixels[0, 0, 0]) - 128) <= 1


def test_srgb_profile_on_grey_changes_nothing(tmp_path: Path) -> None:
    values = picture()[..., 0]
    photo = load_photo(save(Image.fromarray(values), tmp_path / "grey.png", icc_profile=srgb_profile()))
    assert photo.icc_profile is None
    np.testing.assert_array_equal(photo.pixels[..., 1], values)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_goes_through_its_profile(tmp_path: Path, suffix: str) -> None:
    image = Image.new("CMYK", (WIDTH, HEIGHT), (255, 0, 0, 0))
    plain = load_photo(save(image, tmp_path / f"plain.{suffix}"))
    red, green, blue = plain.pixels[5, 5].tolist()
    assert red < 20
    assert min(green, blue) > 200
    photo = load_photo(save(image, tmp_path / f"profile.{suffix}", icc_profile=cmyk_profile()))
    assert photo.icc_profile is None
    assert photo.notices == ()
    red, green, blue = photo.pixels[5, 5].tolist()
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200, srgb_profile()[:150], cmyk_profile()], ids=len)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_broken_or_foreign_profile_is_ignored_with_a_notice(tmp_path: Path, mode: str, profile: bytes) -> None:
    if mode == "CMYK" and profile == cmyk_profile():
        profile = srgb_profile()
    image = Image.fromarray(picture()).convert(mode)
    plain = load_photo(save(image, tmp_path / "plain.jpg"))
    photo = load_photo(save(image, tmp_path / "odd.jpg", icc_profile=profile))
    assert photo.icc_profile is None
    assert "profile" in photo.notices[0]
    np.testing.assert_array_equal(photo.pixels, plain.pixels)


def test_profile_of_absurd_size_is_ignored() -> None:
    image = Image.fromarray(picture())
    image.info["icc_profile"] = srgb_profile() + b"\0" * (9 << 20)
    photo = photo_from_pil(image)
    assert photo.icc_profile is None
    assert len(photo.notices) == 1
