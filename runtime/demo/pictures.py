"""What the page shows of photos: smaller, with the focus marked, layers on a chequered ground."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from portraitlite.runtime.layers.paint import PaintedLayer
from portraitlite.runtime.photo import MIN_SIDE, Photo

__all__ = ["PREVIEW_SIDE", "chequered", "marked", "reduced"]

PREVIEW_SIDE = 1280  # pixels; a larger photo is shown reduced, so that a slider answers at once
CHEQUERS = (200, 230)  # grey levels
CHEQUER_SHARE = 40  # squares along the longer side
RING_SHARE = 0.02  # of the diagonal

Bytes = npt.NDArray[np.uint8]


def reduced(photo: Photo, side: int = PREVIEW_SIDE) -> Photo:
    """The photo with at most `side` pixels along its longer side, without alpha and metadata; no copy if it fits."""
    scale = min(1.0, side / max(photo.width, photo.height))
    pixels = photo.pixels
    if scale < 1:
        width, height = (max(MIN_SIDE, round(scale * length)) for length in (photo.width, photo.height))
        small = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        pixels = np.asarray(small)
    return dataclasses.replace(photo, pixels=pixels, alpha=None, exif=None, icc_profile=None, xmp=None)


def marked(pixels: Bytes, focus: tuple[float, float] | None) -> Bytes:
    """(H, W, 3) uint8 RGB with a ring around the focus point, which is x, y as fractions of width and height."""
    if focus is None:
        return pixels
    image = Image.fromarray(pixels)
    pen, (width, height) = ImageDraw.Draw(image), image.size
    x, y = focus[0] * width, focus[1] * height
    radius = max(4.0, RING_SHARE * float(np.hypot(width, height)))
    for colour, line in (("black", 5), ("white", 2)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=line)
    return np.asarray(image)


def chequered(painted: PaintedLayer, height: int, width: int) -> Bytes:
    """(height, width, 3) uint8 RGB: one layer where it lies in the photo, grey squares where it shows nothing."""
    square = max(4, max(height, width) // CHEQUER_SHARE)
    rows, columns = np.ogrid[:height, :width]
    grey = np.asarray(CHEQUERS, np.uint8)[(rows // square + columns // square) % 2]
    ground = Image.fromarray(np.repeat(grey[..., None], 3, axis=-1))
    layer = Image.fromarray(painted.rgba)
    ground.paste(layer, (painted.layer.left, painted.layer.top), layer)
    return np.asarray(ground)
