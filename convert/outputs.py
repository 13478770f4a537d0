"""From the network's logits to what the file puts out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from portraitlite.convert.networks.build import LOGITS_SCOPE
from portraitlite.convert.networks.layers import Network, layer_name
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import OutputKind, ResizeConvention

__all__ = ["output_function"]


def output_function(
    network: Network, spec: DeepLabSpec, kind: OutputKind, label_index: int | None
) -> Callable[[Any], Any]:
    """TensorFlow function: normalised image [1, H, W, 3] float32 -> output.

    labels: [1, H, W, 1]-free label map [1, H, W] uint8 at crop size, from logits upsampled as the official graph does.
    logits: [1, h, w, classes] float32. confidence: [1, h, w, classes] softmax, or [1, h, w, 1] for one label.

    Args:
        network: with its weights loaded.
        spec: of the network.
        kind: what to put out.
        label_index: the one class of a `confidence` output; None for all classes.

    Raises:
        InputError: the class does not exist or the kind has no single class.
    """
    import tensorflow as tf

    if label_index is not None and (kind is not OutputKind.CONFIDENCE or not 0 <= label_index < spec.classes):
        raise InputError(f"one class (index {label_index}) can only be put out as confidence, of 0..{spec.classes - 1}")
    if kind is OutputKind.LABELS and spec.classes > 256:
        raise InputError(f"a uint8 label map holds 256 classes, the network has {spec.classes}; choose logits")

    if kind is OutputKind.CONFIDENCE and label_index is not None and spec.classes == 2 and not spec.residual:
        return _two_class_confidence(network, label_index)

    def put_out(image: Any) -> Any:
        logits = network.model(image, training=False)
        if kind is OutputKind.LOGITS:
            return tf.identity(logits)
        if kind is OutputKind.CONFIDENCE:
            confidence: Any = tf.nn.softmax(logits)
            return confidence if label_index is None else confidence[..., label_index : label_index + 1]
        if tuple(logits.shape[1:3]) != (spec.crop_height, spec.crop_width):
            logits = tf.raw_ops.ResizeBilinear(
                images=logits,
                size=[spec.crop_height, spec.crop_width],
                align_corners=spec.resize_convention is ResizeConvention.ALIGN_CORNERS,
                half_pixel_centers=spec.resize_convention is ResizeConvention.HALF_PIXEL,
            )
        # int32: with int64 the GPU delegates refuse the op and the copy out of a phone's NPU doubles.
        return tf.cast(tf.argmax(logits, axis=3, output_type=tf.int32), tf.uint8)

    return put_out


def _two_class_confidence(network: Network, label_index: int) -> Callable[[Any], Any]:
    """sigmoid(l1 - l0) with the subtraction folded into the last convolution: one channel, no softmax."""
    import keras
    import tensorflow as tf

    last = network.model.get_layer(layer_name(LOGITS_SCOPE))
    features = keras.Model(network.model.input, last.input)
    kernel, bias = last.get_weights()
    sign = np.float32(1 if label_index == 1 else -1)
    difference = sign * (kernel[..., 1:] - kernel[..., :1])
    offset = sign * (bias[1:] - bias[:1])

    def put_out(image: Any) -> Any:
        return tf.sigmoid(tf.nn.conv2d(features(image, training=False), difference, 1, "SAME") + offset)

    return put_out
