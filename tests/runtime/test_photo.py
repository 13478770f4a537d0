"""Loading: orientation, several pictures in a file, arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from photo_files import HEIGHT, WIDTH, check_contract, picture, save
from PIL import Image, ImageOps, features

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import load_photo, photo_from_array, photo_from_pil

PHOTOS = sorted((Path(__file__).parents[2] / "examples" / "photos").glob("*.jpg"))


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.name)
def test_example_photos_decode_as_pillow_does(path: Path) -> None:
    photo = load_photo(path)
    check_contract(photo)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.source == str(path)
    np.testing.assert_array_equal(load_photo(str(path)).pixels, photo.pixels)


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


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif(tmp_path: Path) -> None:
    photo = load_photo(save(Image.fromarray(picture()), tmp_path / "a.avif", quality=95))
    assert np.abs(photo.pixels.astype(int) - picture()).mean() < 4


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
