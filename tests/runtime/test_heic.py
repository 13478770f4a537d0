"""HEIC: read with pillow-heif, named where that is missing; AVIF beside it needs no package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, features

from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.photo import load_photo

HEADS = [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"]


def picture() -> npt.NDArray[np.uint8]:
    rows, columns = np.mgrid[0:64, 0:96]
    return np.stack([columns * 2, rows * 3, (columns + rows) // 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize("head", HEADS)
def test_without_the_package_the_install_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "photo.jpg").write_bytes(head)
    with pytest.raises(MissingDependencyError, match=r"HEIC .*pip install 'portraitlite\[heif\]'") as caught:
        load_photo(tmp_path / "photo.jpg")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_is_read_upright_with_its_metadata(tmp_path: Path, orientation: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC needs the heif extra")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    path = tmp_path / "photo.heic"
    image = Image.fromarray(picture())
    words = b'<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Sea</dc:title>'
    xmp = b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description>%s</r:Description></r:RDF>'
    pillow_heif.from_pillow(image).save(path, quality=95, exif=exif.tobytes(), xmp=xmp % words)
    photo = load_photo(path)
    expected = picture() if orientation == 1 else np.rot90(picture(), -1)
    assert photo.pixels.shape == expected.shape
    assert np.abs(photo.pixels.astype(int) - expected).mean() < 4
    assert b"Maker" in (photo.exif or b"")
    assert b"Sea" in (photo.xmp or b"")
    assert photo.notices == ()


def test_extra_heic_pictures_are_named(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC needs the heif extra")
    film = pillow_heif.from_pillow(Image.fromarray(picture()))
    film.add_from_pillow(Image.new("RGB", (96, 64), "blue"))
    film.save(tmp_path / "two.heic")
    assert load_photo(tmp_path / "two.heic").notices == (
        "1 embedded extra picture(s) (gain map, depth or second view) are left out",
    )


def test_damaged_heic_gives_one_line(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC needs the heif extra")
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(Image.fromarray(picture())).save(path)
    data = path.read_bytes()
    for share in (0.05, 0.3, 0.9):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(InputError, match="damaged") as caught:
            load_photo(path)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif_is_read_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(picture())
    image.save(tmp_path / "photo.avif", quality=95, exif=exif.tobytes())
    image.save(tmp_path / "photo.png", exif=exif.tobytes())
    photo, expected = load_photo(tmp_path / "photo.avif"), load_photo(tmp_path / "photo.png")
    assert photo.pixels.shape == expected.pixels.shape
    assert np.abs(photo.pixels.astype(int) - expected.pixels).mean() < 4
