"""Which part of a photo the network sees."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from portraitlite.convert.training.config import AugmentationConfig

__all__ = ["Window", "choose_window"]

ASPECT = (0.6, 1.65)  # of the crop relative to the photo: the photo is stretched to the input at inference too
PHONE_FRAMES = (4 / 3, 3 / 4)
ZOOM_AREA = (0.08, 0.3)
ZOOM_SUBJECT = 0.25  # a zoomed crop shows at least so much subject
ZOOM_TRIES = 10


@dataclasses.dataclass(frozen=True)
class Window:
    """A part of a photo, in 0..1 of its height and width, and whether it is mirrored."""

    top: float = 0.0
    left: float = 0.0
    height: float = 1.0
    width: float = 1.0
    mirrored: bool = False

    def box(self, height: int, width: int) -> tuple[float, float, float, float]:
        """(left, upper, right, lower) in pixels of a photo of this size, as Pillow wants it."""
        return (
            self.left * width,
            self.top * height,
            min((self.left + self.width) * width, width),
            min((self.top + self.height) * height, height),
        )


def choose_window(rng: np.random.Generator, config: AugmentationConfig, subject: npt.NDArray[np.bool_]) -> Window:
    """Draw a crop.

    Args:
        rng: of this photo.
        config: probabilities.
        subject: (H, W), where the subject is; all False where unknown.
    """
    height, width = subject.shape
    mirrored = bool(rng.random() < 0.5)
    kind = rng.random()
    if kind < config.whole:
        return Window(mirrored=mirrored)
    if kind < config.whole + config.framing:
        ratio = PHONE_FRAMES[int(rng.integers(2))] * height / width
        shrink = math.sqrt(rng.uniform(0.5, 1.0))
        return _place(rng, shrink * min(1.0, 1 / ratio), shrink * min(1.0, ratio), mirrored)
    if kind < config.whole + config.framing + config.zoom:
        for _ in range(ZOOM_TRIES):
            window = _crop(rng, *ZOOM_AREA, mirrored)
            left, top, right, bottom = (int(side) for side in window.box(height, width))
            if subject[top : bottom + 1, left : right + 1].mean() > ZOOM_SUBJECT:
                return window
    return _crop(rng, config.smallest_area, 1.0, mirrored)


def _crop(rng: np.random.Generator, smallest: float, largest: float, mirrored: bool) -> Window:
    side = math.sqrt(rng.uniform(smallest, largest))
    aspect = math.exp(rng.uniform(math.log(ASPECT[0]), math.log(ASPECT[1])) / 2)
    return _place(rng, min(1.0, side * aspect), min(1.0, side / aspect), mirrored)


def _place(rng: np.random.Generator, height: float, width: float, mirrored: bool) -> Window:
    top, left = rng.uniform(0, 1 - height), rng.uniform(0, 1 - width)
    return Window(float(top), float(left), float(height), float(width), mirrored)
