"""TensorFlow function -> `.tflite` bytes with TFLiteConverter."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.types import FloatNetwork
from portraitlite.convert.types import Recipe
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.errors import InputError

__all__ = ["INPUT_NAME", "OUTPUT_NAME", "RECIPES", "convert_with_tensorflow"]

INPUT_NAME = "image"
OUTPUT_NAME = "output"
RECIPES = frozenset(Recipe) - {Recipe.MIXED}


def convert_with_tensorflow(
    network: FloatNetwork, recipe: Recipe, calibration: Iterable[npt.NDArray[np.float32]] | None
) -> bytes:
    """Convert.

    Args:
        network: what to convert.
        recipe: one of `RECIPES`.
        calibration: images as `network.function` takes them, read once; needed by int8 and int16x8.

    Raises:
        InputError: images are missing, or the recipe is not among those that this converter can do.
    """
    import tensorflow as tf

    if recipe not in RECIPES:
        raise InputError(f"TFLiteConverter cannot make {recipe} files; use the engine litert-quantizer")
    dtype = tf.uint8 if network.uint8_input else tf.float32
    signature = tf.TensorSpec((1, network.height, network.width, 3), dtype, INPUT_NAME)
    # TensorFlow's C++ converter writes pages to stderr whatever the log level.
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder, native_stderr_silenced():
        model = str(Path(folder) / "model")
        _save(network.function, signature, model)
        converter = tf.lite.TFLiteConverter.from_saved_model(model)
        if recipe is not Recipe.FP32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if recipe is Recipe.FP16:
            converter.target_spec.supported_types = [tf.float16]
        if recipe in (Recipe.INT8, Recipe.INT16X8):
            if calibration is None:
                raise InputError(f"recipe {recipe} needs photos for its activation ranges: give --calibrate FOLDER")
            images = list(calibration)
            if not images:
                raise InputError(f"recipe {recipe} needs at least one photo for its activation ranges; it got none")
            converter.representative_dataset = lambda: ([image] for image in images)
        if recipe is Recipe.INT8:
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.uint8
        if recipe is Recipe.INT16X8:
            ops = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            converter.target_spec.supported_ops = [ops]
        _return_memory()
        model_bytes = bytes(converter.convert())
    _return_memory()
    return model_bytes


def _return_memory() -> None:
    """Give freed memory back: glibc keeps what was used before, 5 GB for an Xception-65, and the next step adds."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # other C libraries do so by themselves, or have no such call
        ctypes.CDLL(None).malloc_trim(0)


def _save(function: Callable[[Any], Any], signature: Any, folder: str) -> None:
    """A SavedModel: it gives the file the one signature that other tools look for."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # The converter leaves Keras 3 variables as READ_VARIABLE ops; freeze them first.
    frozen = convert_variables_to_constants_v2(tf.function(function).get_concrete_function(signature))
    holder: Any = tf.Module()
    holder.function = tf.function(lambda image: {OUTPUT_NAME: frozen(image)[0]}, input_signature=[signature])
    tf.saved_model.save(holder, folder, signatures=holder.function.get_concrete_function())
