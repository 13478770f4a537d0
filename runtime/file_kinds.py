"""Files that Pillow does not open by itself: HEIC with the help of a package, the others at least get a name."""

from __future__ import annotations

import importlib
from typing import IO, Any

from PIL import Image

from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["describe", "is_heif", "open_heif"]

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def is_heif(head: bytes) -> bool:
    """Whether a file that starts like this is HEIC (and not AVIF, which is packed in the same way)."""
    compatible = head[16 : int.from_bytes(head[:4], "big")]
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and b"avif" not in compatible


def open_heif(stream: IO[bytes], source: str) -> Image.Image:
    """The primary picture of a HEIC file, upright; 10 and 12 bits become 8.

    Raises:
        MissingDependencyError: pillow-heif is not installed.
        Exception: damaged; of many kinds.
    """
    try:
        pillow_heif: Any = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise MissingDependencyError(
            f"{source} is a HEIC picture and needs pillow-heif to be read: pip install 'portraitlite[heif]'"
        ) from error
    image: Image.Image = pillow_heif.HeifImageFile(stream)
    return image


def describe(head: bytes) -> str:
    """What a file that Pillow does not know is, for people; `head` are its first bytes."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "an AVIF picture, which this Pillow cannot read"
        return "a film, not a picture"
    starts = {
        b"%PDF": "a PDF document",
        b"%!PS": "a PostScript file",
        b"8BPS": "a Photoshop file",
        b"\xff\x0a": "a JPEG XL picture",
        b"\0\0\0\x0cJXL ": "a JPEG XL picture",
        b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    }
    for start, name in starts.items():
        if head.startswith(start):
            return name
    if b"<svg" in head and head.lstrip().startswith(b"<"):
        return "an SVG drawing"
    return "not a picture, or a damaged one"
