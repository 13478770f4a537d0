"""Build the models that come with portraitlite from the committed float weights.

    python scripts/export_models.py DATA [FOLDER [NAME...]]

DATA holds `data/`, for photos to calibrate on; none of them is in the validation list. FOLDER gets the files and their
sidecars (default: runtime/models), of those named only where names such as portrait_int8 follow. Each is written anew;
the figures of the cards come from score_peers.py. An int8 file learns for some ten minutes on two idle cores.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.training.validation import read_validation
from portraitlite.convert.types import Recipe
from portraitlite.runtime.types import Fit, OutputKind

ROOT = Path(__file__).resolve().parents[1]
TRAINING = ROOT / "convert" / "training"
WEIGHTS = TRAINING / "weights" / "portrait_scene.npz"
LABELS = TRAINING / "weights" / "labels.txt"
SEED = 11
CALIBRATED = 500  # of the photos below; the other 100 judge the file
PEOPLE = {
    "data/person/coco": 180,
    "data/person/coco_groups": 90,
    "data/person/portrait_cutouts": 120,
    "data/person/street_fashion": 90,
    "data/voc21/voc_animals": 120,
}
SCENES = {"data/person/coco": 140, "data/person/coco_groups": 70, "data/voc21/coco": 150, "data/voc21/voc_animals": 240}


@dataclasses.dataclass(frozen=True)
class Shipped:
    """One file: its name, side in pixels, recipe, the one class it puts out (None: all), photos by folder.

    `updates` of scales, biases and kernels: the default, 200 without kernels, lost a point of person IoU on COCO.
    """

    name: str
    side: int
    recipe: Recipe
    label: str | None
    photos: dict[str, int]
    updates: int | None = None


SHIPPED = (
    Shipped("portrait", 401, Recipe.INT8, "person", PEOPLE, updates=3000),
    Shipped("portrait", 401, Recipe.FP16, "person", PEOPLE),
    Shipped("scene", 385, Recipe.INT8, None, SCENES, updates=1000),
    Shipped("scene", 385, Recipe.FP16, None, SCENES),
)


def calibration_list(root: Path, photos: dict[str, int]) -> list[Path]:
    """Photos of all folders, mixed, drawn by the seed among those that are not kept for validation."""
    kept = set().union(*(one.keys for one in read_validation(TRAINING / "validation.toml")))
    rng = np.random.default_rng(SEED)
    chosen = []
    for folder, count in photos.items():
        names = sorted(path.name for path in (root / folder / "images").iterdir())
        free = [name for name in names if f"{folder}/images/{name}" not in kept]
        chosen += [root / folder / "images" / str(name) for name in rng.choice(free, count, replace=False)]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def export(one: Shipped, root: Path, out: Path) -> str:
    """Write one file; returns a line about it."""
    output = out / f"{one.name}_{one.recipe}.tflite"
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "photos.txt"
        listed.write_text("\n".join(map(str, calibration_list(root, one.photos))) + "\n", encoding="utf-8")
        options = ConvertOptions(
            recipe=one.recipe,
            calibrate=listed,
            calibration_count=CALIBRATED,
            updates=one.updates,
            learn_kernels=one.updates is not None,
            output=OutputKind.CONFIDENCE,
            output_label=one.label,
            labels=LABELS,
            fit=Fit.STRETCH,
            flags=SpecFlags(crop=(one.side, one.side)),
            name=one.name,
        )
        result = convert(WEIGHTS, output, options, force=True)
    return f"{output.name}: {output.stat().st_size / 1e6:.2f} MB\n" + "\n".join(f"  {r}" for r in result.notices)


def main() -> None:
    root = Path(sys.argv[1])
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "runtime" / "models"
    wanted = sys.argv[3:] or [f"{one.name}_{one.recipe}" for one in SHIPPED]
    for one in (one for one in SHIPPED if f"{one.name}_{one.recipe}" in wanted):
        print(export(one, root, out), file=sys.stderr)


if __name__ == "__main__":
    main()
