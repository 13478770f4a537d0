"""Whole files to damage, made by code: every format that is read, and models large and small."""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms, features

from portraitlite.runtime.bundled import MODELS_FOLDER, resolve_model

__all__ = ["images", "models"]


def images() -> dict[str, bytes]:
    """Name -> a picture file of 80x64 pixels."""
    rows, columns = np.mgrid[0:64, 0:80]
    noise = np.random.default_rng(3).integers(0, 30, (64, 80, 3))
    colour = Image.fromarray((np.stack([columns * 2, rows * 3, rows + columns], axis=2) + noise).astype(np.uint8))
    grey = colour.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    clear = colour.copy()
    clear.putalpha(grey)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    extras: dict[str, Any] = {
        "exif": exif.tobytes(),
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    }
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"><dc:title><rdf:Alt>'
        b'<rdf:li xml:lang="x-default">A title</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    wanted: list[tuple[str, Image.Image, str, dict[str, Any]]] = [
        ("camera.jpg", colour, "JPEG", {**extras, "xmp": xmp}),
        ("progressive.jpg", colour, "JPEG", {"progressive": True}),
        ("cmyk.jpg", colour.convert("CMYK"), "JPEG", {}),
        ("phone.mpo", colour, "MPO", {"save_all": True, "append_images": [grey.convert("RGB")]}),
        ("colour.png", colour, "PNG", extras),
        ("deep.png", deep, "PNG", {}),
        ("palette.png", colour.quantize(16), "PNG", {"transparency": 3}),
        ("film.png", colour, "PNG", {"save_all": True, "append_images": [clear.convert("RGB")]}),
        ("clear.webp", clear, "WEBP", extras),
        ("film.webp", colour, "WEBP", {"save_all": True, "append_images": [grey.convert("RGB")]}),
        ("plain.tif", colour, "TIFF", extras),
        ("lzw.tif", colour, "TIFF", {"compression": "tiff_lzw"}),
        ("jpeg.tif", colour, "TIFF", {"compression": "jpeg"}),
        ("fax.tif", colour.convert("1"), "TIFF", {"compression": "group4"}),
        ("deep.tif", deep, "TIFF", {}),
        ("plain.bmp", colour, "BMP", {}),
        ("film.gif", colour.quantize(16), "GIF", {"save_all": True, "append_images": [grey]}),
    ]
    if features.check("avif"):
        wanted.append(("still.avif", colour, "AVIF", {"speed": 10, "exif": exif.tobytes()}))
    found = {name: _encode(image, kind, options) for name, image, kind, options in wanted}
    try:
        pillow_heif: Any = importlib.import_module("pillow_heif")
    except ImportError:  # the heif extra is not installed
        return found
    stream = io.BytesIO()
    pillow_heif.from_pillow(colour).save(stream, quality=80)
    return {**found, "still.heic": stream.getvalue()}


def models() -> dict[str, bytes]:
    """Name -> a `.tflite` file: the bundled ones, whose graphs hold most ops that are ever met."""
    blur = MODELS_FOLDER / "blur"
    return {
        "portrait.tflite": resolve_model("portrait").read_bytes(),
        "plan.tflite": (blur / "plan_landscape.tflite").read_bytes(),
        "apply.tflite": (blur / "apply_s2_float32.tflite").read_bytes(),
    }


def _encode(image: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format=kind, **options)
    return stream.getvalue()
