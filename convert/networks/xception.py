"""Aligned Xception as the official DeepLab uses it (Chollet 2017, arXiv 1610.02357; Chen et al. 2018, arXiv 1802.02611;
deeplab `core/xception.py`).

Max pools are strided separable convolutions, and a batch norm follows every depthwise convolution. Once the output
stride is reached, a stride becomes a dilation of the units after it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.atrous import strides_and_dilations
from portraitlite.convert.networks.head_variables import infer_head
from portraitlite.convert.networks.layers import BACKBONE_EPSILON, LayerMaker
from portraitlite.convert.spec import Backbone, DeepLabSpec

__all__ = ["Block", "infer", "xception"]


@dataclasses.dataclass(frozen=True)
class Block:
    """One row of figure 4 of arXiv 1802.02611.

    Attributes:
        scope: official scope inside the network.
        channels: of the three separable convolutions of a unit.
        shortcut: `conv`, `sum` or `none`.
        units: how many.
        stride: of the last separable convolution of the unit.
        relu_inside: ReLU after each depthwise and pointwise convolution instead of before each separable one.
    """

    scope: str
    channels: tuple[int, int, int]
    shortcut: str
    units: int = 1
    stride: int = 1
    relu_inside: bool = False


def _entry(block: int, channels: int, stride: int) -> Block:
    return Block(f"entry_flow/block{block}", (channels, channels, channels), "conv", stride=stride)


def _middle(units: int) -> Block:
    return Block("middle_flow/block1", (728, 728, 728), "sum", units)


EXIT = (
    Block("exit_flow/block1", (728, 1024, 1024), "conv", stride=2),
    Block("exit_flow/block2", (1536, 1536, 2048), "none", relu_inside=True),
)
BLOCKS = {
    Backbone.XCEPTION_41: (_entry(1, 128, 2), _entry(2, 256, 2), _entry(3, 728, 2), _middle(8), *EXIT),
    Backbone.XCEPTION_65: (_entry(1, 128, 2), _entry(2, 256, 2), _entry(3, 728, 2), _middle(16), *EXIT),
    Backbone.XCEPTION_71: (
        _entry(1, 128, 2),
        _entry(2, 256, 1),
        _entry(3, 256, 2),
        _entry(4, 728, 1),
        _entry(5, 728, 2),
        _middle(16),
        *EXIT,
    ),
}
# The decoder's low-level features: `separable_conv2_pointwise` of these blocks (core/feature_extractor.py).
SKIP_BLOCKS = {
    Backbone.XCEPTION_41: {4: "entry_flow/block2", 8: "entry_flow/block3"},
    Backbone.XCEPTION_65: {4: "entry_flow/block2", 8: "entry_flow/block3"},
    Backbone.XCEPTION_71: {4: "entry_flow/block3", 8: "entry_flow/block5"},
}


def xception(make: LayerMaker, image: Any, spec: DeepLabSpec) -> tuple[Any, dict[int, Any]]:
    """Features at the output stride, and the decoder's low-level features by stride."""
    units = [(block, unit) for block in BLOCKS[spec.backbone] for unit in range(1, block.units + 1)]
    schedule = strides_and_dilations((block.stride for block, _ in units), 2, spec.output_stride)
    conv = functools.partial(make.conv, kernel=3, activation="relu", epsilon=BACKBONE_EPSILON)
    x = conv(image, f"{spec.backbone}/entry_flow/conv1_1", 32, stride=2, fixed_padding=True)
    x = conv(x, f"{spec.backbone}/entry_flow/conv1_2", 64)
    skips: dict[int, Any] = {}
    for (block, unit), (stride, dilation) in zip(units, schedule, strict=True):
        scope = f"{spec.backbone}/{block.scope}/unit_{unit}/xception_module"
        grid = spec.multi_grid if block.scope == "exit_flow/block2" else (1, 1, 1)
        x, second = _module(make, x, scope, block, stride, [dilation * rate for rate in grid])
        skips |= {at: second for at, skip in SKIP_BLOCKS[spec.backbone].items() if skip == block.scope}
    return x, skips


def _module(make: LayerMaker, x: Any, scope: str, block: Block, stride: int, dilations: list[int]) -> tuple[Any, Any]:
    """Output of a unit, and of its second separable convolution."""
    activation = "relu" if block.relu_inside else None
    h, outputs = x, []
    for i, channels in enumerate(block.channels, 1):
        name = f"{scope}/separable_conv{i}"
        h = h if block.relu_inside else make.relu(h, f"{name}/relu")
        h = make.depthwise(
            h,
            f"{name}_depthwise",
            stride=stride if i == len(block.channels) else 1,
            dilation=dilations[i - 1],
            activation=activation,
            epsilon=BACKBONE_EPSILON,
            fixed_padding=True,
        )
        h = make.conv(h, f"{name}_pointwise", channels, activation=activation, epsilon=BACKBONE_EPSILON)
        outputs.append(h)
    if block.shortcut == "none":
        return h, outputs[1]
    if block.shortcut == "conv":
        x = make.conv(x, f"{scope}/shortcut", block.channels[-1], stride=stride, epsilon=BACKBONE_EPSILON)
    return make.add(h, x, f"{scope}/add"), outputs[1]


def infer(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Any, str]] | None:
    """What the variables reveal of an Xception DeepLab: field of `DeepLabSpec` -> (value, variable that says so).

    None if they are not of this family.
    """
    for backbone, blocks in BLOCKS.items():
        root = f"{backbone}/entry_flow/conv1_1/weights"
        if root in shapes:
            channels = {block.scope: block.channels[1] for block in blocks}
            skips = {stride: channels[scope] for stride, scope in SKIP_BLOCKS[backbone].items()}
            return {"backbone": (backbone, root), **infer_head(shapes, skips)}
    return None
