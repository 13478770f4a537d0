"""An EXIF block without its pictures: read it, take the previews out, put a new thumbnail in.

Pillow keeps unknown tags and cannot write a thumbnail, and cameras hide copies of the photo in many places (IFD1,
MakerNote, SubIFDs, Photoshop resources). So fields are copied byte for byte, but only those of the EXIF standard that
describe a photo, and none that holds a JPEG. Source: CIPA DC-008 (Exif 2.32, 3.0), TIFF 6.0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["EXIF_PREFIX", "MAX_EXIF_BYTES", "ExifBlock", "parse_exif", "serialise_exif"]

EXIF_PREFIX = b"Exif\0\0"
MAX_EXIF_BYTES = 65_533 - len(EXIF_PREFIX)  # the most that one JPEG segment holds

_ORIENTATION = 0x0112
_PHOTO_POINTER = 0x8769
_GPS_POINTER = 0x8825
_INTEROP_POINTER = 0xA005
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}

# Left out on purpose: every tag that can hold or point to a picture, measurements that the new file makes wrong
# (size, strips, compressed bits, subject area in unrotated pixels), and bulky tables nobody reads.
_MAIN_TAGS = frozenset(
    {0x010E, 0x010F, 0x0110, _ORIENTATION, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x013C, 0x013E, 0x013F}
    | {0x0211, 0x0213, 0x4746, 0x4749, 0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F, _PHOTO_POINTER, _GPS_POINTER}
)
_PHOTO_TAGS = frozenset(
    {0x829A, 0x829D, 0x8822, 0x8824, 0x8827, *range(0x8830, 0x8836), 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012}
    | {0x9101, *range(0x9201, 0x920B), 0x9286, 0x9290, 0x9291, 0x9292, *range(0x9400, 0x9406), 0xA000, 0xA001}
    | {_PIXEL_X, _PIXEL_Y, _INTEROP_POINTER, 0xA20B, 0xA20E, 0xA20F, 0xA210, 0xA215, 0xA217, 0xA300, 0xA301}
    | {*range(0xA401, 0xA40B), 0xA40C, 0xA420, *range(0xA430, 0xA43D), 0xA460, 0xA461, 0xA500}
)
_GPS_TAGS = frozenset(range(0x20))
_INTEROP_TAGS = frozenset({1, 2})
_JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True)
class _Field:
    """One directory entry; `value` is in the byte order of its block."""

    kind: int
    count: int
    value: bytes


_Directory = dict[int, _Field]


@dataclass(frozen=True)
class ExifBlock:
    """The kept fields of one block.

    Attributes:
        order: "<" (Intel) or ">" (Motorola), as struct writes them.
        complete: False if damaged fields had to be left out.
    """

    order: str
    main: _Directory
    photo: _Directory
    gps: _Directory
    interop: _Directory
    complete: bool

    @property
    def orientation(self) -> int:
        """1 to 8; 1 (upright) when absent or out of range."""
        field = self.main.get(_ORIENTATION)
        if field is None or field.kind != _SHORT or not field.count:
            return 1
        value = _number(field, self.order)
        return value if 1 <= value <= 8 else 1


def parse_exif(data: bytes) -> ExifBlock:
    """Read a TIFF-style block, with or without the "Exif" prefix of JPEG.

    Raises:
        ValueError: the header or the first directory cannot be read.
    """
    data = data.removeprefix(EXIF_PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        raise ValueError("no TIFF header")
    (start,) = struct.unpack_from(order + "I", data, 4)
    main, complete = _read_directory(data, start, order, _MAIN_TAGS)
    if not main and not complete:
        raise ValueError("no readable directory")

    def follow(directory: _Directory, pointer: int, kept: frozenset[int]) -> _Directory:
        nonlocal complete
        field = directory.pop(pointer, None)
        if field is None:
            return {}
        if len(field.value) != 4:
            complete = False
            return {}
        found, whole = _read_directory(data, _number(field, order), order, kept)
        complete = complete and whole
        return found

    photo = follow(main, _PHOTO_POINTER, _PHOTO_TAGS)
    gps = follow(main, _GPS_POINTER, _GPS_TAGS)
    interop = follow(photo, _INTEROP_POINTER, _INTEROP_TAGS)
    return ExifBlock(order, main, photo, gps, interop, complete)


def serialise_exif(block: ExifBlock, width: int, height: int, thumbnail: bytes) -> bytes:
    """Write the block for an upright picture of width x height pixels, with `thumbnail` (a JPEG) as IFD1.

    At most MAX_EXIF_BYTES, without the "Exif" prefix: the thumbnail goes first when that is too little, then the
    largest fields.
    """
    order = block.order
    main = block.main | {_ORIENTATION: _Field(_SHORT, 1, struct.pack(order + "H", 1))}
    photo = dict(block.photo)
    if photo:
        photo |= {_PIXEL_X: _long(width, order), _PIXEL_Y: _long(height, order)}
    directories = (main, photo, dict(block.gps), dict(block.interop))
    data = _pack(*directories, thumbnail=thumbnail, order=order)
    if len(data) > MAX_EXIF_BYTES:
        data = _pack(*directories, thumbnail=b"", order=order)
    while len(data) > MAX_EXIF_BYTES:
        largest = max(directories, key=lambda each: max((len(field.value) for field in each.values()), default=0))
        del largest[max(largest, key=lambda tag: len(largest[tag].value))]
        data = _pack(*directories, thumbnail=b"", order=order)
    return data


def _number(field: _Field, order: str) -> int:
    return int(struct.unpack_from(order + ("H" if field.kind == _SHORT else "I"), field.value)[0])


def _long(value: int, order: str) -> _Field:
    return _Field(_LONG, 1, struct.pack(order + "I", value))


def _read_directory(data: bytes, start: int, order: str, kept: frozenset[int]) -> tuple[_Directory, bool]:
    """(fields whose tags are kept, whether none of those was damaged)."""
    if start + 2 > len(data):
        return {}, False
    (entries,) = struct.unpack_from(order + "H", data, start)
    fields: _Directory = {}
    complete = True
    for at in range(start + 2, start + 2 + 12 * entries, 12):
        if at + 12 > len(data):
            return fields, False
        tag, kind, count = struct.unpack_from(order + "HHI", data, at)
        if tag not in kept or tag in fields:
            continue
        size = _TYPE_BYTES.get(kind, 0) * count
        (offset,) = (at + 8,) if size <= 4 else struct.unpack_from(order + "I", data, at + 8)
        value = data[offset : offset + size]
        if size == 0 or len(value) < size:
            complete = False
        elif _JPEG_START not in value:
            fields[tag] = _Field(kind, count, value)
    return fields, complete


def _pack(
    main: _Directory, photo: _Directory, gps: _Directory, interop: _Directory, *, thumbnail: bytes, order: str
) -> bytes:
    # The pointers are placeholders until the sizes are known; a pointer lies inside its entry and changes no size.
    pointer = _long(0, order)
    main = main | ({_PHOTO_POINTER: pointer} if photo else {}) | ({_GPS_POINTER: pointer} if gps else {})
    photo = photo | ({_INTEROP_POINTER: pointer} if photo and interop else {})
    main_at = 8
    photo_at = main_at + _packed_bytes(main)
    gps_at = photo_at + _packed_bytes(photo)
    interop_at = gps_at + _packed_bytes(gps)
    preview_at = interop_at + _packed_bytes(interop if photo else {})

    if photo:
        main[_PHOTO_POINTER] = _long(photo_at, order)
    if gps:
        main[_GPS_POINTER] = _long(gps_at, order)
    if photo and interop:
        photo[_INTEROP_POINTER] = _long(interop_at, order)
    parts = [(b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", main_at)]
    parts.append(_pack_directory(main, main_at, order, following=preview_at if thumbnail else 0))
    parts += [_pack_directory(photo, photo_at, order), _pack_directory(gps, gps_at, order)]
    if photo:
        parts.append(_pack_directory(interop, interop_at, order))
    if thumbnail:
        parts.append(_pack_preview(thumbnail, preview_at, order))
    return b"".join(parts)


def _pack_preview(thumbnail: bytes, start: int, order: str) -> bytes:
    dots_per_inch = _Field(_RATIONAL, 1, struct.pack(order + "II", 72, 1))
    fields = {
        0x0103: _Field(_SHORT, 1, struct.pack(order + "H", 6)),  # JPEG
        0x011A: dots_per_inch,
        0x011B: dots_per_inch,
        0x0128: _Field(_SHORT, 1, struct.pack(order + "H", 2)),  # inch
        0x0201: _long(0, order),
        0x0202: _long(len(thumbnail), order),
    }
    fields[0x0201] = _long(start + _packed_bytes(fields), order)
    return _pack_directory(fields, start, order) + thumbnail


def _packed_bytes(fields: _Directory) -> int:
    if not fields:
        return 0
    return 2 + 12 * len(fields) + 4 + sum(len(f.value) + len(f.value) % 2 for f in fields.values() if len(f.value) > 4)


def _pack_directory(fields: _Directory, start: int, order: str, following: int = 0) -> bytes:
    if not fields:
        return b""
    entries = [struct.pack(order + "H", len(fields))]
    values = b""
    values_at = start + 2 + 12 * len(fields) + 4
    for tag in sorted(fields):
        value = fields[tag].value
        entries.append(struct.pack(order + "HHI", tag, fields[tag].kind, fields[tag].count))
        if len(value) <= 4:
            entries.append(value.ljust(4, b"\0"))
        else:
            entries.append(struct.pack(order + "I", values_at + len(values)))
            values += value + b"\0" * (len(value) % 2)
    return b"".join(entries) + struct.pack(order + "I", following) + values
