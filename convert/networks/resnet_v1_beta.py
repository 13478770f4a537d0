"""ResNet-v1 "beta" as the official DeepLab uses it (He et al. 2016, arXiv 1512.03385).

After deeplab `core/resnet_v1_beta.py`: three 3x3 convolutions in place of the 7x7 one. The last unit of a block carries
its stride; once the output stride is reached, it becomes a dilation of the units after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.atrous import strides_and_dilations
from portraitlite.convert.networks.head_variables import infer_head
from portraitlite.convert.networks.layers import LayerMaker
from portraitlite.convert.spec import Backbone, DeepLabSpec

__all__ = ["infer", "resnet_v1_beta"]

EPSILON = 1e-5  # core/feature_extractor.py
SCOPES = {Backbone.RESNET_V1_50_BETA: "resnet_v1_50", Backbone.RESNET_V1_101_BETA: "resnet_v1_101"}
# Units per block; the third block's number is what makes a ResNet 50 or 101 layers deep.
UNITS = {Backbone.RESNET_V1_50_BETA: (3, 4, 6, 3), Backbone.RESNET_V1_101_BETA: (3, 4, 23, 3)}
# Table 1 of the paper: channels of the 3x3 convolution (four times as many come out), stride of the last unit.
BLOCKS = ((64, 2), (128, 2), (256, 2), (512, 1))
EXPANSION = 4


def _skip_units(backbone: Backbone) -> dict[int, str]:
    """The decoder's low-level features: `conv3` of the unit before the strided one (core/feature_extractor.py)."""
    return {4: f"block1/unit_{UNITS[backbone][0] - 1}", 8: f"block2/unit_{UNITS[backbone][1] - 1}"}


def resnet_v1_beta(make: LayerMaker, image: Any, spec: DeepLabSpec) -> tuple[Any, dict[int, Any]]:
    """Features at the output stride, and the decoder's low-level features by stride."""
    root = SCOPES[spec.backbone]
    units = [
        (
            f"block{b}/unit_{unit}",
            depth,
            stride if unit == count else 1,
            spec.multi_grid[unit - 1] if b == len(BLOCKS) else 1,
        )
        for b, ((depth, stride), count) in enumerate(zip(BLOCKS, UNITS[spec.backbone], strict=True), 1)
        for unit in range(1, count + 1)
    ]
    x = image
    for i, (channels, stride) in enumerate(((64, 2), (64, 1), (128, 1)), 1):
        scope = f"{root}/conv1_{i}"
        x = make.conv(
            x, scope, channels, kernel=3, stride=stride, activation="relu", epsilon=EPSILON, fixed_padding=True
        )
    x = make.max_pool(x, f"{root}/pool1", size=3, stride=2)
    schedule = strides_and_dilations((stride for _, _, stride, _ in units), 4, spec.output_stride)
    skips: dict[int, Any] = {}
    for (unit, depth, _, grid), (stride, dilation) in zip(units, schedule, strict=True):
        x, residual = _bottleneck(make, x, f"{root}/{unit}/bottleneck_v1", depth, stride, dilation * grid)
        skips |= {at: residual for at, skip in _skip_units(spec.backbone).items() if skip == unit}
    return x, skips


def _bottleneck(make: LayerMaker, x: Any, scope: str, depth: int, stride: int, dilation: int) -> tuple[Any, Any]:
    """Output of a unit, and its residual before the shortcut is added."""
    h = make.conv(x, f"{scope}/conv1", depth, activation="relu", epsilon=EPSILON)
    h = make.conv(
        h,
        f"{scope}/conv2",
        depth,
        kernel=3,
        stride=stride,
        dilation=dilation,
        activation="relu",
        epsilon=EPSILON,
        fixed_padding=True,
    )
    h = make.conv(h, f"{scope}/conv3", EXPANSION * depth, epsilon=EPSILON)
    if x.shape[-1] != EXPANSION * depth:
        x = make.conv(x, f"{scope}/shortcut", EXPANSION * depth, stride=stride, epsilon=EPSILON)
    elif stride > 1:
        x = make.max_pool(x, f"{scope}/shortcut", size=1, stride=stride)  # slim's `subsample`
    return make.relu(make.add(h, x, f"{scope}/add"), f"{scope}/relu"), h


def infer(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Any, str]] | None:
    """What the variables reveal of a ResNet DeepLab: field of `DeepLabSpec` -> (value, variable that says so).

    None if they are not of this family.
    """
    for backbone, root in SCOPES.items():
        variable = f"{root}/conv1_1/weights"  # the ones that are not beta have conv1
        if variable in shapes:
            skips = {4: EXPANSION * BLOCKS[0][0], 8: EXPANSION * BLOCKS[1][0]}
            return {"backbone": (backbone, variable), **infer_head(shapes, skips)}
    return None
