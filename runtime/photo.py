"""Photos in: any common picture file becomes upright 8-bit RGB, with everything that has to survive a save."""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from portraitlite.runtime.decode import COLOUR_MODES, GREY_MODES, decode_upright
from portraitlite.runtime.errors import InputError, PortraitLiteError
from portraitlite.runtime.exif import EXIF_PREFIX, parse_exif
from portraitlite.runtime.file_kinds import describe, is_heif, open_heif
from portraitlite.runtime.xmp import descriptive_xmp, tells_of_pictures

__all__ = ["MAX_PIXELS", "MIN_SIDE", "Photo", "load_photo", "photo_from_array", "photo_from_pil"]

# Pillow logs some damage before it raises; without any handler Python would print that beside our own message.
logging.getLogger("PIL").addHandler(logging.NullHandler())

MIN_SIDE = 32
MAX_PIXELS = 150_000_000

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")  # JPEG includes MPO, the phones' multi-picture JPEG
_EXPECTED = "expected JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF or HEIC: convert it to JPEG or PNG first"
# Raw files are TIFFs whose first picture is a small preview, so Pillow would open them and give the wrong photo.
_RAW_SUFFIXES = frozenset({".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw"})


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, 0 to 255, C-contiguous, upright (EXIF orientation applied). The colours of
            transparent pixels are those of the file: nothing is composited.
        alpha: (H, W) uint8, 255 opaque; None if the source has no transparency.
        grey: the source had no colour; `pixels` has three equal channels.
        exif: EXIF of the source as a TIFF-style block, as it was (with its old orientation and thumbnail).
        icc_profile: only when it describes `pixels`; None means sRGB.
        xmp: a packet with what people wrote about the photo (title, keywords, rights, ...); None if there is none.
        source: the name used in messages.
        notices: one-line remarks for the user.
    """

    pixels: npt.NDArray[np.uint8]
    alpha: npt.NDArray[np.uint8] | None = None
    grey: bool = False
    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    source: str = "the photo"
    notices: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def load_photo(path: str | Path) -> Photo:
    """Read a picture file.

    Of an animation or a file with several pictures, the first is used and a notice says so. RGB profiles (Display P3,
    Adobe RGB) are kept and the pixels are left alone; CMYK and grey pictures are converted to sRGB through theirs.
    16-bit pictures are scaled to 8 bits. HEIC needs the package pillow-heif.

    Example:
        >>> from portraitlite.runtime import load_photo
        >>> photo = load_photo("photo.jpg")
        >>> photo.pixels.shape, photo.pixels.dtype, photo.notices
        ((512, 512, 3), dtype('uint8'), ())

    Raises:
        InputError: no file, not a picture of an accepted format, damaged, too small or too large.
        MissingDependencyError: a HEIC picture, and pillow-heif is not installed.
    """
    source, path = str(path), Path(path)
    if path.is_dir():
        raise InputError(f"{source} is a folder, expected a picture file: name a file in it")
    if not path.exists():
        raise InputError(f"{source} does not exist: check the name")
    if not path.is_file():
        raise InputError(f"{source} is not a regular file, expected a picture: save it to a file first")
    if path.suffix.lower() in _RAW_SUFFIXES:
        raise InputError(f"{source} is a camera raw file, {_EXPECTED}")
    head = b""
    try:
        with path.open("rb") as stream:
            head = stream.read(1024)
            if not head:
                raise InputError(f"{source} is empty, expected a picture: copy it again")
            with warnings.catch_warnings():
                # Pillow warns of pictures above its own pixel limit and of odd metadata; both are checked here.
                warnings.simplefilter("ignore")
                image = open_heif(stream, source) if is_heif(head) else Image.open(stream, formats=_FORMATS)
            return photo_from_pil(image, source)
    except UnidentifiedImageError as error:
        raise InputError(f"{source} is {describe(head)}, {_EXPECTED}") from error
    except Image.DecompressionBombError as error:
        claim = re.search(r"\d+", str(error))
        raise InputError(_too_large(source, f"{int(claim.group()):,}" if claim else "too many")) from error
    except PermissionError as error:
        raise InputError(f"{source} may not be read: change its permissions") from error
    except PortraitLiteError:
        raise
    except Exception as error:  # on damaged files Pillow's plugins raise nearly everything
        raise InputError(_damaged(source, error)) from error


def photo_from_pil(image: Image.Image, source: str = "the image") -> Photo:
    """Take over a Pillow image of any mode but F and LAB, as `load_photo` does with a file.

    Raises:
        InputError: damaged, too small, too large, or a mode that has no 8-bit RGB meaning.
    """
    width, height = image.size
    _check_size(source, width, height)
    if image.mode not in GREY_MODES | COLOUR_MODES:
        what = "floating-point pixels" if image.mode == "F" else f"pixels of the kind {image.mode}"
        raise InputError(f"{source} has {what}, expected 8 or 16-bit grey, RGB or CMYK: convert it to 8-bit RGB first")
    notices: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notices += _extra_pictures(image)
            image.load()
            exif, orientation = _read_exif(image, notices)
            pixels, alpha, icc_profile = decode_upright(image, orientation, notices)
            xmp = image.info.get("xmp")
    except InputError as error:
        raise InputError(f"{source} {error}") from error
    except MemoryError as error:
        raise InputError(f"{source} ({width}x{height} pixels) does not fit into memory: use a smaller photo") from error
    except Exception as error:  # on damaged files Pillow's plugins raise nearly everything
        raise InputError(_damaged(source, error)) from error
    words = descriptive_xmp(xmp) if isinstance(xmp, bytes) else None
    return Photo(pixels, alpha, image.mode in GREY_MODES, exif, icc_profile, words, source, tuple(notices))


def photo_from_array(pixels: npt.NDArray[np.uint8], source: str = "the array") -> Photo:
    """Take over an (H, W, 3) uint8 sRGB array; it is copied only when it is not C-contiguous.

    Raises:
        InputError: another shape or type, too small, or too large.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        found = f"{pixels.dtype} of shape {pixels.shape}"
        raise InputError(f"{source} is {found}, expected uint8 of shape (H, W, 3): convert it to 8-bit RGB first")
    height, width = pixels.shape[:2]
    _check_size(source, width, height)
    return Photo(np.ascontiguousarray(pixels), source=source)


