"""Write the bundled regression set again: benchmarks/regression.

    python scripts/make_regression_set.py PHOTOS MODELS

PHOTOS is the folder of CC0, AI-generated portraits, MODELS the folder of other people's models. Masks are where two
different teachers agree (the official DeepLab-v3 at 513 and MediaPipe's selfie segmentation) and 128 where they do not.
Scenes are people cut out of such photos with an opacity drawn here and laid over rendered backgrounds, so that the
opacity is exact; the last one is a clip in which the person moves.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parent))

from score_peers import PEERS

from portraitlite.benchmarks.accuracy.datasets import REGRESSION_FOLDER
from portraitlite.benchmarks.accuracy.metrics.neighbourhood import dilate_disc
from portraitlite.runtime import Segmenter

PHOTOS = (
    *("female_12", "female_16", "female_23"),
    *("male_18", "male_21", "male_25", "male_29", "male_32", "male_36", "male_47"),
)
SCENES, CLIP = ("female_38", "male_14", "male_43"), "female_45"
SIDE = 320
FRAMES, SHIFT = 4, 6  # of the clip, pixels a frame
TEACHERS = ("deeplabv3_mnv2_pascal_quant", "selfie_segmentation")
MARGIN, SOFTNESS = 3, 1.5  # the cut lies inside of the person, so that no old background shows

UInt8 = npt.NDArray[np.uint8]


def background(seed: int) -> UInt8:
    """(SIDE, SIDE, 3): a coloured gradient, soft discs of light and a little grain."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    corners = rng.uniform(30, 190, (2, 2, 3))
    top = corners[0, 0] + (corners[0, 1] - corners[0, 0]) * columns[..., None]
    bottom = corners[1, 0] + (corners[1, 1] - corners[1, 0]) * columns[..., None]
    picture = top + (bottom - top) * rows[..., None]
    for _ in range(12):
        y, x, radius = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.03, 0.12)
        disc = 1 / (1 + np.exp((np.hypot(rows - y, columns - x) - radius) * 120))
        picture += disc[..., None] * rng.uniform(-60, 60, 3)
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def box_mean(layers: npt.NDArray[np.float64], radius: int) -> npt.NDArray[np.float64]:
    """(H, W, C): mean over the square around every pixel; beyond the rim lies 0."""
    for axis in (0, 1):
        pad = [(radius + 1, radius) if i == axis else (0, 0) for i in range(3)]
        sums = np.moveaxis(np.pad(layers, pad).cumsum(axis), axis, 0)
        layers = np.moveaxis(sums[2 * radius + 1 :] - sums[: -2 * radius - 1], 0, axis) / (2 * radius + 1)
    return layers


def person(photo: UInt8, both: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.float64], UInt8]:
    """Colours continued beyond the person, and the opacity."""
    core = inside = ~dilate_disc(~both, MARGIN)
    colours, weight = photo * inside[..., None].astype(np.float64), inside.astype(np.float64)
    filled = photo.astype(np.float64)
    for radius in (2, 4, 8):  # outside takes the mean of the nearest colours inside
        near = box_mean(np.dstack([colours, weight]), radius)
        use = ~inside & (near[..., 3] > 1e-3)
        filled[use] = (near[..., :3] / np.maximum(near[..., 3:], 1e-3))[use]
        inside = inside | use
        colours, weight = filled * inside[..., None], inside.astype(np.float64)
    alpha = Image.fromarray((core * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(SOFTNESS))
    return filled, np.asarray(alpha)


def save(folder: Path, name: str, picture: UInt8, truth: UInt8, kind: str) -> None:
    for path, array in ((folder / f"images/{name}.webp", picture), (folder / f"{kind}/{name}.png", truth)):
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"quality": 88, "method": 6} if path.suffix == ".webp" else {"optimize": True}
        Image.fromarray(array).save(path, **options)


def main() -> None:
    photos, models = (Path(name) for name in sys.argv[1:])
    teachers = [Segmenter(models / f"{name}.tflite", metadata=PEERS[name]) for name in TEACHERS]

    def look(name: str) -> tuple[UInt8, list[npt.NDArray[np.bool_]]]:
        photo = np.asarray(
            Image.open(photos / f"{name}.jpg").convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        )
        return photo, [teacher(photo).photo_mask("person") >= 128 for teacher in teachers]

    for name in PHOTOS:
        photo, (one, other) = look(name)
        mask = np.select([one & other, ~one & ~other], [255, 0], 128).astype(np.uint8)
        save(REGRESSION_FOLDER / "photos", name, photo, mask, "masks")
    for seed, name in enumerate((*SCENES, CLIP)):
        photo, (one, other) = look(name)
        colours, alpha = person(photo, one & other)
        behind = background(seed)
        for frame in range(FRAMES if name == CLIP else 1):
            move = frame * SHIFT
            opacity = np.zeros_like(alpha)
            opacity[:, move:] = alpha[:, : SIDE - move]
            share = opacity[..., None] / 255
            picture = np.roll(colours, move, axis=1) * share + behind * (1 - share)
            label = f"clip/{frame}" if name == CLIP else name
            save(
                REGRESSION_FOLDER / "scenes", label, np.clip(picture + 0.5, 0, 255).astype(np.uint8), opacity, "alphas"
            )


if __name__ == "__main__":
    main()
