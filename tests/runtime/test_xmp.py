"""XMP: what people wrote survives, in every format; gain maps, depth maps and hidden copies do not."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.save import save_photo
from portraitlite.runtime.xmp import MAX_XMP_BYTES, descriptive_xmp

DC, RDF, XMP = (
    "http://purl.org/dc/elements/1.1/",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://ns.adobe.com/xap/1.0/",
)
GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
NAMESPACES = (
    f'xmlns:dc="{DC}" xmlns:xmp="{XMP}" xmlns:hdrgm="{GAIN_MAP}" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/" '
    'xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"'
)


def packet(attributes: str = "", properties: str = "") -> bytes:
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" {NAMESPACES} {attributes}>{properties}'
        f'</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Zoë &amp; the sea</rdf:li></rdf:Alt></dc:title>'
PHONE = packet(
    'xmp:Rating="4" xmpRights:Marked="True" dc:format="image/jpeg" tiff:Orientation="6" hdrgm:Version="1.0" '
    'GDepth:Data="c2hhcnA="',
    TITLE
    + "<dc:subject><rdf:Bag><rdf:li>beach</rdf:li><rdf:li>dog</rdf:li></rdf:Bag></dc:subject>"
    + '<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:image>c2hhcnA=</xmpGImg:image></rdf:li>'
    "</rdf:Alt></xmp:Thumbnails><Container:Directory><rdf:Seq><rdf:li>GainMap</rdf:li></rdf:Seq></Container:Directory>",
)


def written(path: Path) -> bytes:
    with Image.open(path) as image:
        image.load()
        found = image.info["xmp"]
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_words_survive_and_pictures_do_not(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / "phone.jpg", tmp_path / f"out.{suffix}"
    Image.new("RGB", (64, 48), "red").save(source, xmp=PHONE)
    photo = load_photo(source)
    assert photo.notices == ("its gain map or depth map is left out, as it would not fit a changed picture",)
    save_photo(out, photo.pixels, photo)
    assert b"hdrgm" not in out.read_bytes()
    assert b"c2hhcnA=" not in out.read_bytes()
    tree = ElementTree.fromstring(written(out))
    (description,) = tree.iter(f"{{{RDF}}}Description")
    assert description.get(f"{{{XMP}}}Rating") == "4"
    assert description.get("{http://ns.adobe.com/xap/1.0/rights/}Marked") == "True"
    assert [item.text for item in description.findall(f"{{{DC}}}title//{{{RDF}}}li")] == ["Zoë & the sea"]
    assert [item.text for item in description.findall(f"{{{DC}}}subject//{{{RDF}}}li")] == ["beach", "dog"]
    assert {child.tag for child in description} == {f"{{{DC}}}title", f"{{{DC}}}subject"}
    assert len(description.attrib) == 3  # with rdf:about
    again = load_photo(out)
    assert again.notices == ()
    assert again.xmp == photo.xmp


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "jpg"])
def test_xmp_is_read_from_every_format(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / "a.jpg", tmp_path / f"a.{suffix}"
    Image.new("RGB", (64, 48)).save(source, xmp=PHONE)
    photo = load_photo(source)
    save_photo(out, photo.pixels, photo, force=True)
    assert b"beach" in (load_photo(out).xmp or b"")


def test_nothing_to_say_is_nothing_written(tmp_path: Path) -> None:
    assert descriptive_xmp(packet('tiff:Orientation="6" hdrgm:Version="1.0"')) is None
    photo = load_photo(_saved(tmp_path / "a.jpg", packet()))
    save_photo(tmp_path / "b.jpg", photo.pixels, photo)
    with Image.open(tmp_path / "b.jpg") as image:
        assert "xmp" not in image.info


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"<x",
        b"\xff\xfe<\0x\0",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        packet('xmp:Rating="4"').decode().encode("utf-16"),
        packet('xmp:Rating="4"').replace(b"4", b"\xff"),
        packet(properties="<dc:title>" * 50),
        b"<a>" * 3000 + b"</a>" * 3000,
        packet(properties=f"<dc:title>{'A' * 20_000}</dc:title>"),
        packet(f'dc:rights="{"A" * 20_000}"'),
        packet('xmp:Rating="4"') + b" " * (5 << 20),
    ],
    ids=range(11),
)
def test_hostile_packets_are_left_out(hostile: bytes) -> None:
    assert descriptive_xmp(hostile) is None


def test_padding_with_zeros_is_no_obstacle() -> None:
    assert descriptive_xmp(packet('xmp:Rating="4"') + b"\0" * 40) == descriptive_xmp(packet('xmp:Rating="4"'))


def test_packet_fits_a_jpeg_segment() -> None:
    one = "<dc:subject>" + "A" * 15_000 + "</dc:subject>"
    kept = descriptive_xmp(packet(properties=one * 4))
    assert kept is not None
    assert len(kept) <= MAX_XMP_BYTES
    assert descriptive_xmp(packet(properties=one * 5)) is None


def test_damaged_xmp_never_stops_a_photo(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(PHONE)
        for at in generator.integers(0, len(damaged), 3):
            damaged[at] = generator.integers(256)
        kept = descriptive_xmp(bytes(damaged))
        outcomes.add(kept is None)
        if kept is not None:
            ElementTree.fromstring(kept)
    assert outcomes == {True, False}
    assert load_photo(_saved(tmp_path / "a.jpg", PHONE[:400])).xmp is None


def _saved(path: Path, xmp: bytes) -> Path:
    Image.new("RGB", (64, 48)).save(path, xmp=xmp)
    return path
