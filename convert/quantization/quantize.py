"""One function for every recipe and both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.litert_quantizer import quantize_with_litert
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.quantization.types import Engine, FloatNetwork, QuantizeOptions
from portraitlite.convert.types import Recipe

__all__ = ["best_engine", "quantize_network"]

# By agreement with the float model, see docs/quantization.md.
BEST = {
    Recipe.FP32: Engine.TFLITE_CONVERTER,
    Recipe.FP16: Engine.TFLITE_CONVERTER,
    Recipe.DYNAMIC_WI8: Engine.TFLITE_CONVERTER,
    # With learning; where that is left out, TFLiteConverter is as good, see `plan_quantization`.
    Recipe.INT8: Engine.LITERT_QUANTIZER,
    Recipe.INT16X8: Engine.LITERT_QUANTIZER,
    Recipe.MIXED: Engine.LITERT_QUANTIZER,
}


def best_engine(recipe: Recipe) -> Engine:
    """The engine that measured better for a recipe."""
    return BEST[recipe]


def quantize_network(
    network: FloatNetwork,
    options: QuantizeOptions,
    calibration: Iterable[npt.NDArray[np.float32]] | None = None,
    *,
    float_model: bytes | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
    remark: Callable[[str], None] = lambda line: None,
) -> bytes:
    """Convert and quantize.

    Args:
        network: what to convert.
        options: recipe, engine, learning, float layers.
        calibration: images as `network.function` takes them, [1, height, width, 3] float32, read once; needed by
            int8, int16x8 and mixed.
        float_model: the fp32 file of `network`, where it is at hand; saves a conversion with litert-quantizer.
        progress: called with (stage, done, total); the stage here is `learn`.
        remark: called with one line for each thing that the result card should say.

    Returns:
        the `.tflite` file. int8 takes and gives uint8 (labels: what the function gives); mixed takes uint8.

    Raises:
        InputError: photos are missing, a float layer is unknown, or the engine cannot do the recipe.
        MissingDependencyError: litert-quantizer is needed and not installed.
    """
    engine = options.engine or best_engine(options.recipe)
    if engine is Engine.TFLITE_CONVERTER:
        return convert_with_tensorflow(network, options.recipe, calibration)
    model = float_model or convert_with_tensorflow(network, Recipe.FP32, None)
    return quantize_with_litert(model, options, calibration, network.mean, network.std, progress, remark)
