"""Made pictures with a subject, for the blur's tests. Load with `runpy.run_path`."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def subject_shape(height: int, width: int) -> Array:
    """(height, width) bool: a head over shoulders."""
    y, x = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None] + 0.5) / width
    head = ((x - 0.5) / 0.13) ** 2 + ((y - 0.4) / 0.2) ** 2 < 1
    shoulders = ((x - 0.5) / 0.3) ** 2 + ((y - 1.0) / 0.42) ** 2 < 1
    return head | shoulders


def portrait(height: int, width: int, *, subject: tuple[int, int, int] = (60, 110, 190), seed: int = 0) -> Array:
    """(height, width, 3) uint8: a subject of one textured colour before colourful clouds with sharp lights."""
    rng = np.random.default_rng(seed)
    y, x = np.arange(height)[:, None, None] / height, np.arange(width)[None, :, None] / width
    phase = rng.uniform(0, 6, (4, 3))
    clouds = sum(np.sin(x * f + y * g + p) for f, g, p in zip((9, -14, 31, 5), (7, 20, -9, 40), phase, strict=True))
    scene: Array = np.asarray(110 + 22 * clouds)
    for row, column in rng.integers(0, (height, width), (40, 2)):
        scene[row : row + max(1, height // 90), column : column + max(1, height // 90)] = rng.integers(120, 256, 3)
    texture = 12 * np.sin(x * 90) * np.sin(y * 70)
    scene = np.where(subject_shape(height, width)[..., None], np.array(subject) + texture, scene)
    return (scene + rng.normal(0, 2, scene.shape)).clip(0, 255).astype(np.uint8)


def mask(size: int = 257) -> Array:
    """(size, size) uint8: the subject's shape, as a network of that resolution would give it."""
    fine = subject_shape(4 * size, 4 * size).reshape(size, 4, size, 4).mean((1, 3))
    return (255 * fine).astype(np.uint8)
