"""What people wrote about a photo, out of its XMP: the rest describes pixels that no longer exist, or holds copies.

Titles, keywords, authors, rights and places are copied; gain maps, depth maps, thumbnails, editing histories and
repeated EXIF fields are not. Source: XMP specification part 1 (ISO 16684-1), IPTC Photo Metadata 2023.1.
"""

from __future__ import annotations

from xml.etree import ElementTree

__all__ = ["MAX_XMP_BYTES", "descriptive_xmp", "tells_of_pictures"]

MAX_XMP_BYTES = 65_502  # the most that one JPEG segment holds

_MAX_READ_BYTES = 4 << 20
_MAX_VALUE_BYTES = 16 << 10  # longer texts are pictures in base64
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"

_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
}
# Of these namespaces only some properties are words about the photo; None: all are.
_KEPT: dict[str, frozenset[str] | None] = {
    "dc": frozenset(
        {"contributor", "coverage", "creator", "date", "description", "language", "publisher", "relation", "rights"}
        | {"source", "subject", "title", "type"}
    ),
    "xmp": frozenset({"CreateDate", "CreatorTool", "Label", "Nickname", "Rating"}),
    "xmpRights": None,
    "photoshop": frozenset(
        {"AuthorsPosition", "CaptionWriter", "Category", "City", "Country", "Credit", "DateCreated", "Headline"}
        | {"Instructions", "Source", "State", "SupplementalCategories", "TransmissionReference", "Urgency"}
    ),
    "lr": None,
    "Iptc4xmpCore": None,
    "Iptc4xmpExt": None,
    "plus": None,
}
# Pillow opens such files as single pictures; their second picture is found through these alone.
_PICTURE_NAMESPACES = (
    b"http://ns.adobe.com/hdr-gain-map/",
    b"http://ns.apple.com/HDRGainMap/",
    b"http://ns.google.com/photos/1.0/depthmap/",
    b"http://ns.google.com/photos/1.0/image/",
    b"http://ns.google.com/photos/1.0/container/",
    b"http://ns.google.com/photos/dd/1.0/",
)


def tells_of_pictures(packet: bytes) -> bool:
    """Whether a packet describes a gain map, a depth map or other pictures that belong to the photo."""
    return any(name in packet for name in _PICTURE_NAMESPACES)


def descriptive_xmp(packet: bytes) -> bytes | None:
    """A new packet (UTF-8, at most MAX_XMP_BYTES) with what people wrote; None if that is nothing or unreadable."""
    if len(packet) > _MAX_READ_BYTES:
        return None
    packet = packet.strip(b"\0\t\r\n ")  # some writers pad with zeros
    if b"<!" in packet or b"\0" in packet:
        return None  # XMP has no document type and thus no entities, and this reader no UTF-16
    try:
        tree = ElementTree.fromstring(packet)  # noqa: S314 - neither entities nor size can hurt
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    kept = ElementTree.Element(f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    blocks = [tree] if tree.tag == f"{{{_RDF}}}RDF" else tree.findall(f"{{{_RDF}}}RDF")
    for description in (child for block in blocks for child in block.findall(f"{{{_RDF}}}Description")):
        for name, value in description.attrib.items():
            if _is_kept(name) and len(value.encode()) <= _MAX_VALUE_BYTES:
                kept.set(name, value)
        for element in description:
            if _is_kept(element.tag) and len(ElementTree.tostring(element)) <= _MAX_VALUE_BYTES:
                kept.append(element)
    if len(kept) == 0 and len(kept.attrib) == 1:
        return None
    root = ElementTree.Element(f"{{{_META}}}xmpmeta")
    ElementTree.SubElement(root, f"{{{_RDF}}}RDF").append(kept)
    for namespace, prefix in {**_PREFIXES, _RDF: "rdf", _META: "x"}.items():
        ElementTree.register_namespace(prefix, namespace)
    body = ElementTree.tostring(root, encoding="utf-8")
    body = body.removeprefix(b"<?xml version='1.0' encoding='utf-8'?>\n")
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'.encode()
    new = begin + body + b'\n<?xpacket end="w"?>'
    return new if len(new) <= MAX_XMP_BYTES else None


def _is_kept(name: str) -> bool:
    namespace, _, local = name.removeprefix("{").partition("}")
    prefix = _PREFIXES.get(namespace)
    if prefix is None:
        return False
    names = _KEPT[prefix]
    return names is None or local in names
