"""Build the models that come with portraitlite from the committed float weights.

    python scripts/export_models.py DATA [FOLDER]

DATA holds `data/`, for photos to calibrate on; none of them is in the validation list. FOLDER gets the files and their
sidecars (default: runtime/models). Each is written anew; the figures of the cards come from score_peers.py.
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
CALIBRATED = 100  # of the photos below; the other 20 judge the file
PEOPLE = {
    "data/person/coco": 36,
    "data/person/coco_groups": 18,
    "data/person/portrait_cutouts": 24,
    "data/person/street_fashion": 18,
    "data/voc21/voc_animals": 24,
}
SCENES = {"data/person/coco": 24, "data/person/coco_groups": 12, "data/voc21/coco": 48, "data/voc21/voc_animals": 36}


@dataclasses.dataclass(frozen=True)
class Shipped:
    """One file: its name, side in pixels, recipe, the one class it puts out (None: all), photos by folder."""

    name: str
    side: int
    recipe: Recipe
    label: str | None
    photos: dict[str, int]


SHIPPED = (
    Shipped("portrait", 401, Recipe.INT8, "person", PEOPLE),
    Shipped("portrait", 401, Recipe.FP16, "person", PEOPLE),
    Shipped("scene", 385, Recipe.INT8, None, SCENES),
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
    for one in SHIPPED:
        print(export(one, root, out), file=sys.stderr)


if __name__ == "__main__":
    main()
