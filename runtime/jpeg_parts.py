"""What a JPEG file holds beside its picture: XMP in one or many pieces, EXIF, and the bytes behind the picture's end.

Sources: ITU-T T.81 annex B (markers); XMP specification part 3, 1.1.3.1 (extended XMP in JPEG).
"""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Iterator

from portraitlite.runtime.exif import EXIF_PREFIX

__all__ = ["JPEG_START", "JpegParts", "read_jpeg_parts"]

JPEG_START = b"\xff\xd8\xff"
MAX_EXTENDED_BYTES = 64 << 20

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD = struct.Struct(">32sII")  # identity of the packet, its length, where this piece belongs
_APP1, _END = 0xE1, 0xD9
# Not stuffing, padding or the markers without a length, all of which stand in entropy-coded data.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


@dataclasses.dataclass(frozen=True)
class JpegParts:
    """Parts of one file.

    Attributes:
        packets: XMP, the main one first.
        exif: a TIFF-style block; None if there is none.
        end: offset behind the first picture; what follows belongs to further ones.
    """

    packets: tuple[bytes, ...]
    exif: bytes | None
    end: int


def read_jpeg_parts(data: bytes) -> JpegParts:
    """Walk through a JPEG file.

    Raises:
        ValueError: no JPEG, cut off, or with extended XMP that is incomplete or larger than 64 MiB.
    """
    packets: list[bytes] = []
    pieces: dict[bytes, dict[int, bytes]] = {}
    lengths: dict[bytes, int] = {}
    exif: bytes | None = None
    end = 0
    for marker, body, behind in _segments(data):
        end = behind
        if marker != _APP1:
            continue
        if body.startswith(_XMP):
            packets.append(body[len(_XMP) :])
        elif body.startswith(EXIF_PREFIX) and exif is None:
            exif = body[len(EXIF_PREFIX) :]
        elif body.startswith(_EXTENDED) and len(body) >= len(_EXTENDED) + _EXTENDED_HEAD.size:
            identity, length, offset = _EXTENDED_HEAD.unpack_from(body, len(_EXTENDED))
            if length > MAX_EXTENDED_BYTES:
                raise ValueError(f"its extended XMP claims {length} bytes")
            lengths[identity] = length
            pieces.setdefault(identity, {})[offset] = body[len(_EXTENDED) + _EXTENDED_HEAD.size :]
    for identity, length in lengths.items():
        # The main packet names the one that belongs to it; others are left over from editing.
        if packets and identity in packets[0]:
            packets.append(_joined(pieces[identity], length))
    return JpegParts(tuple(packets), exif, end)


def _joined(pieces: dict[int, bytes], length: int) -> bytes:
    whole = bytearray()
    for offset in sorted(pieces):
        if offset != len(whole):
            raise ValueError("its extended XMP is incomplete")
        whole += pieces[offset]
    if len(whole) != length:
        raise ValueError("its extended XMP is incomplete")
    return bytes(whole)


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(marker, content, offset behind it) up to the picture's end; entropy-coded data is skipped."""
    if not data.startswith(JPEG_START):
        raise ValueError("it is no JPEG")
    at = 2
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            raise ValueError("it is cut off")
        marker, at = data[found.end() - 1], found.end()
        if marker == _END:
            yield marker, b"", at
            return
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise ValueError("it is cut off")
        yield marker, data[at + 2 : at + length], at + length
        at += length
