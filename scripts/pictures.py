"""Make the pictures of the README from the bundled CC0 portraits: `python scripts/pictures.py`.

Each sheet shows the photo, the mask and the portrait at strength 0.6, made by the same functions as the command line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from portraitlite.runtime import Portrait, load_photo

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ("woman", "terrace", "street", "man")
SIDE, GAP = 400, 8


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


def main() -> None:
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    portrait = Portrait()
    for name in PHOTOS:
        sheet(portrait, name).save(folder / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
