"""Choose the photos of docs/quantization.md, once, by seeds: writes lists of names to scripts/photos.

    python scripts/choose_photos.py DATA

DATA is the folder that holds `person`, `unlabelled` and `voc21`; the lists have paths relative to it, one a line.
No photo is in the calibration list and in a judge list of the same network.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

LISTS = Path(__file__).parent / "photos"


def shuffled(rng: np.random.Generator, data: Path, folder: str) -> list[str]:
    """Paths of the folder's photos, relative to `data`."""
    paths = sorted((data / folder / "images").iterdir())
    return [paths[i].relative_to(data).as_posix() for i in rng.permutation(len(paths))]


def alternating(*lists: list[str]) -> list[str]:
    """One of each in turn."""
    return list(itertools.chain.from_iterable(zip(*lists, strict=True)))


def general(data: Path) -> dict[str, Iterable[str]]:
    """For the MLPerf network: 100 for calibration, A with persons, B half with persons and half with animals."""
    rng = np.random.default_rng(7)
    people, animals = (shuffled(rng, data, folder) for folder in ("person/coco", "voc21/voc_animals"))
    return {
        "calibration": alternating(people[:50], animals[:50]),
        "A": people[100:160],
        "B": alternating(people[200:220], animals[200:220]),
    }


def person(data: Path) -> dict[str, Iterable[str]]:
    """For the person network: 64 for calibration, and one list for each kind of photo."""
    rng = np.random.default_rng(1)
    folders = ("person/coco", "person/portrait_cutouts", "person/street_fashion", "unlabelled/ai_portraits_cc0")
    coco, cutouts, street, portraits = (shuffled(rng, data, folder) for folder in folders)
    return {
        "person-calibration": alternating(coco[:16], cutouts[:16], street[:16], portraits[:16]),
        "portraits": portraits[20:50],
        "cutouts": cutouts[20:50],
        "street": street[20:40],
        "coco": coco[20:60],
        "groups": shuffled(rng, data, "person/coco_groups")[:20],
    }


def main() -> None:
    data = Path(sys.argv[1])
    LISTS.mkdir(exist_ok=True)
    for name, paths in {**general(data), **person(data)}.items():
        (LISTS / f"{name}.txt").write_text("".join(f"{path}\n" for path in paths))


if __name__ == "__main__":
    main()
