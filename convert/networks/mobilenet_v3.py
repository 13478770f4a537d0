"""MobileNetV3 "seg" as the official DeepLab uses it (Howard et al. 2019, arXiv 1905.02244; slim `mobilenet_v3.py`).

The blocks of the last stride have half the paper's channels (`mobilenet_v3_large_seg`, `mobilenet_v3_small_seg` of
deeplab `core/feature_extractor.py`). Built up to the last convolution before the classifier.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.atrous import strides_and_dilations
from portraitlite.convert.networks.head_variables import infer_head
from portraitlite.convert.networks.layers import BACKBONE_EPSILON, LayerMaker, hard_swish, make_divisible
from portraitlite.convert.networks.lr_aspp import infer_lr_aspp
from portraitlite.convert.spec import Backbone, DeepLabSpec

__all__ = ["SCOPE", "Block", "infer", "mobilenet_v3"]

SCOPE = "MobilenetV3"
STEM_CHANNELS = 16


@dataclasses.dataclass(frozen=True)
class Block:
    """One row of tables 1 and 2 of the paper.

    Attributes:
        kernel: side of the depthwise kernel.
        expansion: `exp size`, channels of the depthwise convolution at depth multiplier 1.
        channels: `#out`, at depth multiplier 1.
        squeeze: `SE`, whether a squeeze-and-excite gate follows the depthwise convolution.
        nonlinearity: `NL`, RE (ReLU) or HS (hard swish).
        stride: `s`.
    """

    kernel: int
    expansion: int
    channels: int
    squeeze: bool
    nonlinearity: str
    stride: int


BLOCKS = {
    Backbone.MOBILENET_V3_LARGE_SEG: (
        Block(3, 16, 16, False, "RE", 1),
        Block(3, 64, 24, False, "RE", 2),
        Block(3, 72, 24, False, "RE", 1),
        Block(5, 72, 40, True, "RE", 2),
        Block(5, 120, 40, True, "RE", 1),
        Block(5, 120, 40, True, "RE", 1),
        Block(3, 240, 80, False, "HS", 2),
        Block(3, 200, 80, False, "HS", 1),
        Block(3, 184, 80, False, "HS", 1),
        Block(3, 184, 80, False, "HS", 1),
        Block(3, 480, 112, True, "HS", 1),
        Block(3, 672, 112, True, "HS", 1),
        Block(5, 336, 80, True, "HS", 2),
        Block(5, 480, 80, True, "HS", 1),
        Block(5, 480, 80, True, "HS", 1),
    ),
    Backbone.MOBILENET_V3_SMALL_SEG: (
        Block(3, 16, 16, True, "RE", 2),
        Block(3, 72, 24, False, "RE", 2),
        Block(3, 88, 24, False, "RE", 1),
        Block(5, 96, 40, True, "HS", 2),
        Block(5, 240, 40, True, "HS", 1),
        Block(5, 240, 40, True, "HS", 1),
        Block(5, 120, 48, True, "HS", 1),
        Block(5, 144, 48, True, "HS", 1),
        Block(5, 144, 48, True, "HS", 2),
        Block(5, 288, 48, True, "HS", 1),
        Block(5, 288, 48, True, "HS", 1),
    ),
}
LAST_CHANNELS = {Backbone.MOBILENET_V3_LARGE_SEG: 480, Backbone.MOBILENET_V3_SMALL_SEG: 288}
# The decoder's low-level features: depthwise output, before the gate, of `layer_4` and `layer_7` (large), `layer_2` and
# `layer_4` (small); a layer's number counts from the first convolution.
SKIP_BLOCKS = {
    Backbone.MOBILENET_V3_LARGE_SEG: {4: 2, 8: 5},
    Backbone.MOBILENET_V3_SMALL_SEG: {4: 0, 8: 2},
}


def _channels(value: int, depth_multiplier: float) -> int:
    return make_divisible(value * depth_multiplier, 8, 8)


def _block_channels(backbone: Backbone, depth_multiplier: float) -> list[tuple[int, int]]:
    """(expanded, output) channels of the blocks; the expansion multiplies the rounded channels that come in."""
    rows, nominal, incoming = [], STEM_CHANNELS, _channels(STEM_CHANNELS, depth_multiplier)
    for block in BLOCKS[backbone]:
        expanded = make_divisible(incoming * (block.expansion / nominal), 8, 8)
        nominal, incoming = block.channels, _channels(block.channels, depth_multiplier)
        rows.append((expanded, incoming))
    return rows


def mobilenet_v3(make: LayerMaker, image: Any, spec: DeepLabSpec) -> tuple[Any, dict[int, Any]]:
    """Features at the output stride, and the decoder's low-level features by stride."""
    blocks = BLOCKS[spec.backbone]
    schedule = strides_and_dilations((block.stride for block in blocks), 2, spec.output_stride)
    channels = _block_channels(spec.backbone, spec.depth_multiplier)
    conv = functools.partial(make.conv, epsilon=BACKBONE_EPSILON)
    skips: dict[int, Any] = {}
    stem = _channels(STEM_CHANNELS, spec.depth_multiplier)
    x = conv(image, f"{SCOPE}/Conv", stem, kernel=3, stride=2, activation=hard_swish)
    for i, (block, (stride, dilation), (expanded, projected)) in enumerate(
        zip(blocks, schedule, channels, strict=True)
    ):
        scope = f"{SCOPE}/expanded_conv" + (f"_{i}" if i else "")
        activation = hard_swish if block.nonlinearity == "HS" else "relu"
        h = conv(x, f"{scope}/expand", expanded, activation=activation) if expanded > x.shape[-1] else x
        h = make.depthwise(
            h,
            f"{scope}/depthwise",
            kernel=block.kernel,
            stride=stride,
            dilation=dilation,
            activation=activation,
            epsilon=BACKBONE_EPSILON,
        )
        skips |= {at: h for at, skip in SKIP_BLOCKS[spec.backbone].items() if skip == i}
        h = make.squeeze_excite(h, f"{scope}/squeeze_excite") if block.squeeze else h
        h = conv(h, f"{scope}/project", projected)
        x = make.add(x, h, f"{scope}/add") if h.shape == x.shape else h
    last = _channels(LAST_CHANNELS[spec.backbone], spec.depth_multiplier)
    return conv(x, f"{SCOPE}/Conv_1", last, activation=hard_swish), skips


