"""Make the pictures of the README from the bundled CC0 portraits: `python scripts/pictures.py`.

Each sheet shows the photo, the mask and the portrait at strength 0.6, made by the same functions as the command line.
`edges.png` shows hair and rims enlarged: a plain guided filter left, ours right.
"""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from portraitlite.runtime import Portrait, load_photo
from portraitlite.runtime.blur import BlurRenderer

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ("woman", "terrace", "street", "man")
SIDE, GAP = 400, 8
# Photo, left and top of a square of 110 pixels.
EDGES = (("terrace", 230, 30), ("woman", 60, 60), ("street", 120, 170), ("poolside", 250, 40))
EDGE_SIDE, EDGE_SCALE = 110, 2


def sheet(portrait: Portrait, name: str) -> Image.Image:
    """Photo, mask and portrait side by side."""
    photo = load_photo(ROOT / "examples" / "photos" / f"{name}.jpg")
    mask = portrait.segmenter(photo).photo_mask("person")
    tiles = [photo.pixels, np.repeat(mask[..., None], 3, axis=-1), portrait(photo, strength=0.6).pixels]
    picture = Image.new("RGB", (3 * SIDE + 2 * GAP, SIDE), "white")
    for i, pixels in enumerate(tiles):
        tile = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.paste(tile, (i * (SIDE + GAP), 0))
    return picture


def edges(portrait: Portrait) -> Image.Image:
    """Crops at hair and rim: pairs of plain guided filter and ours, two pairs in a row."""
    plain_models = runpy.run_path(str(ROOT / "scripts" / "bench_blur_quality.py"))["plain_models"]
    side = EDGE_SIDE * EDGE_SCALE
    sheet = Image.new("RGB", (4 * side + 3 * GAP, 2 * side + GAP), "white")
    with tempfile.TemporaryDirectory() as folder:
        plain, ours = BlurRenderer(models=plain_models(Path(folder), scales=(2,))), BlurRenderer()
        for i, (name, left, top) in enumerate(EDGES):
            photo = load_photo(ROOT / "examples" / "photos" / f"{name}.jpg")
            subject = portrait(photo, strength=0.0).subject
            for j, renderer in enumerate((plain, ours)):
                pixels = renderer.render(photo.pixels, subject.values, strength=0.8, mask_box=subject.box)
                crop = Image.fromarray(pixels[top : top + EDGE_SIDE, left : left + EDGE_SIDE])
                at = (((i % 2) * 2 + j) * (side + GAP), (i // 2) * (side + GAP))
                sheet.paste(crop.resize((side, side), Image.Resampling.BICUBIC), at)
    return sheet


def main() -> None:
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    portrait = Portrait()
    for name in PHOTOS:
        sheet(portrait, name).save(folder / f"{name}.jpg", quality=88)
    edges(portrait).save(folder / "edges.png", optimize=True)


if __name__ == "__main__":
    main()
