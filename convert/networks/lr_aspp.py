"""The light head of MobileNetV3 (Howard et al. 2019, arXiv 1905.02244, figure 10; official `model.py` with
`aspp_with_squeeze_and_excitation`, `decoder_use_sum_merge` and `decoder_output_is_logits`).

A coarse gate weights the features; it varies over the picture where the pooling window is smaller than the map. A sum
with low-level features refines the logits. Gate and logits have biases instead of batch norms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.layers import LayerMaker, hard_sigmoid
from portraitlite.convert.spec import DeepLabSpec, Head, scale_dimension
from portraitlite.runtime.errors import InputError

__all__ = ["POOLING_CROP", "POOLING_STRIDE", "infer_lr_aspp", "lr_aspp", "pooling_window"]

# `image_pooling_crop_size` and `image_pooling_stride` of the official Cityscapes networks; no variable shows them.
POOLING_CROP = (769, 769)
POOLING_STRIDE = (4, 5)


def pooling_window(spec: DeepLabSpec) -> tuple[int, int]:
    """(height, width) of the pooling window in features; the whole map without an image pooling crop.

    Raises:
        InputError: the window is larger than the feature map.
    """
    crop = (spec.crop_height, spec.crop_width)
    pooling_crop = spec.image_pooling_crop or crop
    window = tuple(scale_dimension(side, spec.output_stride) for side in pooling_crop)
    smallest = [(side - 1) * spec.output_stride + 1 for side in window]
    if any(side < least for side, least in zip(crop, smallest, strict=True)):
        raise InputError(
            f"crop {crop[0]}x{crop[1]} is too small for this network: its image pooling crop "
            f"{pooling_crop[0]}x{pooling_crop[1]} at output stride {spec.output_stride} is a window of "
            f"{window[0]}x{window[1]} features; choose a crop of at least {smallest[0]}x{smallest[1]}"
        )
    return window[0], window[1]


def lr_aspp(make: LayerMaker, features: Any, skips: Mapping[int, Any], spec: DeepLabSpec) -> Any:
    """Features and low-level features by stride -> logits [N, h, w, classes] at the decoder stride.

    Raises:
        InputError: no decoder stride, a residual head, or a crop smaller than the pooling window.
    """
    if spec.decoder_stride is None or spec.residual:
        raise InputError(
            "an LR-ASPP head adds low-level features to its own logits: give decoder stride 8, no residual"
        )
    window, size = pooling_window(spec), (int(features.shape[1]), int(features.shape[2]))
    if window == size:
        pooled = make.mean(features, "image_pooling/mean")
    else:
        pooled = make.average_pool(features, "image_pooling/pool", window=window, stride=spec.image_pooling_stride)
    gate = make.conv(pooled, "image_pooling", spec.aspp_filters, activation=hard_sigmoid, epsilon=None)
    if gate.shape[1:3] != (1, 1):
        gate = make.resize(gate, *size, "image_pooling/resize")
    x = make.conv(features, "aspp0", spec.aspp_filters, activation="relu")
    x = make.scale(x, gate, "aspp0/scale")
    # The official code resizes first. A 1x1 convolution commutes with that: the same logits at a sixteenth of the work.
    x = make.conv(x, "decoder/decoder_conv0", spec.classes, epsilon=None)
    low = make.conv(skips[spec.decoder_stride], "decoder/feature_projection0", spec.classes, epsilon=None)
    x = make.resize(x, *spec.logits_size, "decoder/resize_logits")
    low = make.resize(low, *spec.logits_size, "decoder/resize_low_level")
    return make.add(x, low, "decoder/add")


def infer_lr_aspp(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Any, str]]:
    """Field of `DeepLabSpec` -> (value, variable that says so); empty where the variables have another head."""
    gate, branch, logits = "image_pooling/biases", "aspp0/weights", "decoder/decoder_conv0/biases"
    if any(name not in shapes for name in (gate, branch, logits)):
        return {}
    classes = shapes[logits][0]
    return {
        "head": (Head.LR_ASPP, gate),
        "aspp_filters": (shapes[branch][-1], branch),
        "classes": (classes, logits),
        "decoder_filters": (classes, logits),
    }
