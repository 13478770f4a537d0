"""MobileNet-EdgeTPU as the official DeepLab uses it (V3_EDGETPU of slim `mobilenet_v3.py`).

Early blocks expand with one full KxK convolution in place of a 1x1 and a depthwise one. Built up to and with the
convolution to 1280 channels (`layer_24`). The official code names no low-level features, so there is no decoder.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.atrous import strides_and_dilations
from portraitlite.convert.networks.head_variables import infer_head
from portraitlite.convert.networks.layers import BACKBONE_EPSILON, LayerMaker, make_divisible
from portraitlite.convert.spec import Backbone, DeepLabSpec
from portraitlite.runtime.errors import InputError

__all__ = ["SCOPE", "Stage", "infer", "mobilenet_edgetpu"]

SCOPE = "MobilenetEdgeTPU"
STEM_CHANNELS = 32
LAST_CHANNELS = 1280


@dataclasses.dataclass(frozen=True)
class Stage:
    """Blocks of one row of slim's table.

    Attributes:
        fused: `mbv3_fused`, one KxK convolution expands and carries the stride; else `mbv3_op`, 1x1 and depthwise.
        kernel: `k`.
        expansions: `ef` of each block, times the channels that come in.
        channels: `n`, at depth multiplier 1.
        stride: `s` of the first block.
    """

    fused: bool
    kernel: int
    expansions: tuple[int, ...]
    channels: int
    stride: int


STAGES = (
    Stage(True, 3, (1,), 16, 1),
    Stage(True, 3, (8, 4, 4, 4), 32, 2),
    Stage(True, 3, (8, 4, 4, 4), 48, 2),
    Stage(False, 3, (8, 4, 4, 4), 96, 2),
    Stage(False, 3, (8, 4, 4, 4), 96, 1),
    Stage(False, 5, (8, 4, 4, 4), 160, 2),
    Stage(False, 3, (8,), 192, 1),
)
WITHOUT_SUM = 13  # the one block with equal channels and `residual=False`


def _channels(value: int, depth_multiplier: float) -> int:
    return make_divisible(value * depth_multiplier, 8, 8)


def mobilenet_edgetpu(make: LayerMaker, image: Any, spec: DeepLabSpec) -> tuple[Any, dict[int, Any]]:
    """Features at the output stride, and no low-level features."""
    blocks = [
        (stage, expansion, 1 if j else stage.stride) for stage in STAGES for j, expansion in enumerate(stage.expansions)
    ]
    schedule = strides_and_dilations((stride for _, _, stride in blocks), 2, spec.output_stride)
    conv = functools.partial(make.conv, epsilon=BACKBONE_EPSILON)
    x = conv(
        image, f"{SCOPE}/Conv", _channels(STEM_CHANNELS, spec.depth_multiplier), kernel=3, stride=2, activation="relu"
    )
    for i, ((stage, expansion, _), (stride, dilation)) in enumerate(zip(blocks, schedule, strict=True)):
        scope = f"{SCOPE}/expanded_conv" + (f"_{i}" if i else "")
        h, expanded = x, make_divisible(int(x.shape[-1]) * expansion, 8, 8)
        # An expansion of 1 is left out, which leaves the first block with nothing but its projection.
        if expanded > x.shape[-1]:
            kernel, expand_stride = (stage.kernel, stride) if stage.fused else (1, 1)
            h = conv(h, f"{scope}/expand", expanded, kernel=kernel, stride=expand_stride, activation="relu")
        if not stage.fused:
            h = make.depthwise(
                h,
                f"{scope}/depthwise",
                kernel=stage.kernel,
                stride=stride,
                dilation=dilation,
                activation="relu",
                epsilon=BACKBONE_EPSILON,
            )
        h = conv(h, f"{scope}/project", _channels(stage.channels, spec.depth_multiplier))
        x = make.add(x, h, f"{scope}/add") if h.shape == x.shape and i != WITHOUT_SUM else h
    return conv(x, f"{SCOPE}/Conv_1", _channels(LAST_CHANNELS, spec.depth_multiplier), activation="relu"), {}


def infer(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Any, str]] | None:
    """What the variables reveal of a MobileNet-EdgeTPU DeepLab: `DeepLabSpec` field -> (value, variable that says so).

    None if they are not of this family.

    Raises:
        InputError: a decoder, for which the official code has no low-level features.
    """
    last = f"{SCOPE}/Conv_1/weights"
    if last not in shapes:
        return None
    if decoder := next((name for name in sorted(shapes) if name.startswith("decoder/")), None):
        raise InputError(f"found {decoder}; expected a MobileNet-EdgeTPU without decoder, the official code has none")
    return {
        "backbone": (Backbone.MOBILENET_EDGETPU, last),
        "depth_multiplier": (shapes[last][-1] / LAST_CHANNELS, last),
        **infer_head(shapes, {}),
    }
