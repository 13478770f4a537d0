"""Make the picture of the model card that shows where `portrait` fails: `python scripts/card_pictures.py DATA`.

DATA holds `data/unlabelled/ai_portraits_cc0` (AI-generated, CC0). The four were picked by eye from all hundred.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from portraitlite.runtime import Segmenter, load_photo

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ("male_28", "male_4", "female_41", "female_14")
SIDE = 300
GREEN = np.array([0, 200, 0])


def column(segmenter: Segmenter, path: Path) -> Image.Image:
    """The photo, and under it what the model cuts out, before green."""
    photo = load_photo(path)
    weight = segmenter(photo).photo_mask("person")[..., None] / 255
    cut_out = (photo.pixels * weight + GREEN * (1 - weight)).astype(np.uint8)
    picture = Image.new("RGB", (SIDE, 2 * SIDE))
    for i, pixels in enumerate((photo.pixels, cut_out)):
        picture.paste(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS), (0, i * SIDE))
    return picture


def main() -> None:
    folder = Path(sys.argv[1]) / "data" / "unlabelled" / "ai_portraits_cc0" / "images"
    segmenter = Segmenter("portrait")
    picture = Image.new("RGB", (SIDE * len(PHOTOS), 2 * SIDE))
    for i, name in enumerate(PHOTOS):
        picture.paste(column(segmenter, next(folder.glob(f"{name}.*"))), (i * SIDE, 0))
    picture.save(ROOT / "docs" / "pictures" / "failures.jpg", quality=85)


if __name__ == "__main__":
    main()
