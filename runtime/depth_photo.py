"""The depth map inside a phone's JPEG: GDepth in XMP, or Dynamic Depth behind the picture.

    GDepth          XMP of the namespace depthmap holds a PNG or JPEG in base64
    Dynamic Depth   XMP lists pictures that follow the photo; one of them is the depth, one may be how sure it is

Both store v in 0..1 with the nearest at 0 (`RangeInverse`: evenly in 1 / distance; `RangeLinear`: in distance), lie as
the stored photo does and turn with it. Sources: Google, "Depthmap metadata" 1.0; Android, "Dynamic Depth" 1.0 (2019).
The file is untrusted: every length is checked, XML with a document type is refused, so nothing expands.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import math
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.exif import parse_exif
from portraitlite.runtime.jpeg_parts import JPEG_START, JpegParts, read_jpeg_parts

__all__ = ["MAX_DEPTH_PIXELS", "PhoneDepth", "read_phone_depth"]

Floats = npt.NDArray[np.float32]
Fields = dict[str, str]

MAX_DEPTH_PIXELS = 50_000_000
LEAST_CONFIDENCE = 0.25  # less is taken for a hole

_GDEPTH = ("http://ns.google.com/photos/1.0/depthmap/",)
_DEPTH_MAP = ("http://ns.google.com/photos/dd/1.0/depthmap/",)
_ITEM = ("http://ns.google.com/photos/dd/1.0/item/", "http://ns.google.com/photos/1.0/container/item/")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclasses.dataclass(frozen=True)
class PhoneDepth:
    """A depth map as a phone stored it, upright.

    Attributes:
        nearness: (h, w) float32 that falls with the distance, evenly in 1 / distance; of any range.
        trust: (h, w) float32 in 0..1; 0 is a hole.
    """

    nearness: Floats
    trust: Floats


@dataclasses.dataclass(frozen=True)
class _Stored:
    """What the XMP says."""

    fields: Fields
    depth: bytes
    confidence: bytes | None


def read_phone_depth(data: bytes) -> PhoneDepth:
    """The depth map of a JPEG file.

    Raises:
        ValueError: none in it, or one that cannot be used; the message says why.
    """
    parts = read_jpeg_parts(data)
    trees = [_parse(packet) for packet in parts.packets]
    stored = _dynamic(data, parts, trees) or _gdepth(trees)
    if stored is None:
        raise ValueError("there is no depth map in this JPEG")
    turn = _TURNS.get(_orientation(parts))
    values, white = _picture(stored.depth, turn)
    trust = np.ones_like(values)
    if stored.confidence is not None:
        confidence, full = _picture(stored.confidence, turn)
        trust = confidence / np.float32(full)
        if trust.shape != values.shape:
            raise ValueError("its confidence map is of another size than its depth map")
        trust = np.where(trust < LEAST_CONFIDENCE, np.float32(0), trust)
    return PhoneDepth(_nearness(values, white, stored.fields), trust)


def _nearness(values: Floats, white: int, fields: Fields) -> Floats:
    """Stored values 0..white -> what falls with the distance, see `PhoneDepth`."""
    near, far = (_number(fields.get(name)) for name in ("Near", "Far"))
    kind = fields.get("Format", "RangeInverse").lower()
    if fields.get("Units", "").lower() == "diopters":
        raise ValueError("its depth map counts in diopters, expected meters")
    if kind == "rangeinverse":
        # Only which end is near matters: 1 / distance falls evenly from one to the other. The values stay as they are,
        # so that the picture is that with the same map as a file of its own, to the last bit.
        return values if near > far else -values
    if kind == "rangelinear":
        if not (0 < near < math.inf and 0 < far < math.inf):
            raise ValueError("its linear depth map lacks a near and a far distance above 0")
        distance = near + values.astype(np.float64) / white * (far - near)
        return (1 / distance).astype(np.float32)
    raise ValueError(f"its depth map has the format {fields['Format'][:40]!r}, expected RangeInverse or RangeLinear")


def _gdepth(trees: list[ElementTree.Element]) -> _Stored | None:
    fields: Fields = {}
    for tree in trees:
        for found in _resources(tree, _GDEPTH):
            fields |= found
    if "Data" not in fields:
        return None
    confidence = fields.get("Confidence")
    return _Stored(fields, _decoded(fields["Data"]), _decoded(confidence) if confidence else None)


def _dynamic(data: bytes, parts: JpegParts, trees: list[ElementTree.Element]) -> _Stored | None:
    fields = next((found for tree in trees for found in _resources(tree, _DEPTH_MAP) if "DepthURI" in found), None)
    items = next((list(_resources(tree, _ITEM)) for tree in trees if any(_resources(tree, _ITEM))), [])
    if fields is None or not items:
        return None
    pictures = _attached(data, parts.end, items)
    if fields["DepthURI"] not in pictures:
        raise ValueError(f"its depth map {fields['DepthURI'][:40]!r} is not among the pictures behind the photo")
    return _Stored(fields, pictures[fields["DepthURI"]], pictures.get(fields.get("ConfidenceURI", "")))


def _attached(data: bytes, end: int, items: list[Fields]) -> dict[str, bytes]:
    """The pictures behind the photo by their names; the first item is the photo itself."""
    lengths = [(_count(item.get("Length")), _count(item.get("Padding"))) for item in items]
    total = sum(length + padding for length, padding in lengths[1:])
    # Right behind the photo, or, where something else was put in between, at the file's end.
    for start in (end + lengths[0][1], len(data) - total):
        found: dict[str, bytes] = {}
        at = start
        for item, (length, padding) in zip(items[1:], lengths[1:], strict=True):
            content = data[at : at + length] if 0 <= at <= len(data) - length else b""
            if content.startswith((JPEG_START, _PNG_START)):
                found[item.get("DataURI", "")] = content
            at += length + padding
        if found:
            return found
    raise ValueError("the pictures behind the photo are cut off")


def _resources(tree: ElementTree.Element, namespaces: tuple[str, ...]) -> Iterator[Fields]:
    """Of every element with properties of a namespace these, whether they are attributes or children."""
    for element in tree.iter():
        pairs = [*element.attrib.items(), *((child.tag, child.text or "") for child in element if not len(child))]
        fields = {}
        for name, text in pairs:
            namespace, _, local = name.removeprefix("{").partition("}")
            if namespace in namespaces and text.strip():
                fields[local] = text.strip()
        if fields:
            yield fields


def _parse(packet: bytes) -> ElementTree.Element:
    packet = packet.strip(b"\0\t\r\n ")  # some writers pad with zeros
    if b"<!" in packet or b"\0" in packet:
        raise ValueError("its XMP is no plain XML")
    try:
        return ElementTree.fromstring(packet)  # noqa: S314 - neither entities nor size can hurt
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError("its XMP is damaged") from error


def _picture(content: bytes, turn: Image.Transpose | None) -> tuple[Floats, int]:
    """(h, w) float32, upright, and the value of white."""
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
        if image.width * image.height > MAX_DEPTH_PIXELS:
            raise ValueError(f"its depth map claims {image.width}x{image.height} pixels")
        deep = image.mode.startswith("I")
        grey = image if deep else image.convert("L")
        upright = grey if turn is None else grey.transpose(turn)
        return np.asarray(upright).astype(np.float32), 65_535 if deep else 255


def _decoded(text: str) -> bytes:
    return base64.b64decode("".join(text.split()) + "=" * (-len("".join(text.split())) % 4))


def _orientation(parts: JpegParts) -> int:
    try:
        return 1 if parts.exif is None else parse_exif(parts.exif).orientation
    except ValueError:
        return 1


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _count(text: str | None) -> int:
    """A length in bytes; nothing that a file can hold becomes 0."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0