def _read_exif(image: Image.Image, notices: list[str]) -> tuple[bytes | None, int]:
    """(TIFF-style block or None, orientation still to be applied)."""
    data = image.info.get("exif")
    try:
        if image.format == "TIFF":  # the fields are the file's own; Pillow has turned the picture while loading
            data = image.getexif().tobytes()
        if not data:
            return None, 1
        block = parse_exif(data)
    except Exception:  # Pillow's EXIF reader raises nearly everything on damaged fields
        notices.append("its EXIF data is damaged and is left out")
        return None, 1
    if not block.complete:
        notices.append("damaged parts of its EXIF data are left out")
    return data.removeprefix(EXIF_PREFIX), block.orientation


def _extra_pictures(image: Image.Image) -> list[str]:
    """A notice of the pictures in the file that are not the photo, and would not fit a changed one."""
    frames = getattr(image, "n_frames", 1)
    if image.format in ("MPO", "HEIF"):
        extra = frames - 1 + len(image.info.get("depth_images", ())) + len(image.info.get("aux", ()))
        kinds = "gain map, depth or second view"
        return [f"{extra} embedded extra picture(s) ({kinds}) are left out"] if extra else []
    if frames > 1:
        return [f"only the first of {frames} frames is used"]
    xmp = image.info.get("xmp")
    if isinstance(xmp, bytes) and tells_of_pictures(xmp):
        return ["its gain map or depth map is left out, as it would not fit a changed picture"]
    return []


def _check_size(source: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(_too_large(source, f"{width}x{height} = {width * height:,}"))
    if min(width, height) < MIN_SIDE:
        found = f"{width}x{height} pixels"
        raise InputError(f"{source} is {found}, expected at least {MIN_SIDE} a side: use a larger photo")


def _too_large(source: str, claim: str) -> str:
    return f"{source} claims {claim} pixels, expected at most {MAX_PIXELS:,}: make it smaller first"


def _damaged(source: str, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"{source} is damaged or cut off ({reason[:120]}), expected a whole picture: copy or export it again"