def infer(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Any, str]] | None:
    """What the variables reveal of a MobileNetV3 DeepLab: field of `DeepLabSpec` -> (value, variable that says so).

    None if they are not of this family.
    """
    last, deepest = f"{SCOPE}/Conv_1/weights", f"{SCOPE}/expanded_conv_14/project/weights"
    if last not in shapes:
        return None
    backbone, reason = (
        (Backbone.MOBILENET_V3_LARGE_SEG, deepest)
        if deepest in shapes
        else (Backbone.MOBILENET_V3_SMALL_SEG, f"no {deepest}")
    )
    depth_multiplier = _depth_multiplier(backbone, shapes[last][-1])
    rows = _block_channels(backbone, depth_multiplier)
    skips = {stride: rows[block][0] for stride, block in SKIP_BLOCKS[backbone].items()}
    return {
        "backbone": (backbone, reason),
        "depth_multiplier": (depth_multiplier, last),
        **infer_head(shapes, skips),
        **infer_lr_aspp(shapes),
    }


def _depth_multiplier(backbone: Backbone, last_channels: int) -> float:
    """Rounding to 8 channels hides the multiplier: of those that fit, the one in the customary steps of 0.05."""
    ratio = last_channels / LAST_CHANNELS[backbone]
    customary = round(20 * ratio) / 20
    return customary if _channels(LAST_CHANNELS[backbone], customary) == last_channels else ratio
