"""`quantize`: a function of TensorFlow -> `.tflite` with TFLiteConverter alone; see `quantize_network` for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import INPUT_NAME, OUTPUT_NAME, convert_with_tensorflow
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
    """Convert; weights keep their places and values but for rounding.

    Args:
        function: normalised image [1, height, width, 3] float32 -> output.
        height, width: static input size.
        recipe: how to quantize; not `mixed`.
        calibration: images as `function` takes them, [1, height, width, 3] float32, read once.
        uint8_input: the function itself takes uint8 (a camera frame in a float file).

    Raises:
        InputError: a recipe with calibration gets no images.
    """
    network = FloatNetwork(function, height, width, uint8_input=uint8_input)
    return convert_with_tensorflow(network, recipe, calibration)
