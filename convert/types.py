"""The vocabulary of the conversion."""

from __future__ import annotations

import enum

__all__ = ["LabelsType", "OutputSize", "Recipe"]


class Recipe(enum.StrEnum):
    """How a network is quantized.

    FP32: nothing is. FP16: weights stored as float16, computed in float. INT8: static, per-channel weights, uint8 input
    and output; activation ranges come from calibration photos.
    """

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class OutputSize(enum.StrEnum):
    """Scores at the network's own resolution, or upsampled to its input's. Labels are always at input size."""

    NETWORK = "network"
    FULL = "full"


class LabelsType(enum.StrEnum):
    """Type of a label map: uint8 is four times smaller; some GPU and NPU pipelines want int32."""

    UINT8 = "uint8"
    INT32 = "int32"
