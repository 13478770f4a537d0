"""`DeepLabSpec`: the numbers that define one DeepLab-v3+ network, in the words of the official flags."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = ["Backbone", "DeepLabSpec", "Head", "scale_dimension"]


class Backbone(enum.StrEnum):
    """The official `model_variant`."""

    MOBILENET_V2 = "mobilenet_v2"
    MOBILENET_V3_LARGE_SEG = "mobilenet_v3_large_seg"
    MOBILENET_V3_SMALL_SEG = "mobilenet_v3_small_seg"
    MOBILENET_EDGETPU = "mobilenet_edgetpu"
    XCEPTION_41 = "xception_41"
    XCEPTION_65 = "xception_65"
    XCEPTION_71 = "xception_71"
    RESNET_V1_50_BETA = "resnet_v1_50_beta"
    RESNET_V1_101_BETA = "resnet_v1_101_beta"


class Head(enum.StrEnum):
    """What turns features into logits.

    ASPP: image pooling, branches and projection, with or without the v3+ decoder. LR_ASPP: the light head of
    MobileNetV3 "seg" (Howard et al. 2019, arXiv 1905.02244). DPC: the dense prediction cell (Chen et al. 2018, arXiv
    1809.04184) in place of ASPP.
    """

    ASPP = "aspp"
    LR_ASPP = "lr_aspp"
    DPC = "dpc"


@dataclasses.dataclass(frozen=True)
class DeepLabSpec:
    """One network. Names follow `research/deeplab/common.py` of tensorflow/models.

    Attributes:
        backbone: official `model_variant`.
        classes: `num_classes`, background included.
        crop_height, crop_width: `crop_size`, the network's input in pixels.
        depth_multiplier: width of the backbone.
        output_stride: input pixels per feature of the backbone's last map, 8, 16 or 32.
        head: what turns features into logits.
        atrous_rates: rates of the ASPP branches beside the 1x1 one; empty for the mobile networks.
        decoder_stride: `decoder_output_stride`; None has no decoder.
        aspp_filters: `aspp_convs_filters`.
        decoder_filters: filters of the two decoder convolutions.
        residual: the decoder's logits are added to the upsampled logits of the ASPP features (not in the official code:
            the head of a network that was trained on from an official one without forgetting what that knew).
        multi_grid: dilations of the last block's three units, on top of the network's (ResNet and Xception only).
        image_pooling_crop: `image_pooling_crop_size`; None pools the whole map. MobileNetV3 was trained with 769x769.
        image_pooling_stride: `image_pooling_stride` of a pooling window smaller than the map.
        resize_convention: where resized samples lie. The official code uses align_corners, MLPerf's copy neither flag.
    """

    backbone: Backbone = Backbone.MOBILENET_V2
    classes: int = 21
    crop_height: int = 513
    crop_width: int = 513
    depth_multiplier: float = 1.0
    output_stride: int = 16
    head: Head = Head.ASPP
    atrous_rates: tuple[int, ...] = ()
    decoder_stride: int | None = None
    aspp_filters: int = 256
    decoder_filters: int = 256
    residual: bool = False
    multi_grid: tuple[int, int, int] = (1, 1, 1)
    image_pooling_crop: tuple[int, int] | None = None
    image_pooling_stride: tuple[int, int] = (1, 1)
    resize_convention: ResizeConvention = ResizeConvention.ALIGN_CORNERS

    def __post_init__(self) -> None:
        if self.output_stride not in (8, 16, 32):
            raise InputError(f"output stride {self.output_stride} is not one of 8, 16, 32")
        if self.decoder_stride is not None and self.decoder_stride not in (4, 8):
            raise InputError(f"decoder stride {self.decoder_stride} is not one of 4, 8")
        if self.residual and self.decoder_stride is None:
            raise InputError("a residual head adds a decoder's logits: give a decoder stride")
        if len(self.multi_grid) != 3:
            raise InputError(f"multi grid {list(self.multi_grid)} does not have three dilations")
        if self.classes < 2:
            raise InputError(f"a segmentation network has at least 2 classes, not {self.classes}")
        if not self.depth_multiplier > 0:
            raise InputError(f"the depth multiplier must be positive, not {self.depth_multiplier}")
        smallest, largest = sorted((self.crop_height, self.crop_width))
        if smallest < 2 * self.output_stride + 1 or largest > 4097:
            raise InputError(
                f"crop {self.crop_height}x{self.crop_width} cannot be used at output stride {self.output_stride}; "
                f"each side must lie in {2 * self.output_stride + 1}..4097"
            )

    @property
    def logits_size(self) -> tuple[int, int]:
        """(height, width) of the logits before any upsampling to the crop."""
        stride = self.decoder_stride or self.output_stride
        return scale_dimension(self.crop_height, stride), scale_dimension(self.crop_width, stride)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        lists = {key: list(value) for key, value in dataclasses.asdict(self).items() if isinstance(value, tuple)}
        return {**dataclasses.asdict(self), **lists}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> DeepLabSpec:
        """The inverse of `to_dict`.

        Raises:
            InputError: unknown keys or values that do not fit.
        """
        values = dict(document)
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise InputError(f"unknown keys in the network spec: {unknown}; known are {sorted(known)}")
        try:
            values["backbone"] = Backbone(values.get("backbone", Backbone.MOBILENET_V2))
            values["resize_convention"] = ResizeConvention(
                values.get("resize_convention", ResizeConvention.ALIGN_CORNERS)
            )
            values["head"] = Head(values.get("head", Head.ASPP))
            for key in ("atrous_rates", "multi_grid", "image_pooling_crop", "image_pooling_stride"):
                if values.get(key) is not None:
                    values[key] = tuple(int(number) for number in values[key])
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise InputError(f"the network spec does not fit: {error}") from error


def scale_dimension(side: int, stride: int) -> int:
    """Side of a map at 1/stride of `side`, by the official rule int((side - 1) / stride + 1)."""
    return int((side - 1.0) / stride + 1.0)
