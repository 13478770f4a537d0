"""Depth maps from files: grey pictures, a sensor's distances, and what a phone puts into its photos."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.depth import STORED_SIDE, DepthConvention, DepthMap, reduce_map
from portraitlite.runtime.depth_holes import fill_depth_holes
from portraitlite.runtime.depth_photo import LEAST_CONFIDENCE, MAX_DEPTH_PIXELS, read_phone_depth
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.jpeg_parts import JPEG_START

__all__ = ["load_depth", "load_photo_depth"]

Floats = npt.NDArray[np.float32]

MAX_PHOTO_BYTES = 256 << 20
LEAST_MM = 100  # no phone's camera focuses nearer; sensors put holes and errors there

_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I")
_SENSORS = (DepthConvention.MILLIMETRES, DepthConvention.DEPTH16)


def load_depth(path: Path, convention: DepthConvention = DepthConvention.NEAR_WHITE) -> DepthMap:
    """Read a grey PNG or TIFF, or the depth map inside a phone's JPEG; its farthest and nearest value become 0 and 1.

    What a JPEG's values mean it says itself: `convention` is for pictures alone. Samples that a phone does not know or
    does not trust are filled from their neighbours.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.runtime import load_depth
        >>> load_depth(Path("depth.png")).nearness.dtype
        dtype('float32')

    Raises:
        InputError: no file, no such picture, damaged, in colour, too large, all of one value, or a JPEG without depth.
    """
    if not path.is_file():
        raise InputError(f"the depth map {path} does not exist or is no file; give a grey PNG or TIFF")
    with _readable(path):
        if _is_jpeg(path):
            return _stretched(path, _from_photo(path))
        with Image.open(path, formats=("PNG", "TIFF")) as image:
            return _stretched(path, _from_picture(path, image, convention))


def load_photo_depth(path: Path) -> DepthMap:
    """The depth map that a phone put into the JPEG of a photo; turned upright as the photo is.

    Raises:
        InputError: no such file, another kind of file, or no depth map in it that can be used.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: check the name")
    with _readable(path):
        if not _is_jpeg(path):
            raise InputError(f"{path} is no JPEG, and only those hold a phone's depth map: give the original photo")
        return _stretched(path, _from_photo(path))


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes a decoder raise becomes one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not matter here, sizes are checked
            yield
    except InputError:
        raise
    except Exception as error:  # on damaged files Pillow's plugins raise nearly everything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        expected = "give an 8 or 16-bit grey PNG, or a JPEG in which a phone put a depth map"
        raise InputError(f"the depth map {path} cannot be read ({reason}); {expected}") from error


def _is_jpeg(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(JPEG_START)) == JPEG_START


def _stretched(path: Path, nearness: Floats) -> DepthMap:
    low, high = float(nearness.min()), float(nearness.max())
    if low == high:
        level = f"{abs(low):g}" if abs(low) >= 1 else "of one distance"
        raise InputError(f"the depth map {path} is {level} everywhere; it must tell near from far")
    return DepthMap((nearness - np.float32(low)) / np.float32(high - low))


def _from_photo(path: Path) -> Floats:
    if path.stat().st_size > MAX_PHOTO_BYTES:
        raise ValueError(f"it is larger than {MAX_PHOTO_BYTES >> 20} MB")
    found = read_phone_depth(path.read_bytes())
    return _reduced(found.nearness, found.trust)


def _from_picture(path: Path, image: Image.Image, convention: DepthConvention) -> Floats:
    if image.width * image.height > MAX_DEPTH_PIXELS:
        found = f"{image.width}x{image.height} pixels"
        raise InputError(f"the depth map {path} has {found}; {STORED_SIDE} a side are enough, make it smaller")
    if image.mode != "L" and image.mode not in _DEEP_MODES:
        raise InputError(f"the depth map {path} has {image.mode} pixels, expected 8 or 16-bit grey: convert it first")
    if convention in _SENSORS:
        if image.mode == "L":
            raise InputError(f"the depth map {path} has 8 bits, expected 16 for {convention.value}: give the original")
        return _reduced(*_sensor(np.asarray(image).astype(np.int64), convention))
    values = reduce_map(image.convert("F"))
    return values if convention is DepthConvention.NEAR_WHITE else -values


def _sensor(stored: npt.NDArray[np.int64], convention: DepthConvention) -> tuple[Floats, Floats]:
    """Distances in millimetres -> (nearness, trust).

    Of DEPTH16 (android.graphics.ImageFormat) the upper three bits are the confidence: 0 is full, 1 is none, 2 to 7 are
    1/7 to 6/7; the lower thirteen are the distance.
    """
    distance, trust = stored, np.ones(stored.shape, np.float32)
    if convention is DepthConvention.DEPTH16:
        confidence = (stored >> 13) & 7
        trust = np.where(confidence == 0, 1.0, (confidence - 1) / 7).astype(np.float32)
        distance = stored & 0x1FFF
    trust = np.where((distance < LEAST_MM) | (trust < LEAST_CONFIDENCE), np.float32(0), trust)
    return (1 / np.maximum(distance, LEAST_MM)).astype(np.float32), trust


def _reduced(nearness: Floats, trust: Floats) -> Floats:
    """At most STORED_SIDE a side, without holes."""
    if not trust.any():
        raise ValueError("it consists of holes: no sample is trusted")
    if trust.min() == 1:
        return reduce_map(Image.fromarray(nearness))
    # Beside a hole only what is known may count.
    weight = reduce_map(Image.fromarray(trust))
    mean = reduce_map(Image.fromarray(nearness * trust)) / np.maximum(weight, np.float32(math.ulp(1.0)))
    return fill_depth_holes(mean.astype(np.float32), weight)
