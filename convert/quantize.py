"""`quantize`: the short form of `quantize_network`, without options."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization import FloatNetwork, QuantizeOptions, quantize_network
from portraitlite.convert.quantization.tflite_converter import INPUT_NAME, OUTPUT_NAME
from portraitlite.convert.types import Recipe

__all__ = ["INPUT_NAME", "OUTPUT_NAME", "quantize"]


def quantize(
    function: Callable[[Any], Any],
    height: int,
    width: int,
    recipe: Recipe,
    calibration: Iterable[npt.NDArray[np.float32]] | None,
    *,
    uint8_input: bool = False,
) -> bytes:
    """Convert and quantize with the defaults.

    Args:
        function: normalised image [1, height, width, 3] float32 -> output.
        height, width: static input size.
        recipe: how to quantize.
        calibration: images as `function` takes them, [1, height, width, 3] float32, read once.
        uint8_input: the function itself takes uint8 (a camera frame in a float file).

    Raises:
        InputError: a recipe with calibration gets no images.
    """
    network = FloatNetwork(function, height, width, uint8_input=uint8_input)
    return quantize_network(network, QuantizeOptions(recipe), calibration)
