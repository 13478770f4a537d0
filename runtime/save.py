"""Pictures out: whole files or none, with the photo's profile and EXIF and without any copy of the sharp original."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.exif import EXIF_PREFIX, parse_exif, serialise_exif
from portraitlite.runtime.photo import Photo

__all__ = [
    "check_output",
    "check_target",
    "part_prefix",
    "remove_leftovers",
    "save_gray",
    "save_photo",
    "whole_file",
    "write_atomically",
]

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
_THUMBNAIL_BOX = (160, 120)  # what the EXIF standard asks for
_STRIP_ROWS = 256
_TIFF_XMP = 700  # the tag of the XMP packet


def check_output(path: Path, *, force: bool) -> None:
    """Refuse an output picture that could not be written later; call it before the work.

    Raises:
        InputError: unknown suffix, a folder, an existing file without `force`, or a parent folder that is missing or
            cannot be written.
    """
    _format(path)
    check_target(path, force=force)


def check_target(path: Path, *, force: bool) -> None:
    """Refuse an output file of any kind that could not be written later; call it before the work.

    Raises:
        InputError: as `check_output`, but any suffix is fine.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a file name: name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"the output's folder {path.parent} does not exist: create it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"the output's folder {path.parent} cannot be written: choose another one")
    if path.exists() and not force:
        raise InputError(f"{path} exists already: choose another name or overwrite it with --force")


def save_photo(
    path: Path, pixels: npt.NDArray[np.uint8], like: Photo, *, force: bool = False, quality: int = 95
) -> None:
    """Write (H, W, 3) uint8 RGB pixels in the colour space of `like`, as JPEG (4:4:4), PNG, WebP or TIFF by suffix.

    The ICC profile of `like` is kept. Its EXIF is kept with orientation 1, the new size and a thumbnail of `pixels`
    (TIFF: without thumbnail and interoperability fields). Its XMP is kept as far as people wrote it. MakerNote,
    previews and all other metadata of the source are left out, as they may show the original. The alpha of `like` is
    attached again; JPEG, which has none, gets the pixels composited over white. Grey photos whose pixels are still
    grey are written as one channel.

    Args:
        path: of the file; its folder must exist.
        pixels: (H, W, 3) uint8 RGB; of the size of `like` where that has alpha, else of any size.
        like: the photo that the pixels were made from.
        force: overwrite an existing file.
        quality: 1 to 100, of JPEG and WebP.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.runtime import load_photo, save_photo
        >>> photo = load_photo("photo.jpg")
        >>> save_photo(Path("negative.png"), 255 - photo.pixels, photo)

    Raises:
        InputError: the file cannot be written, the arrays do not fit, or the picture is too large for the format.
    """
    image_format = _format(path)
    _check_arrays(path, pixels, like, image_format, quality)
    with whole_file(path, force=force) as stream:
        image = _compose(pixels, like, opaque=image_format == "JPEG")
        options: dict[str, Any] = {}
        if image_format in ("JPEG", "WEBP"):
            options["quality"] = quality
        if image_format == "JPEG":
            options["subsampling"] = 0
        if like.icc_profile:
            options["icc_profile"] = like.icc_profile
        exif = _new_exif(like.exif, image, image_format)
        if exif:
            options["exif"] = EXIF_PREFIX + exif
        if like.xmp:
            options |= _xmp_options(like.xmp, image_format)
        image.save(stream, format=image_format, **options)


def save_gray(path: Path, mask: npt.NDArray[np.uint8], *, force: bool = False) -> None:
    """Write an (H, W) uint8 mask without loss: PNG, WebP or TIFF by suffix.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.runtime import Segmenter, load_photo, save_gray
        >>> save_gray(Path("mask.png"), Segmenter()(load_photo("photo.jpg")).photo_mask("person"))

    Raises:
        InputError: a lossy or unknown suffix, another array, or the file cannot be written.
    """
    image_format = _format(path)
    if image_format == "JPEG":
        raise InputError(f"{path} would be a JPEG, which changes the values of a mask: use .png, .webp or .tif")
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise InputError(f"the mask for {path} is {mask.dtype} of shape {mask.shape}, expected uint8 of shape (H, W)")
    _check_side(path, mask.shape[1], mask.shape[0], image_format)
    with whole_file(path, force=force) as stream:
        options: dict[str, Any] = {"lossless": True} if image_format == "WEBP" else {}
        Image.fromarray(mask).save(stream, format=image_format, **options)


