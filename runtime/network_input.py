"""How a photo becomes the network's input: one rule for calibration, the desktop and the phone.

The resize is Pillow's 8-bit BILINEAR (two passes, antialiased, fixed point); its result is uint8, so that a quantized
model on the phone and a float model on the desktop start from the same bytes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.backends import TensorInfo
from portraitlite.runtime.bilinear import bilinear
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import Fit

__all__ = ["NetworkInput", "fit_photo", "input_tensor", "normalise"]

PAD_BYTE = 128  # the mean pixel 127.5 on the byte grid


@dataclasses.dataclass(frozen=True)
class NetworkInput:
    """A photo at network size.

    Attributes:
        pixels: (input_height, input_width, 3) uint8 RGB.
        used_height, used_width: the part that shows the photo; the rest, right and below, is padding.
    """

    pixels: npt.NDArray[np.uint8]
    used_height: int
    used_width: int


def fit_photo(pixels: npt.NDArray[np.uint8], height: int, width: int, fit: Fit, threads: int = 1) -> NetworkInput:
    """(H, W, 3) uint8 RGB -> (height, width, 3) uint8 RGB.

    STRETCH fills the input. PAD scales by the smaller ratio, truncates both sides to whole pixels and puts the photo at
    the top left (as the official demo and evaluation do). The result is the same for any number of threads.
    """
    if fit is Fit.STRETCH:
        used_height, used_width = height, width
    else:
        ratio = min(height / pixels.shape[0], width / pixels.shape[1])
        used_height = min(height, max(1, int(pixels.shape[0] * ratio + 1e-6)))
        used_width = min(width, max(1, int(pixels.shape[1] * ratio + 1e-6)))
    resized = bilinear(pixels, used_height, used_width, threads=threads)
    if (used_height, used_width) == (height, width):
        return NetworkInput(resized, height, width)
    padded = np.full((height, width, 3), PAD_BYTE, np.uint8)
    padded[:used_height, :used_width] = resized
    return NetworkInput(padded, used_height, used_width)


def normalise(source: NetworkInput, mean: float, std: float) -> npt.NDArray[np.float32]:
    """(1, H, W, 3) float32: (pixel - mean) / std, and exactly 0 in the padding, as in the official graph."""
    result = (source.pixels.astype(np.float32) - np.float32(mean)) / np.float32(std)
    result[source.used_height :] = 0
    result[:, source.used_width :] = 0
    return result[None]


def input_tensor(source: NetworkInput, info: TensorInfo, metadata: ModelMetadata) -> npt.NDArray[Any]:
    """What to feed: normalised floats to a float model, the raw bytes to a uint8 one, bytes - 128 to an int8 one.

    A quantized input of scale 1/127.5 puts normalised values on the byte grid within half a step; feeding the bytes
    themselves is the one rule of calibration, desktop and phone.

    Raises:
        InputError: the input is of another type.
    """
    if info.dtype == np.float32:
        return normalise(source, metadata.mean, metadata.std)
    if info.dtype == np.uint8:
        return source.pixels[None]
    if info.dtype == np.int8:
        return (source.pixels ^ 0x80).view(np.int8)[None]
    raise InputError(f"the model takes {info.dtype} pictures; float32, uint8 and int8 can be fed")
