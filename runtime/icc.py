"""ICC profiles of pictures that become RGB: which colour space they describe, and the way from there to sRGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

__all__ = ["cmyk_to_srgb", "grey_to_srgb", "profile_space"]

# Printer profiles with large tables reach 3 MB; nothing honest comes near this.
_MAX_PROFILE_BYTES = 8 << 20


def profile_space(data: bytes) -> str | None:
    """ "RGB", "GRAY", "CMYK", ... as the profile's header says; None if the profile cannot be read."""
    return None if _open(data) is None else data[16:20].decode("latin-1").strip()


def grey_to_srgb(data: bytes) -> npt.NDArray[np.uint8] | None:
    """(256,) uint8: the sRGB grey of each grey value under a GRAY or RGB profile; None if it cannot be used."""
    mode = {"GRAY": "L", "RGB": "RGB"}.get(profile_space(data) or "")
    if mode is None:
        return None
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    convert = _to_srgb(data, mode)
    # The three channels may differ by rounding; green is the one that rounds least.
    return None if convert is None else np.asarray(convert(ramp.convert(mode)))[0, :, 1].copy()


def cmyk_to_srgb(data: bytes) -> Callable[[Image.Image], Image.Image] | None:
    """A function from CMYK to sRGB pictures (perceptual intent); None if the profile cannot be used."""
    return _to_srgb(data, "CMYK")


def _open(data: bytes) -> ImageCms.ImageCmsProfile | None:
    from PIL import ImageCms

    if len(data) > _MAX_PROFILE_BYTES:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except (OSError, ImageCms.PyCMSError):
        return None


def _to_srgb(data: bytes, mode: str) -> Callable[[Image.Image], Image.Image] | None:
    from PIL import ImageCms

    profile = _open(data)
    if profile is None:
        return None
    try:
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except ImageCms.PyCMSError:
        return None

    def convert(picture: Image.Image) -> Image.Image:
        converted: Image.Image = transform.apply(picture)
        return converted

    return convert
