"""What cleaning the subject mask costs or gains: `python scripts/measure_subject.py FOLDER... [--every N]`.

Each folder holds `images/` and `masks/` (8-bit PNG of the same names: 255 person, 0 background, anything else
ignored). Prints the mean IoU of the plain and of the cleaned mask at photo size, how much of what was dropped or filled
is person, and the time that cleaning takes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime import Segmenter, load_photo, subject_mask

Mask = npt.NDArray[np.bool_]


def measure(folder: Path, segmenter: Segmenter, every: int) -> str:
    """One line about a folder."""
    scores, times_ms = [], []
    counts = np.zeros((2, 2), int)  # (dropped, filled) x (background, person) pixels
    for path in sorted((folder / "images").iterdir())[::every]:
        with Image.open(folder / "masks" / f"{path.stem}.png") as image:
            truth = np.asarray(image.convert("L"))
        known, person = np.isin(truth, (0, 255)), truth == 255
        segmentation = segmenter(load_photo(path))
        start = time.perf_counter()
        cleaned = subject_mask(segmentation)
        times_ms.append(1e3 * (time.perf_counter() - start))
        before = segmentation.photo_mask("person") >= 128
        after = cleaned.resized(*truth.shape) >= 128
        counts += [_parts(before & ~after & known, person), _parts(after & ~before & known, person)]
        if person.any():
            scores.append([_iou(mask & known, person) for mask in (before, after)])
    plain, clean = np.mean(scores, axis=0)
    dropped, filled = counts[:, 1] / np.maximum(counts.sum(1), 1)
    return (
        f"{folder.name}: {len(scores)} photos, IoU {plain:.4f} plain, {clean:.4f} cleaned; "
        f"{100 * dropped:.0f} % of what was dropped and {100 * filled:.0f} % of what was filled is person; "
        f"median {np.median(times_ms):.1f} ms"
    )


def _parts(where: Mask, person: Mask) -> list[int]:
    return [int((where & ~person).sum()), int((where & person).sum())]


def _iou(mask: Mask, person: Mask) -> float:
    return float((mask & person).sum() / (mask | person).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1, help="take every N-th photo")
    arguments = parser.parse_args()
    segmenter = Segmenter()
    for folder in arguments.folders:
        print(measure(folder, segmenter, arguments.every), flush=True)


if __name__ == "__main__":
    main()
