"""What to quantize and how, for both engines."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any

from portraitlite.convert.quantization.learning import DEFAULT_STEPS
from portraitlite.convert.types import Recipe

__all__ = ["CALIBRATED", "Engine", "FloatNetwork", "QuantizeOptions"]

CALIBRATED = frozenset({Recipe.INT8, Recipe.INT16X8, Recipe.MIXED})


class Engine(enum.StrEnum):
    """Who writes the quantized file.

    TFLITE_CONVERTER: TensorFlow's own. LITERT_QUANTIZER: the package of this name, with our equalization, scales and
    learning in front of it.
    """

    TFLITE_CONVERTER = "tflite-converter"
    LITERT_QUANTIZER = "litert-quantizer"


@dataclasses.dataclass(frozen=True)
class FloatNetwork:
    """The network to quantize.

    Attributes:
        function: normalised image [1, height, width, 3] float32 (uint8 with `uint8_input`) -> output.
        height, width: static input size. A static shape keeps dilated convolutions whole: with an open one the
            converter leaves SpaceToBatchND behind.
        mean, std: the image is (byte - mean) / std.
        uint8_input: the function itself takes uint8 (a camera frame in a float file).
    """

    function: Callable[[Any], Any]
    height: int
    width: int
    mean: float = 127.5
    std: float = 127.5
    uint8_input: bool = False


@dataclasses.dataclass(frozen=True)
class QuantizeOptions:
    """How to quantize.

    Attributes:
        recipe: see `Recipe`.
        engine: None takes the one that measured better for the recipe.
        updates: steps of learning from the float network (int8 and mixed, litert-quantizer); 0 is none.
        float_layers: of a mixed file, regular expressions over whole layer names; none takes `default_float_ops`.
        ranges: node of a training graph -> (minimum, maximum) that quantization-aware training learned (int8 and mixed,
            litert-quantizer).
        learn_kernels: learn the kernels too, not only ranges and biases.
    """

    recipe: Recipe
    engine: Engine | None = None
    updates: int = DEFAULT_STEPS
    float_layers: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    learn_kernels: bool = False
