"""The effects that come with portraitlite. Each is a small object that is called with (rgb, weight); see `Effect`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageOps

from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.layers.extend import extend_colours
from portraitlite.runtime.layers.paint import CLEAN

if TYPE_CHECKING:
    from portraitlite.runtime.photo import Photo

__all__ = ["MAX_BRIGHTNESS", "Blur", "Brightness", "Desaturate", "Replace"]

MAX_BRIGHTNESS = 4.0

Bytes = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Blur:
    """The portrait's blur on one layer; no colour of other layers gets into it.

    Attributes:
        strength: 0..1, as for portraits.
        renderer: holds the blur graphs.
    """

    strength: float
    renderer: BlurRenderer = dataclasses.field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise InputError(f"blur is {self.strength}; give a strength from 0 to 1")

    def __call__(self, rgb: Bytes, weight: Bytes) -> Bytes:
        if self.strength == 0:
            return rgb
        clean = weight >= CLEAN
        # With the layer's own colours all around it, nothing has to stay sharp and the rim gets no foreign light.
        return self.renderer.render(
            extend_colours(rgb, clean, ~clean), np.zeros((1, 1), np.uint8), strength=self.strength
        )


@dataclasses.dataclass(frozen=True)
class Desaturate:
    """Towards grey (BT.601 luma).

    Attributes:
        amount: 0 (unchanged) to 1 (grey).
    """

    amount: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise InputError(f"desaturate is {self.amount}; give an amount from 0 to 1")

    def __call__(self, rgb: Bytes, weight: Bytes) -> Bytes:
        return np.asarray(ImageEnhance.Color(Image.fromarray(rgb)).enhance(1 - self.amount))


@dataclasses.dataclass(frozen=True)
class Brightness:
    """Times a factor, in the photo's own encoding.

    Attributes:
        factor: 0 (black) to 4; 1 leaves the photo as it is.
    """

    factor: float

    def __post_init__(self) -> None:
        if not 0 <= self.factor <= MAX_BRIGHTNESS:
            raise InputError(f"brightness is {self.factor}; give a factor from 0 to {MAX_BRIGHTNESS:g}")

    def __call__(self, rgb: Bytes, weight: Bytes) -> Bytes:
        table = (np.arange(256) * self.factor + 0.5).clip(0, 255).astype(np.uint8)
        return table[rgb]


@dataclasses.dataclass(frozen=True)
class Replace:
    """Another picture instead: scaled and cropped around its middle so that it just covers the layer.

    Attributes:
        picture: its pixels are taken as they are, without regard to profiles.
    """

    picture: Photo = dataclasses.field(repr=False)

    def __call__(self, rgb: Bytes, weight: Bytes) -> Bytes:
        rows, columns = np.flatnonzero(weight.any(1)), np.flatnonzero(weight.any(0))
        if not rows.size:
            return rgb
        top, left, bottom, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
        fitted = ImageOps.fit(
            Image.fromarray(self.picture.pixels), (right - left, bottom - top), Image.Resampling.LANCZOS
        )
        out = rgb.copy()
        out[top:bottom, left:right] = np.asarray(fitted)
        return out
