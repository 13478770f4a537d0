"""MobileNetV2 as the official DeepLab uses it (Sandler et al. 2018, arXiv 1801.04381; slim `mobilenet_v2.py`).

Built up to the 320-channel block (`layer_18`); the 1280-channel convolution is left out. Once the output stride is
reached, a stride becomes a dilation of the layers after it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.head_variables import infer_head
from portraitlite.convert.networks.layers import BACKBONE_EPSILON, LayerMaker, make_divisible
from portraitlite.convert.spec import Backbone, DeepLabSpec

__all__ = ["SCOPE", "SKIP_BLOCKS", "block_channels", "infer", "mobilenet_v2", "stem_channels"]

SCOPE = "MobilenetV2"

# Table 2 of the paper: expansion t, output channels c, repeats n, stride s of the first.
BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
PUBLISHED_MULTIPLIERS = (1.0, 0.5, 0.35, 0.75, 1.3, 1.4)
# The decoder's low-level features: depthwise output of `layer_4` and `layer_7` (core/feature_extractor.py).
SKIP_BLOCKS = {4: 2, 8: 5}


def _channels(value: int, depth_multiplier: float) -> int:
    divisor = 8 if depth_multiplier == 1 else 1
    return make_divisible(value * depth_multiplier, divisor, divisor)


def stem_channels(depth_multiplier: float) -> int:
    """Filters of the first convolution."""
    return _channels(32, depth_multiplier)


def block_channels(depth_multiplier: float) -> list[tuple[int, int]]:
    """(expanded, output) channels of the 17 blocks."""
    rows, incoming = [], stem_channels(depth_multiplier)
    for expansion, channels, repeats, _ in BLOCKS:
        for _ in range(repeats):
            expanded = incoming if expansion == 1 else make_divisible(incoming * expansion, 8, 8)
            incoming = _channels(channels, depth_multiplier)
            rows.append((expanded, incoming))
    return rows


def infer(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Any, str]] | None:
    """What the variables reveal: field of `DeepLabSpec` -> (value, variable that says so).

    None if they are not of this family.
    """
    stem = f"{SCOPE}/Conv/weights"
    if stem not in shapes:
        return None
    skips = {}
    for stride, block in SKIP_BLOCKS.items():
        expand = f"{SCOPE}/expanded_conv_{block}/expand/weights"
        if expand in shapes:
            skips[stride] = shapes[expand][-1]
    residual = "decoder/residual/weights"
    found: dict[str, tuple[Any, str]] = {
        "backbone": (Backbone.MOBILENET_V2, stem),
        "depth_multiplier": (_depth_multiplier(shapes, shapes[stem][-1]), stem),
    }
    if residual in shapes:
        found["residual"] = (True, residual)
    return found | infer_head(shapes, skips)


def _depth_multiplier(shapes: Mapping[str, tuple[int, ...]], stem: int) -> float:
    """A multiplier whose rounded channels are those of the variables: a published one, else in hundredths."""
    for multiplier in (*PUBLISHED_MULTIPLIERS, *(i / 100 for i in range(5, 301))):
        blocks = block_channels(multiplier)
        found = [shapes.get(f"{SCOPE}/expanded_conv{f'_{i}' if i else ''}/project/weights") for i in range(len(blocks))]
        if stem == stem_channels(multiplier) and all(
            shape is None or shape[-1] == channels for shape, (_, channels) in zip(found, blocks, strict=True)
        ):
            return multiplier
    return stem / stem_channels(1.0)


def mobilenet_v2(make: LayerMaker, image: Any, spec: DeepLabSpec) -> tuple[Any, dict[int, Any]]:
    """Features at the output stride, and the decoder's low-level features by stride."""
    strides = [s if i == 0 else 1 for _, _, n, s in BLOCKS for i in range(n)]
    conv = functools.partial(make.conv, activation="relu6", epsilon=BACKBONE_EPSILON)
    depthwise = functools.partial(make.depthwise, activation="relu6", epsilon=BACKBONE_EPSILON)
    skips: dict[int, Any] = {}
    x = conv(image, f"{SCOPE}/Conv", stem_channels(spec.depth_multiplier), kernel=3, stride=2)
    reached, dilation = 2, 1
    for i, ((expanded, channels), stride) in enumerate(
        zip(block_channels(spec.depth_multiplier), strides, strict=True)
    ):
        scope = f"{SCOPE}/expanded_conv" + (f"_{i}" if i else "")
        # The block that loses its stride keeps its own rate; only later ones are dilated (mobilenet_base).
        own_stride, own_dilation = (1, dilation) if reached == spec.output_stride else (stride, 1)
        dilation = dilation * stride if reached == spec.output_stride else 1
        reached *= own_stride
        h = conv(x, f"{scope}/expand", expanded) if i else x
        h = depthwise(h, f"{scope}/depthwise", stride=own_stride, dilation=own_dilation)
        skips |= {at: h for at, block in SKIP_BLOCKS.items() if block == i}
        h = make.conv(h, f"{scope}/project", channels, epsilon=BACKBONE_EPSILON)
        x = make.add(x, h, f"{scope}/add") if h.shape == x.shape else h
    return x, skips
