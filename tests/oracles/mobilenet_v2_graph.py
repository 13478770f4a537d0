"""A TF1 GraphDef of a MobileNetV2 DeepLab, shaped like the official exports: node names, dilation by SpaceToBatchND,
fused batch norms, padding to the crop before the network, resize and argmax behind it.

The architecture is written out once more, in graph ops; the variables come from `mobilenet_v2_deeplab`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
tf1 = tf.compat.v1


def frozen(name: str, value: np.ndarray) -> Any:
    """A constant and the Identity that freezing leaves behind a variable."""
    return tf.identity(tf.constant(value, name=name), name=f"{name}/read")


def build(v: dict[str, np.ndarray], **options: Any) -> Any:
    """The GraphDef of `add_network` alone."""
    with tf1.Graph().as_default() as graph:
        add_network(v, **options)
    return graph.as_graph_def()


def add_network(
    v: dict[str, np.ndarray],
    *,
    crop: tuple[int, int] = (65, 97),
    output_stride: int = 16,
    align_corners: bool = True,
    style: str = "plain",
    spare_nodes: int = 0,
    variable: Callable[[str, np.ndarray], Any] = frozen,
) -> None:
    """Add the nodes to the current graph.

    Args:
        v: official variables.
        crop, output_stride, align_corners: of the network.
        style: `plain`; `folded` has batch norms folded into renamed constants, as the graph transforms leave them;
            `quantized` has fake quantization of weights and activations.
        spare_nodes: so many subtractions stand in front, so that numbered names shift as in other versions.
        variable: how a variable becomes a tensor.
    """

    def var(name: str) -> Any:
        return variable(name, v[name])

    def fake_quant(x: Any, scope: str, low: float, high: float) -> Any:
        if style != "quantized":
            return x
        ends = [
            variable(f"{scope}/{end}", np.asarray(value, np.float32)) for end, value in (("min", low), ("max", high))
        ]
        return tf.quantization.fake_quant_with_min_max_vars(x, *ends, name=f"{scope}/FakeQuantWithMinMaxVars")

    def convolve(x: Any, scope: str, stride: int, rate: int, depthwise: bool) -> Any:
        kernel_name = f"{scope}/{'depthwise_weights' if depthwise else 'weights'}"
        name = f"{scope}/{'depthwise' if depthwise else 'Conv2D'}"
        norm = f"{scope}/BatchNorm/"
        epsilon = 1e-3 if scope.startswith("MobilenetV2") else 1e-5
        scale = np.ones(1, np.float32)
        folding = style == "folded" and norm + "gamma" in v
        if folding:
            scale = v[norm + "gamma"] / np.sqrt(v[norm + "moving_variance"] + np.float32(epsilon))
            kernel = tf.constant(v[kernel_name] * (scale[:, None] if depthwise else scale), name=f"{name}_weights")
        else:
            kernel = fake_quant(var(kernel_name), f"{scope}/weights_quant", -4.0, 4.0)
        padding, block, pads = "SAME", None, []
        if rate > 1:
            block = [rate, rate]
            sides = [int(n) for n in x.shape[1:3]]
            pads = [[rate, rate + (-(side + 2 * rate)) % rate] for side in sides]
            x = tf.space_to_batch_nd(x, block, pads, name=f"{name}/SpaceToBatchND")
            padding = "VALID"
        op = tf1.nn.depthwise_conv2d_native if depthwise else tf1.nn.conv2d
        x = op(x, kernel, strides=[1, stride, stride, 1], padding=padding, name=name)
        if block is not None:
            crops = [[0, pad[1] - rate] for pad in pads]
            x = tf.batch_to_space(x, block, crops, name=f"{name}/BatchToSpaceND")
        if f"{scope}/biases" in v:
            return tf.nn.bias_add(x, var(f"{scope}/biases"), name=f"{scope}/BiasAdd")
        if folding:
            bias = tf.constant(v[norm + "beta"] - v[norm + "moving_mean"] * scale, name=f"{name}_bn_offset")
            return tf.nn.bias_add(x, bias, name=f"{scope}/BatchNorm/FusedBatchNorm")
        parts = [var(norm + part) for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        return tf1.nn.fused_batch_norm(x, *parts, epsilon=epsilon, is_training=False, name=f"{norm}FusedBatchNormV3")[0]

    def layer(
        x: Any, scope: str, activation: str = "", *, stride: int = 1, rate: int = 1, depthwise: bool = False
    ) -> Any:
        x = convolve(x, scope, stride, rate, depthwise)
        if activation:
            x = getattr(tf.nn, activation.lower())(x, name=f"{scope}/{activation}")
            x = fake_quant(x, f"{scope}/act_quant", 0.0, 6.0)
        return x

    def resize(x: Any, size: tuple[int, int] | list[int]) -> Any:
        return tf1.image.resize_bilinear(x, list(size), align_corners=align_corners)

    for _ in range(spare_nodes):
        tf.subtract(1.0, 1.0)
    image = tf1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    x = tf.cast(image, tf.float32)
    shape = tf.shape(x)
    extra = [tf.maximum(crop[i] - shape[i + 1], 0) for i in range(2)]
    paddings: Any = [[0, 0], [0, extra[0]], [0, extra[1]], [0, 0]]
    x = tf.pad(x - 127.5, paddings) + 127.5
    x.set_shape([1, *crop, 3])
    x = tf.identity((2.0 / 255.0) * x - 1.0, name="MobilenetV2/MobilenetV2/input")
    x = layer(x, "MobilenetV2/Conv", "Relu6", stride=2)
    reached, rate, low = 2, 1, {}
    for i, stride in enumerate(STRIDES):
        scope = f"MobilenetV2/expanded_conv{f'_{i}' if i else ''}"
        own_stride, own_rate = (1, rate) if reached == output_stride else (stride, 1)
        rate = rate * stride if reached == output_stride else 1
        reached *= own_stride
        h = layer(x, f"{scope}/expand", "Relu6") if i else x
        h = low[i] = layer(h, f"{scope}/depthwise", "Relu6", stride=own_stride, rate=own_rate, depthwise=True)
        h = tf.identity(layer(h, f"{scope}/project"), name=f"{scope}/project/Identity")
        x = tf.add(h, x, name=f"{scope}/add") if h.shape == x.shape else h
    size = [int(n) for n in x.shape[1:3]]
    pooled = layer(tf1.nn.avg_pool2d(x, [1, *size, 1], 1, "VALID", name="AvgPool2D/AvgPool"), "image_pooling", "Relu")
    x = tf.concat([resize(pooled, size), layer(x, "aspp0", "Relu")], 3)
    x = layer(x, "concat_projection", "Relu")
    if "decoder/feature_projection0/weights" in v:
        size = [int((n - 1) / 4 + 1) for n in crop]
        skip = layer(low[2], "decoder/feature_projection0", "Relu")
        x = tf.concat([resize(x, size), resize(skip, size)], 3)
        for i in range(2):
            x = layer(x, f"decoder/decoder_conv{i}_depthwise", "Relu", depthwise=True)
            x = layer(x, f"decoder/decoder_conv{i}_pointwise", "Relu")
    x = resize(layer(x, "logits/semantic"), size)  # the official graphs hold this resize, which does nothing
    labels = tf.argmax(resize(x, crop), 3, name="ArgMax")
    tf.identity(labels[:, : shape[1], : shape[2]], name="SemanticPredictions")
    # Another resize, under another convention and not above the labels, as the official probabilities have one.
    tf1.image.resize_bilinear(
        tf.nn.softmax(x), shape[1:3], align_corners=not align_corners, name="SemanticProbabilities"
    )


def run(graph_def: Any, fetch: str, image: np.ndarray) -> np.ndarray:
    """What TensorFlow computes for a uint8 [1, H, W, 3] picture."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return session.run(f"{fetch}:0", {"ImageTensor:0": image})
