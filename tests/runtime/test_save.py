"""Saving: whole files or none, pixels as they are."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photo_files import picture
from PIL import Image

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import Photo, load_photo, photo_from_array
from portraitlite.runtime.save import check_output, save_gray, save_photo, write_atomically

WIDTH, HEIGHT = 240, 160


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff", "PNG"])
def test_lossless_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    save_photo(path, picture(WIDTH, HEIGHT), photo_from_array(picture(WIDTH, HEIGHT)))
    np.testing.assert_array_equal(load_photo(path).pixels, picture(WIDTH, HEIGHT))


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "JPG", "webp"])
def test_lossy_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    save_photo(path, picture(WIDTH, HEIGHT), photo_from_array(picture(WIDTH, HEIGHT)))
    error = np.abs(load_photo(path).pixels.astype(int) - picture(WIDTH, HEIGHT))
    assert error.mean() < 2
    assert error.max() < 25


def test_jpeg_keeps_full_colour_resolution_and_obeys_quality(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255
    save_photo(tmp_path / "a.jpg", stripes, photo_from_array(stripes))
    assert np.abs(load_photo(tmp_path / "a.jpg").pixels.astype(int) - stripes).max() < 40
    save_photo(tmp_path / "b.jpg", stripes, photo_from_array(stripes), quality=20)
    assert (tmp_path / "b.jpg").stat().st_size < (tmp_path / "a.jpg").stat().st_size
    with pytest.raises(InputError, match="quality is 0"):
        save_photo(tmp_path / "c.jpg", stripes, photo_from_array(stripes), quality=0)


def test_slices_are_saved_as_they_look(tmp_path: Path) -> None:
    mirrored = picture(WIDTH, HEIGHT)[:, ::-1]
    save_photo(tmp_path / "a.png", mirrored, photo_from_array(mirrored))
    np.testing.assert_array_equal(load_photo(tmp_path / "a.png").pixels, mirrored)


def test_alpha_is_attached_again_or_composited_over_white(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:80, :120] = 0
    alpha[80:, :120] = 128
    pixels = np.full((HEIGHT, WIDTH, 3), (200, 100, 0), np.uint8)
    photo = replace(photo_from_array(pixels), alpha=alpha)
    for suffix in ("png", "tif", "webp"):
        save_photo(tmp_path / f"a.{suffix}", pixels, photo)
        kept = load_photo(tmp_path / f"a.{suffix}").alpha
        assert kept is not None
        np.testing.assert_array_equal(kept, alpha)
    save_photo(tmp_path / "a.jpg", pixels, photo)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"
        for at, expected in {(20, 20): (255, 255, 255), (20, 150): (227, 177, 127), (200, 20): (200, 100, 0)}.items():
            np.testing.assert_allclose(image.getpixel(at), expected, atol=3)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_grey_stays_grey_unless_it_was_coloured(tmp_path: Path, suffix: str) -> None:
    grey = np.repeat(picture(WIDTH, HEIGHT)[..., :1], 3, axis=2)
    photo = replace(photo_from_array(grey), grey=True)
    save_photo(tmp_path / f"a.{suffix}", grey, photo)
    tinted = grey.copy()
    tinted[-1, -1, 2] = 255 - tinted[-1, -1, 2]
    save_photo(tmp_path / f"b.{suffix}", tinted, photo)
    save_photo(tmp_path / f"c.{suffix}", grey, replace(photo, grey=False))
    modes = []
    for name in "abc":
        with Image.open(tmp_path / f"{name}.{suffix}") as image:
            modes.append(image.mode)
    assert modes == ["L", "RGB", "RGB"]


def test_grey_with_alpha(tmp_path: Path) -> None:
    grey = np.repeat(picture(WIDTH, HEIGHT)[..., :1], 3, axis=2)
    photo = Photo(grey, alpha=picture(WIDTH, HEIGHT)[..., 1], grey=True)
    save_photo(tmp_path / "a.png", grey, photo)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "LA"


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_mask_is_saved_without_loss(tmp_path: Path, suffix: str) -> None:
    mask = picture(WIDTH, HEIGHT)[..., 0]
    save_gray(tmp_path / f"mask.{suffix}", mask)
    with Image.open(tmp_path / f"mask.{suffix}") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("L")), mask)


def test_unfit_masks(tmp_path: Path) -> None:
    mask = picture(WIDTH, HEIGHT)[..., 0]
    with pytest.raises(InputError, match=r"JPEG.*use \.png"):
        save_gray(tmp_path / "mask.jpg", mask)
    with pytest.raises(InputError, match=r"float32.*expected uint8"):
        save_gray(tmp_path / "mask.png", mask.astype(np.float32))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="shape"):
        save_gray(tmp_path / "mask.png", picture(WIDTH, HEIGHT))
    assert list(tmp_path.iterdir()) == []


def test_unfit_pixels(tmp_path: Path) -> None:
    photo = replace(photo_from_array(picture(WIDTH, HEIGHT)), alpha=picture(WIDTH, HEIGHT)[..., 0])
    with pytest.raises(InputError, match="expected uint8"):
        save_photo(tmp_path / "a.png", picture(WIDTH, HEIGHT)[..., 0], photo)
    with pytest.raises(InputError, match="240x100, expected the size of the photo's alpha, 240x160"):
        save_photo(tmp_path / "a.png", picture(WIDTH, HEIGHT)[:100], photo)
    wide = np.zeros((32, 16_384, 3), np.uint8)
    with pytest.raises(InputError, match="16383"):
        save_photo(tmp_path / "a.webp", wide, photo_from_array(wide))
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_could_not_be_written_are_refused_early(tmp_path: Path) -> None:
    taken = tmp_path / "taken.png"
    taken.write_bytes(b"mine")
    (tmp_path / "folder.png").mkdir()
    for path, expected in {
        taken: "--force",
        tmp_path / "folder.png": "is a folder",
        tmp_path / "absent" / "a.png": "does not exist",
        taken / "a.png": "does not exist",
        tmp_path / "a.heic": r"ends in '\.heic', expected one of \.jpg",
        tmp_path / "a": "has no suffix",
    }.items():
        with pytest.raises(InputError, match=expected) as caught:
            check_output(path, force=False)
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError, match=expected):
            save_photo(path, picture(WIDTH, HEIGHT), photo_from_array(picture(WIDTH, HEIGHT)))
    check_output(taken, force=True)
    check_output(tmp_path / "new.JPEG", force=False)
    assert taken.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "taken.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / "a.png", force=False)


def test_force_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    save_photo(path, picture(WIDTH, HEIGHT), photo_from_array(picture(WIDTH, HEIGHT)), force=True)
    assert load_photo(path).width == WIDTH
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_any_bytes_are_written_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    write_atomically(path, b"first")
    with pytest.raises(InputError, match="exists already"):
        write_atomically(path, b"second")
    assert path.read_bytes() == b"first"
    write_atomically(path, b"third", force=True)
    assert path.read_bytes() == b"third"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("odd")])
def test_failure_on_the_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    kept = tmp_path / "kept.png"
    kept.write_bytes(b"old")

    def fail(self: Image.Image, stream: io.BufferedRandom, **_: object) -> None:
        stream.write(b"half of it")
        raise failure

    monkeypatch.setattr(Image.Image, "save", fail)
    expected = InputError if isinstance(failure, OSError) else type(failure)
    for path in (kept, tmp_path / "new.png"):
        with pytest.raises(expected) as caught:
            save_photo(path, picture(WIDTH, HEIGHT), photo_from_array(picture(WIDTH, HEIGHT)), force=True)
        if expected is InputError:
            assert "No space left on device" in str(caught.value)
    assert kept.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.png"]
