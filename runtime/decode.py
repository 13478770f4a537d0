"""A loaded Pillow image of any mode becomes upright 8-bit RGB arrays.

Works in strips, so that a large photo is held once by Pillow and once by numpy, whatever its mode and orientation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.icc import cmyk_to_srgb, grey_to_srgb, profile_space

__all__ = ["COLOUR_MODES", "GREY_MODES", "decode_upright"]

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"})
_DEEP_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
COLOUR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV", "CMYK"})
_STRIP_PIXELS = 1 << 20

# orientation -> (flip rows, flip columns, then swap the axes): the way from the upright to the stored picture
_TO_STORED = {
    1: (False, False, False),
    2: (False, True, False),
    3: (True, True, False),
    4: (True, False, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}

_Decoder = Callable[[Image.Image], npt.NDArray[np.uint8]]


def decode_upright(
    image: Image.Image, orientation: int, notices: list[str]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None, bytes | None]:
    """Turn a loaded image of GREY_MODES or COLOUR_MODES into (pixels, alpha, profile that describes them).

    pixels (H, W, 3) uint8 RGB and alpha (H, W) uint8 or None, both after `orientation` (EXIF, 1 to 8) was applied.
    Remarks for the user are added to `notices`.

    Raises:
        InputError: grey values beyond 16 bits; the message lacks the name of the photo.
    """
    profile, decode = _colour(image, notices)
    width, height = image.size
    flip_rows, flip_columns, swap = _TO_STORED[orientation]
    shape = (width, height) if swap else (height, width)

    def stored_view(upright: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        view = upright[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        return view.swapaxes(0, 1) if swap else view

    pixels = np.empty((*shape, 3), np.uint8)
    alpha: npt.NDArray[np.uint8] | None = None
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = decode(image.crop((0, top, width, bottom)))
        stored_view(pixels)[top:bottom] = strip[..., :3]
        if strip.shape[2] == 4:
            alpha = np.empty(shape, np.uint8) if alpha is None else alpha
            stored_view(alpha)[top:bottom] = strip[..., 3]
    return pixels, alpha, profile


def _colour(image: Image.Image, notices: list[str]) -> tuple[bytes | None, _Decoder]:
    """(profile to keep, function from a strip of the image to (h, w, 3) or (h, w, 4) uint8)."""
    decode = _strip_decoder(image)
    profile = image.info.get("icc_profile")
    if not profile:
        return None, decode
    if image.mode in GREY_MODES:
        curve = grey_to_srgb(profile)
        if curve is not None:
            return None, lambda strip: _through_curve(decode(strip), curve)
    elif image.mode == "CMYK":
        convert = cmyk_to_srgb(profile)
        if convert is not None:
            return None, lambda strip: np.asarray(convert(strip))
    elif profile_space(profile) == "RGB":
        return profile, decode
    notices.append("its colour profile is damaged or of another colour space and is ignored")
    return None, decode


def _strip_decoder(image: Image.Image) -> _Decoder:
    if image.mode in _DEEP_MODES:
        return _deep_strip
    return _rgba_strip if image.has_transparency_data else _rgb_strip


def _through_curve(values: npt.NDArray[np.uint8], curve: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.concatenate([curve[values[..., :3]], values[..., 3:]], axis=2)


def _rgb_strip(strip: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))


def _rgba_strip(strip: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray((strip.convert("LA") if strip.mode == "La" else strip).convert("RGBA"))


def _deep_strip(strip: Image.Image) -> npt.NDArray[np.uint8]:
    values = np.asarray(strip).astype(np.int64)
    if values.min() < 0 or values.max() > 65_535:
        raise InputError("has grey values outside 0 to 65535, expected 8 or 16 bits: convert it to 8-bit grey first")
    return np.repeat(((values * 255 + 32_767) // 65_535).astype(np.uint8)[..., None], 3, axis=2)
