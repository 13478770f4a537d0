"""TensorFlow function -> `.tflite` bytes, by recipe, with TFLiteConverter."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.types import Recipe
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.errors import InputError

__all__ = ["INPUT_NAME", "OUTPUT_NAME", "quantize"]

INPUT_NAME = "image"
OUTPUT_NAME = "output"


def quantize(
    function: Callable[[Any], Any],
    height: int,
    width: int,
    recipe: Recipe,
    calibration: Iterable[npt.NDArray[np.float32]] | None,
    *,
    uint8_input: bool = False,
) -> bytes:
    """Convert.

    Args:
        function: normalised image [1, height, width, 3] float32 -> output.
        height, width: static input size. A static shape keeps dilated convolutions whole: with an open one the
            converter leaves SpaceToBatchND behind.
        recipe: how to quantize.
        calibration: images as `function` takes them, [1, height, width, 3] float32, read once; needed by `int8`.
        uint8_input: the function itself takes uint8 (a camera frame in a float file).

    Raises:
        InputError: int8 without calibration images.
    """
    import tensorflow as tf

    signature = tf.TensorSpec((1, height, width, 3), tf.uint8 if uint8_input else tf.float32, INPUT_NAME)
    # TensorFlow's C++ converter writes pages to stderr whatever the log level.
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder, native_stderr_silenced():
        model = str(Path(folder) / "model")
        _save(function, signature, model)
        converter = tf.lite.TFLiteConverter.from_saved_model(model)
        if recipe is not Recipe.FP32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if recipe is Recipe.FP16:
            converter.target_spec.supported_types = [tf.float16]
        if recipe is Recipe.INT8:
            if calibration is None:
                raise InputError("recipe int8 needs photos for its activation ranges: give --calibrate FOLDER")
            images = calibration
            converter.representative_dataset = lambda: ([image] for image in images)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.uint8
        return bytes(converter.convert())


def _save(function: Callable[[Any], Any], signature: Any, folder: str) -> None:
    """A SavedModel: it gives the file the one signature that other tools look for."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # The converter leaves Keras 3 variables as READ_VARIABLE ops; freeze them first.
    frozen = convert_variables_to_constants_v2(tf.function(function).get_concrete_function(signature))
    holder: Any = tf.Module()
    holder.function = tf.function(lambda image: {OUTPUT_NAME: frozen(image)[0]}, input_signature=[signature])
    tf.saved_model.save(holder, folder, signatures=holder.function.get_concrete_function())
