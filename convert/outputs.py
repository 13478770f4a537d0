"""From a network's logits to what the file takes and puts out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from portraitlite.convert.networks.build import LOGITS_SCOPE
from portraitlite.convert.networks.layers import Network, layer_name
from portraitlite.convert.spec import DeepLabSpec, Head
from portraitlite.convert.types import LabelsType, OutputSize
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import OutputKind, ResizeConvention

__all__ = ["OutputSpec", "output_function", "with_camera_input"]

Function = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class OutputSpec:
    """What to put out.

    Attributes:
        kind: labels, logits or confidence.
        label_index: the one class of a confidence output; None for all classes.
        size: of logits and confidences.
        labels_type: of labels.
    """

    kind: OutputKind = OutputKind.LABELS
    label_index: int | None = None
    size: OutputSize = OutputSize.NETWORK
    labels_type: LabelsType = LabelsType.UINT8

    def check(self, spec: DeepLabSpec) -> None:
        """Raises InputError where the network cannot give this."""
        index = self.label_index
        if index is not None and (self.kind is not OutputKind.CONFIDENCE or not 0 <= index < spec.classes):
            raise InputError(f"one class (index {index}) can only be put out as confidence, of 0..{spec.classes - 1}")
        labels = self.kind is OutputKind.LABELS
        if labels and self.labels_type is LabelsType.UINT8 and spec.classes > 256:
            raise InputError(f"a uint8 label map holds 256 classes, the network has {spec.classes}; choose int32")
        if labels and self.size is OutputSize.FULL:
            raise InputError("labels are always at input size; --output-size is for logits and confidence")


def output_function(network: Network, spec: DeepLabSpec, output: OutputSpec) -> Function:
    """TensorFlow function: normalised image [1, H, W, 3] float32 -> output.

    labels: [1, H, W] at crop size, from logits upsampled as the official graph does. logits: [1, h, w, classes]
    float32. confidence: [1, h, w, classes] softmax, or [1, h, w, 1] for one label.

    Args:
        network: with its weights loaded.
        spec: of the network.
        output: what to put out.

    Raises:
        InputError: see `OutputSpec.check`.
    """
    import tensorflow as tf

    output.check(spec)
    full = output.size is OutputSize.FULL or output.kind is OutputKind.LABELS

    def upsampled(x: Any) -> Any:
        if not full or tuple(x.shape[1:3]) == (spec.crop_height, spec.crop_width):
            return x
        return tf.raw_ops.ResizeBilinear(
            images=x,
            size=[spec.crop_height, spec.crop_width],
            align_corners=spec.resize_convention is ResizeConvention.ALIGN_CORNERS,
            half_pixel_centers=spec.resize_convention is ResizeConvention.HALF_PIXEL,
        )

    index = output.label_index
    if index is not None and spec.classes == 2 and spec.head is not Head.LR_ASPP and not spec.residual:
        difference = _logit_difference(network, index)
        return lambda image: tf.sigmoid(upsampled(difference(image)))

    def put_out(image: Any) -> Any:
        logits = upsampled(network.model(image, training=False))
        if output.kind is OutputKind.LOGITS:
            return tf.identity(logits)
        if output.kind is OutputKind.CONFIDENCE:
            confidence: Any = tf.nn.softmax(logits)
            return confidence if index is None else confidence[..., index : index + 1]
        # int32: with int64 the GPU delegates refuse the op and the copy out of a phone's NPU doubles.
        labels = tf.argmax(logits, axis=3, output_type=tf.int32)
        return labels if output.labels_type is LabelsType.INT32 else tf.cast(labels, tf.uint8)

    return put_out


def with_camera_input(function: Function, spec: DeepLabSpec, mean: float, std: float, *, cast: bool) -> Function:
    """The same function on camera frames: RGB [1, H, W, 3] of any size, values 0..255.

    The frame is stretched to the crop inside the graph: bilinear with half-pixel centres and no antialiasing, so frames
    far larger than the crop alias. Then it is normalised.

    Args:
        function: from `output_function`.
        spec: of the network.
        mean, std: of the normalisation.
        cast: the frame arrives as uint8 (float recipes); otherwise as float32 that quantization turns into uint8.
    """
    import tensorflow as tf

    def put_out(frame: Any) -> Any:
        pixels = tf.cast(frame, tf.float32) if cast else frame
        size = [spec.crop_height, spec.crop_width]
        pixels = tf.raw_ops.ResizeBilinear(images=pixels, size=size, align_corners=False, half_pixel_centers=True)
        return function((pixels - mean) * (1 / std))

    return put_out


def _logit_difference(network: Network, label_index: int) -> Function:
    """l1 - l0 with the subtraction folded into the last convolution: one channel, no softmax."""
    import keras
    import tensorflow as tf

    last = network.model.get_layer(layer_name(LOGITS_SCOPE))
    features = keras.Model(network.model.input, last.input)
    kernel, bias = last.get_weights()
    sign = np.float32(1 if label_index == 1 else -1)
    difference = sign * (kernel[..., 1:] - kernel[..., :1])
    offset = sign * (bias[1:] - bias[:1])
    return lambda image: tf.nn.conv2d(features(image, training=False), difference, 1, "SAME") + offset
