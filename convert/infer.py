"""What a checkpoint's variables reveal about the network, and what only flags can say.

Depth multiplier, classes, filters and the decoder's stride follow from shapes. Output stride, crop and resize
convention leave no trace in the variables: they come from flags, with the official defaults.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from portraitlite.convert.networks import mobilenet_v2
from portraitlite.convert.networks.build import RESIDUAL_SCOPE
from portraitlite.convert.spec import Backbone, DeepLabSpec
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = ["SpecFlags", "infer_spec"]

Shapes = Mapping[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class SpecFlags:
    """What a user may state; None means: infer, or take the official default."""

    output_stride: int | None = None
    crop: tuple[int, int] | None = None
    align_corners: bool | None = None
    decoder_stride: int | None = None
    classes: int | None = None
    depth_multiplier: float | None = None


def infer_spec(shapes: Shapes, flags: SpecFlags) -> DeepLabSpec:
    """The spec of a checkpoint.

    Args:
        shapes: official variable name -> shape.
        flags: what the user stated.

    Raises:
        InputError: another network, or a flag that contradicts the variables.
    """
    stem = shapes.get(f"{mobilenet_v2.SCOPE}/Conv/weights")
    if stem is None:
        raise InputError(
            f"expected a DeepLab on MobileNetV2 (variables {mobilenet_v2.SCOPE}/...), found {_top_scopes(shapes)}; "
            f"other networks cannot be converted yet"
        )
    logits = shapes.get("logits/semantic/biases")
    if logits is None:
        raise InputError(
            f"expected a DeepLab head (logits/semantic/biases), found {_top_scopes(shapes)}; "
            f"a backbone without a segmentation head cannot be converted"
        )
    return DeepLabSpec(
        backbone=Backbone.MOBILENET_V2,
        classes=_agree("classes", flags.classes, logits[0], "logits/semantic/biases"),
        crop_height=(flags.crop or (513, 513))[0],
        crop_width=(flags.crop or (513, 513))[1],
        depth_multiplier=_depth_multiplier(flags, stem[-1]),
        output_stride=flags.output_stride or 16,
        decoder_stride=_decoder_stride(shapes, flags),
        aspp_filters=_last(shapes, "concat_projection/weights", 256),
        decoder_filters=_last(shapes, "decoder/decoder_conv0_pointwise/weights", 256),
        residual=f"{RESIDUAL_SCOPE}/weights" in shapes,
        resize_convention=ResizeConvention.LEGACY if flags.align_corners is False else ResizeConvention.ALIGN_CORNERS,
    )


def _depth_multiplier(flags: SpecFlags, stem_channels: int) -> float:
    stated = flags.depth_multiplier
    if stated is not None:
        _agree("stem channels", mobilenet_v2.stem_channels(stated), stem_channels, f"{mobilenet_v2.SCOPE}/Conv")
        return stated
    return stem_channels / mobilenet_v2.stem_channels(1.0)


def _decoder_stride(shapes: Shapes, flags: SpecFlags) -> int | None:
    projection = shapes.get("decoder/feature_projection0/weights")
    if projection is None:
        if flags.decoder_stride is not None:
            raise InputError(f"decoder stride {flags.decoder_stride} was given, but the checkpoint has no decoder")
        return None
    for stride, block in mobilenet_v2.SKIP_BLOCKS.items():
        expand = shapes.get(f"{mobilenet_v2.SCOPE}/expanded_conv_{block}/expand/weights")
        if expand is not None and expand[-1] == projection[2]:
            return _agree("decoder stride", flags.decoder_stride, stride, "decoder/feature_projection0/weights")
    raise InputError(
        f"decoder/feature_projection0/weights takes {projection[2]} channels, which no low-level feature of "
        f"{mobilenet_v2.SCOPE} has; expected a decoder at stride 4 or 8"
    )


def _agree(what: str, stated: int | None, found: int, where: str) -> int:
    if stated is not None and stated != found:
        raise InputError(f"{what} {stated} contradicts the checkpoint: {where} says {found}")
    return found


def _last(shapes: Shapes, name: str, default: int) -> int:
    return shapes[name][-1] if name in shapes else default


def _top_scopes(shapes: Shapes) -> str:
    scopes = sorted({name.split("/")[0] for name in shapes})
    return ", ".join(scopes[:6]) + (" ..." if len(scopes) > 6 else "") if scopes else "no variables"
