"""The network families: how each is recognised, what its flags are by default, and which were checked.

A family counts as verified where a checkpoint and frozen graph written by the official code were at hand and the
conversion gave the same labels. The others are read from the official code and papers and compared with a second
reading of our own, which cannot show that both readings are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks import (
    mobilenet_edgetpu,
    mobilenet_v2,
    mobilenet_v3,
    resnet_v1_beta,
    xception,
)
from portraitlite.convert.spec import Backbone, DeepLabSpec
from portraitlite.runtime.errors import InputError

__all__ = ["FAMILY_DEFAULTS", "VERIFIED", "is_verified", "recognise"]

Shapes = Mapping[str, tuple[int, ...]]

READERS = (mobilenet_v2.infer, mobilenet_v3.infer, mobilenet_edgetpu.infer, xception.infer, resnet_v1_beta.infer)

VERIFIED = frozenset({Backbone.MOBILENET_V2, Backbone.MOBILENET_V3_SMALL_SEG})

# Where the official flags differ from `DeepLabSpec`'s defaults (crop 513x513, output stride 16).
_MOBILENET_V3: dict[str, Any] = {
    "crop_height": 1025,
    "crop_width": 2049,
    "output_stride": 32,
    "image_pooling_crop": (769, 769),
    "image_pooling_stride": (4, 5),
}
FAMILY_DEFAULTS: dict[Backbone, dict[str, Any]] = {
    Backbone.MOBILENET_V3_LARGE_SEG: _MOBILENET_V3,
    Backbone.MOBILENET_V3_SMALL_SEG: _MOBILENET_V3,
    # The official checkpoints were trained with this grid, says common.py, whose own default is (1, 1, 1).
    Backbone.RESNET_V1_50_BETA: {"multi_grid": (1, 2, 4)},
    Backbone.RESNET_V1_101_BETA: {"multi_grid": (1, 2, 4)},
    Backbone.MOBILENET_EDGETPU: {"output_stride": 32},
}


def is_verified(spec: DeepLabSpec) -> bool:
    """Whether an official sample of the spec's family was at hand."""
    return spec.backbone in VERIFIED


def recognise(shapes: Shapes) -> dict[str, tuple[Any, str]]:
    """What the variables reveal: `DeepLabSpec` field -> (value, variable that says so).

    Args:
        shapes: official variable name -> shape.

    Raises:
        InputError: no official DeepLab, or a backbone without a segmentation head.
    """
    for reader in READERS:
        revealed = reader(shapes)
        if revealed is not None:
            if "classes" not in revealed:
                raise InputError(
                    f"expected a DeepLab head (logits/semantic/biases), found {_top_scopes(shapes)}; "
                    f"a backbone without a segmentation head cannot be converted"
                )
            return revealed
    known = "MobilenetV2, MobilenetV3, MobilenetEdgeTPU, xception_NN, resnet_v1_NN"
    raise InputError(f"expected the variables of an official DeepLab ({known}), found {_top_scopes(shapes)}")


def _top_scopes(shapes: Shapes) -> str:
    scopes = sorted({name.split("/")[0] for name in shapes})
    return ", ".join(scopes[:6]) + (" ..." if len(scopes) > 6 else "") if scopes else "no variables"
