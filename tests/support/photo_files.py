"""Pictures, files and checks that the tests of loading and saving photos share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.photo import Photo, load_photo

__all__ = ["HEIGHT", "WIDTH", "check_contract", "picture", "refusal", "save", "srgb_profile"]

WIDTH, HEIGHT = 48, 40


def picture(width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """(height, width, 3) uint8: a smooth gradient without any symmetry."""
    rows, columns = np.mgrid[0:height, 0:width]
    channels = [columns * 200 // width, rows * 200 // height, (columns + 2 * rows) * 80 // (width + height)]
    return np.stack(channels, axis=2).astype(np.uint8)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


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
