"""Loading: every mode, orientation and profile; hostile files give one line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageOps, features

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import MAX_PIXELS, MIN_SIDE, Photo, load_photo, photo_from_array, photo_from_pil

PHOTOS = sorted((Path(__file__).parents[2] / "examples" / "photos").glob("*.jpg"))
WIDTH, HEIGHT = 48, 40


def picture(width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """A smooth gradient without any symmetry."""
    rows, columns = np.mgrid[0:height, 0:width]
    channels = [columns * 200 // width, rows * 200 // height, (columns + 2 * rows) * 80 // (width + height)]
    return np.stack(channels, axis=2).astype(np.uint8)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


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


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def refusal(path: Path) -> str:
    """The message of the refusal, which is one line and names the file."""
    with pytest.raises(InputError) as caught:
        load_photo(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def check_contract(photo: Photo) -> None:
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (photo.height, photo.width, 3)
    assert photo.pixels.flags.c_contiguous
    assert photo.alpha is None or (photo.alpha.dtype == np.uint8 and photo.alpha.shape == photo.pixels.shape[:2])


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.name)
def test_example_photos_decode_as_pillow_does(path: Path) -> None:
    photo = load_photo(path)
    check_contract(photo)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.source == str(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(Image.fromarray(picture()), tmp_path / f"turned.{suffix}", exif=exif.tobytes(), **options)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    photo = load_photo(path)
    check_contract(photo)
    np.testing.assert_array_equal(photo.pixels, expected)
    assert (photo.width > photo.height) == (orientation < 5)


def test_strips_join_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portraitlite.runtime.decode._STRIP_PIXELS", 7 * WIDTH)
    exif = Image.Exif()
    exif[0x0112] = 7
    image = Image.fromarray(np.dstack([picture(), picture()[..., 0]]))
    image.info["exif"] = exif.tobytes()
    photo = photo_from_pil(image)
    expected = np.asarray(image.transpose(Image.Transpose.TRANSVERSE))
    np.testing.assert_array_equal(photo.pixels, expected[..., :3])
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, expected[..., 3])


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


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif", "png"])
def test_first_frame_of_many(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(frames[0], tmp_path / f"film.{suffix}", save_all=True, append_images=frames[1:], **options)
    photo = load_photo(path)
    assert photo.notices == ("only the first of 3 frames is used",)
    assert photo.pixels[3, 3].tolist() == [255, 0, 0]


def test_multi_picture_jpeg(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (WIDTH, HEIGHT), "red"), Image.new("RGB", (WIDTH, HEIGHT), "blue")
    path = save(first, tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=[second])
    photo = load_photo(path)
    assert photo.notices == ("1 embedded extra picture(s) (gain map, depth or second view) are left out",)
    assert photo.pixels[3, 3, 0] > 250


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
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
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


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif(tmp_path: Path) -> None:
    photo = load_photo(save(Image.fromarray(picture()), tmp_path / "a.avif", quality=95))
    assert np.abs(photo.pixels.astype(int) - picture()).mean() < 4


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


def test_array() -> None:
    photo = photo_from_array(picture())
    check_contract(photo)
    np.testing.assert_array_equal(photo.pixels, picture())
    check_contract(photo_from_array(picture()[:, ::-1]))


@pytest.mark.parametrize(
    "pixels",
    [
        picture().astype(np.float32),
        picture()[..., 0],
        np.dstack([picture(), picture()[..., :1]]),
        picture()[:31],
        np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (20_000, 20_000, 3)),
    ],
    ids=["float", "grey", "rgba", "small", "large"],
)
def test_unfit_array(pixels: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"the array .*expected"):
        photo_from_array(pixels)
