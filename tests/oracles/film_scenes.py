"""Films whose right mask is known in every frame. Load with `runpy.run_path`.

    frame = alpha F + (1 - alpha) B + noise

F is a person of the bundled regression scenes with drawn opacity, B is drawn; both are moved by fractions of a pixel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Array = Any

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "regression" / "scenes"
RATE = 30.0  # frames per second
NOISE = 6.0  # standard deviation of the sensor's noise in bytes


@dataclasses.dataclass(frozen=True)
class FilmScene:
    """How a film is drawn.

    Attributes:
        speed: of the person, pixels a frame to the right.
        pan: of the surroundings, pixels a frame to the left.
        cut_at: the first frame of the second shot, another person before other surroundings; None: one shot.
    """

    speed: float = 0.0
    pan: float = 0.0
    cut_at: int | None = None


SCENES = {
    "still": FilmScene(),
    "slow": FilmScene(speed=0.3),
    "walking": FilmScene(speed=3.0),
    "running": FilmScene(speed=8.0),
    "pan": FilmScene(pan=4.0),
    "cut": FilmScene(cut_at=8),
}


def frames(
    scene: FilmScene, count: int, *, height: int = 360, width: int = 640, noise: float = NOISE, seed: int = 0
) -> Iterator[tuple[Array, Array]]:
    """(height, width, 3) uint8 RGB and (height, width) float alpha in 0..1 of every frame."""
    rng = np.random.default_rng(seed)
    shots = [
        (_person(name, height), _surroundings(height, 2 * width, n)) for n, name in enumerate(("male_14", "male_43"))
    ]
    for n in range(count):
        second = scene.cut_at is not None and n >= scene.cut_at
        (colours, opacity), behind = shots[second]
        start = (width - colours.shape[1]) / 2 - (0.5 * scene.speed * (count - 1))
        left = start + scene.speed * n
        alpha = _moved(opacity, left, width) / 255
        front = np.dstack([_moved(colours[..., c], left, width) for c in range(3)])
        back = np.dstack([_moved(behind[..., c], -scene.pan * n, width) for c in range(3)])
        picture = alpha[..., None] * front + (1 - alpha[..., None]) * back
        yield (picture + rng.normal(0, noise, picture.shape) + 0.5).clip(0, 255).astype(np.uint8), alpha


def _person(name: str, height: int) -> tuple[Array, Array]:
    """Colours (height, height, 3) and opacity (height, height), 0..255."""
    size = (height, height)
    with Image.open(FOLDER / "images" / f"{name}.webp") as image:
        colours = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32)
    with Image.open(FOLDER / "alphas" / f"{name}.png") as image:
        return colours, np.asarray(image.convert("L").resize(size, Image.Resampling.BICUBIC), np.float32)


def _surroundings(height: int, width: int, seed: int) -> Array:
    """(height, width, 3), 0..255: colour clouds of three sizes and some hard-edged things."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), rng.uniform(70, 150, 3))
    for cells, gain in ((3, 40), (12, 25), (60, 15)):
        for c in range(3):
            coarse = Image.fromarray(rng.uniform(-gain, gain, (cells, 2 * cells)).astype(np.float32))
            picture[..., c] += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    for _ in range(30):
        y, x, h, w = rng.integers(0, height), rng.integers(0, width), *rng.integers(8, 60, 2)
        picture[y : y + h, x : x + w] = rng.uniform(20, 235, 3)
    return picture.clip(0, 255)


def _moved(plane: Array, left: float, width: int) -> Array:
    """`plane` with its left edge at `left` of a picture of that width, bilinear; beyond it 0."""
    return np.asarray(
        Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).transform(
            (width, plane.shape[0]), Image.Transform.AFFINE, (1, 0, -left, 0, 1, 0), Image.Resampling.BILINEAR
        )
    )