def write_atomically(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write a file of any kind whole or not at all.

    Raises:
        InputError: as `check_output`, but any suffix is fine.
    """
    with whole_file(path, force=force) as stream:
        stream.write(data)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left of its attempt to write `path`. Nobody may be writing it at the same time."""
    with contextlib.suppress(OSError):
        for part in path.parent.glob(f"{part_prefix(path)}*.part"):
            part.unlink(missing_ok=True)


def part_prefix(path: Path) -> str:
    """How the names of unfinished files and folders beside `path` begin: a later run knows them by it."""
    # A digest, as a name of the greatest length has no room for more.
    return f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}-"


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its place at the end, or disappears on any failure.

    Raises:
        InputError: as `check_target`, or it cannot be written.
    """
    check_target(path, force=force)
    part = path.with_name(f"{part_prefix(path)}{secrets.token_hex(8)}.part")
    try:
        try:
            with part.open("x+b") as stream:
                yield stream
            os.replace(part, path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"{path} cannot be written ({reason}): free some space or choose another place") from error
    finally:
        part.unlink(missing_ok=True)


def _format(path: Path) -> str:
    image_format = _FORMATS.get(path.suffix.lower())
    if image_format is None:
        found = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise InputError(f"the output {path} {found}, expected one of {', '.join(_FORMATS)}: rename it")
    return image_format


def _check_side(path: Path, width: int, height: int, image_format: str) -> None:
    limit = _MAX_SIDE.get(image_format)
    if limit is not None and max(width, height) > limit:
        raise InputError(f"{path} would be {width}x{height}, {image_format} holds {limit} pixels a side: use .png")


def _check_arrays(path: Path, pixels: npt.NDArray[np.uint8], like: Photo, image_format: str, quality: int) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        found = f"{pixels.dtype} of shape {pixels.shape}"
        raise InputError(f"the pixels for {path} are {found}, expected uint8 of shape (H, W, 3)")
    if like.alpha is not None and like.alpha.shape != pixels.shape[:2]:
        found, expected = (f"{shape[1]}x{shape[0]}" for shape in (pixels.shape, like.alpha.shape))
        raise InputError(f"the pixels for {path} are {found}, expected the size of the photo's alpha, {expected}")
    if not 1 <= quality <= 100:
        raise InputError(f"quality is {quality}, expected 1 to 100")
    _check_side(path, pixels.shape[1], pixels.shape[0], image_format)


def _compose(pixels: npt.NDArray[np.uint8], like: Photo, *, opaque: bool) -> Image.Image:
    alpha = like.alpha
    if alpha is not None and opaque:
        pixels, alpha = _over_white(pixels, alpha), None
    # A profile belongs to RGB; greys have none left after loading.
    if like.grey and like.icc_profile is None and _is_grey(pixels):
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0]))
    else:
        image = Image.fromarray(pixels)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    return image


def _is_grey(pixels: npt.NDArray[np.uint8]) -> bool:
    return all(
        bool((strip == strip[..., :1]).all())
        for strip in (pixels[top : top + _STRIP_ROWS] for top in range(0, len(pixels), _STRIP_ROWS))
    )


def _over_white(pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    composited = np.empty_like(pixels)
    for top in range(0, len(pixels), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        share = alpha[rows, :, None].astype(np.uint16)
        composited[rows] = (pixels[rows] * share + 255 * (255 - share) + 127) // 255
    return composited


def _new_exif(exif: bytes | None, image: Image.Image, image_format: str) -> bytes | None:
    if not exif:
        return None
    try:
        block = parse_exif(exif)
    except ValueError:
        return None
    if image_format == "TIFF":
        # Pillow weaves the fields into the file's own directory: no thumbnail, and a wrong pointer to `interop`.
        return serialise_exif(replace(block, interop={}), *image.size, thumbnail=b"")
    return serialise_exif(block, *image.size, thumbnail=_thumbnail(image))


def _xmp_options(xmp: bytes, image_format: str) -> dict[str, Any]:
    if image_format == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return {"pnginfo": text}
    return {"tiffinfo": {_TIFF_XMP: xmp}} if image_format == "TIFF" else {"xmp": xmp}


def _thumbnail(image: Image.Image) -> bytes:
    scale = min(1.0, *(limit / side for limit, side in zip(_THUMBNAIL_BOX, image.size, strict=True)))
    width, height = (max(1, int(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    stream = io.BytesIO()
    small.convert("L" if small.mode in ("L", "LA") else "RGB").save(stream, format="JPEG", quality=80)
    return stream.getvalue()
