"""Changes of the pixels that leave the shapes where they are: light, colour, lens, sensor, compression."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from portraitlite.convert.training.config import AugmentationConfig

__all__ = ["change_colours"]

LIGHT = (0.6, 1.4)
CONTRAST = (0.45, 1.4)  # low on purpose: dark coats before dark ground, grey shoulders before grey walls
SATURATION = (0.3, 1.5)
WHITE_BALANCE = (0.88, 1.12)
BLUR_RADIUS = (0.5, 1.6)
NOISE = (0.0, 0.05)  # standard deviation, as a part of white
JPEG_QUALITY = (25, 90)


def change_colours(
    rng: np.random.Generator, config: AugmentationConfig, image: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB -> the same, changed at random."""
    values = image.astype(np.float32)
    if rng.random() < config.colour:
        values *= np.float32(rng.uniform(*LIGHT))
        mean = values.mean()
        values = (values - mean) * np.float32(rng.uniform(*CONTRAST)) + mean
        gray = values.mean(axis=2, keepdims=True)
        values = (values - gray) * np.float32(rng.uniform(*SATURATION)) + gray
        values *= rng.uniform(*WHITE_BALANCE, 3).astype(np.float32)
    if rng.random() < config.gray:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < config.blur:
        radius = float(rng.uniform(*BLUR_RADIUS))
        values = np.asarray(Image.fromarray(_bytes(values)).filter(ImageFilter.GaussianBlur(radius)), np.float32)
    if rng.random() < config.noise:
        deviation = np.float32(255 * rng.uniform(*NOISE))
        values = values + rng.standard_normal(values.shape, np.float32) * deviation
    result = _bytes(values)
    if rng.random() < config.jpeg:
        stream = io.BytesIO()
        Image.fromarray(result).save(stream, "JPEG", quality=int(rng.integers(*JPEG_QUALITY)))
        result = np.asarray(Image.open(stream))
    return result


def _bytes(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
