"""Choose the photos that are never trained on: once, by a seed. Prints the list for convert/training/validation.toml.

    python scripts/choose_validation.py DATA > convert/training/validation.toml

DATA is the folder that holds `data/person` and `data/voc21`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SEED = 20
PERSON = 15  # VOC class
FOLDER_LISTS = {"coco": 100, "coco_groups": 60, "portrait_cutouts": 40, "street_fashion": 60}
VOC_LISTS = {"voc_people": (True, 40), "voc_empty": (False, 100)}


def chosen(rng: np.random.Generator, names: list[str], count: int) -> list[str]:
    """`count` of the names, sorted."""
    return sorted(str(name) for name in rng.choice(sorted(names), count, replace=False))


def table(name: str, kind: str, folder: str, masks: str, files: list[str]) -> str:
    """One entry of the list."""
    rows = "\n".join(f'    "{file}",' for file in files)
    return (
        f'[[lists]]\nname = "{name}"\nkind = "{kind}"\nimages = "{folder}/images"\nmasks = "{folder}/{masks}"\n'
        f"files = [\n{rows}\n]\n"
    )


def main() -> None:
    root = Path(sys.argv[1])
    rng = np.random.default_rng(SEED)
    print(f"# Never trained on. Made by scripts/choose_validation.py with seed {SEED}; do not edit.\n")
    for name, count in FOLDER_LISTS.items():
        folder = f"data/person/{name}"
        names = [path.name for path in (root / folder / "images").iterdir()]
        print(table(name, "folder", folder, "masks", chosen(rng, names, count)))
    folder = "data/voc21/coco"
    people = {
        path.name: bool((np.array(Image.open(root / folder / "masks_voc21" / f"{path.stem}.png")) == PERSON).any())
        for path in (root / folder / "images").iterdir()
    }
    for name, (wanted, count) in VOC_LISTS.items():
        names = [file for file, shows in people.items() if shows is wanted]
        print(table(name, "voc", folder, "masks_voc21", chosen(rng, names, count)))


if __name__ == "__main__":
    main()
