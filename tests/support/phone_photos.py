"""JPEGs as phones write them: a photo with its depth map in XMP (GDepth) or behind the picture (Dynamic Depth)."""

from __future__ import annotations

import base64
import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["app1", "dynamic_photo", "gdepth_photo", "jpeg", "picture_bytes"]

_HEAD = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
_TAIL = "</rdf:RDF></x:xmpmeta>"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
DD = "http://ns.google.com/photos/dd/1.0/"
NAME = "0123456789ABCDEF0123456789ABCDEF"


def jpeg(pixels: npt.NDArray[np.uint8], *, orientation: int = 1) -> bytes:
    """The stored picture, (H, W, 3) uint8, with that EXIF orientation; progressive, so that it has several scans."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return picture_bytes(pixels, "JPEG", quality=95, progressive=True, exif=exif)


def picture_bytes(values: npt.NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind, **options)
    return stream.getvalue()


def app1(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _with(photo: bytes, *segments: bytes) -> bytes:
    return photo[:2] + b"".join(segments) + photo[2:]


def gdepth_photo(
    photo: bytes,
    depth: bytes,
    *,
    confidence: bytes | None = None,
    extended: bool = False,
    piece: int = 400,
    **fields: str,
) -> bytes:
    """A photo with GDepth; `extended` puts the data into a second packet of several pieces."""
    fields = {"Format": "RangeInverse", "Near": "0.5", "Far": "8.0", "Mime": "image/png"} | fields
    data = {"Data": base64.b64encode(depth).decode()}
    if confidence is not None:
        data["Confidence"] = base64.b64encode(confidence).decode()
    if not extended:
        return _with(photo, app1(_XMP + _gdepth(fields | data)))
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{NAME}"'
    whole = _gdepth(data)
    pieces = [
        app1(_EXTENDED + NAME.encode() + struct.pack(">II", len(whole), at) + whole[at : at + piece])
        for at in range(0, len(whole), piece)
    ]
    return _with(photo, app1(_XMP + _gdepth(fields, note)), *reversed(pieces))


def _gdepth(fields: dict[str, str], more: str = "") -> bytes:
    inside = " ".join(f'GDepth:{name}="{text}"' for name, text in fields.items())
    return f'{_HEAD}<rdf:Description rdf:about="" xmlns:GDepth="{GDEPTH}" {more} {inside}/>{_TAIL}'.encode()


def dynamic_photo(
    photo: bytes,
    depth: bytes,
    *,
    confidence: bytes | None = None,
    between: bytes = b"",
    padding: int = 0,
    as_elements: bool = False,
    length: int | None = None,
    **fields: str,
) -> bytes:
    """A photo with Dynamic Depth: the pictures stand behind it, with `between` before the first of them."""
    known = {"Format": "RangeInverse", "Near": "0.5", "Far": "8.0", "Units": "Meters", "DepthURI": "android/depthmap"}
    pictures = [("android/other", jpeg(np.zeros((32, 32, 3), np.uint8))), ("android/depthmap", depth)]
    if confidence is not None:
        known["ConfidenceURI"] = "android/confidencemap"
        pictures.append(("android/confidencemap", confidence))
    items = [_item("primary", 0, padding)]
    items += [
        _item(name, length if length is not None and name.endswith("depthmap") else len(body))
        for name, body in pictures
    ]
    known |= fields
    if as_elements:
        inside = "".join(f"<DepthMap:{name}>{text}</DepthMap:{name}>" for name, text in known.items())
        depth_map = f'<Camera:DepthMap rdf:parseType="Resource">{inside}</Camera:DepthMap>'
    else:
        inside = " ".join(f'DepthMap:{name}="{text}"' for name, text in known.items())
        depth_map = f"<Camera:DepthMap {inside}/>"
    names = ("Device", "Container", "Item", "Camera", "DepthMap", "Profile")
    spaces = " ".join(f'xmlns:{name}="{DD}{name.lower()}/"' for name in names)
    text = (
        f'{_HEAD}<rdf:Description rdf:about="" {spaces}>'
        f"<Device:Container><Container:Directory><rdf:Seq>{''.join(items)}</rdf:Seq></Container:Directory>"
        f'</Device:Container><Device:Cameras><rdf:Seq><rdf:li rdf:parseType="Resource"><Device:Camera>{depth_map}'
        f"</Device:Camera></rdf:li></rdf:Seq></Device:Cameras></rdf:Description>{_TAIL}"
    )
    behind = b"\0" * padding + between + b"".join(body for _, body in pictures)
    return _with(photo, app1(_XMP + text.encode())) + behind


def _item(name: str, length: int, padding: int = 0) -> str:
    return (
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/png" Item:Length="{length}" '
        f'Item:Padding="{padding}" Item:DataURI="{name}"/></rdf:li>'
    )
