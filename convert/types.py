"""The vocabulary of the conversion."""

from __future__ import annotations

import enum

__all__ = ["LabelsType", "OutputSize", "Recipe"]


class Recipe(enum.StrEnum):
    """How a network is quantized.

    FP32: nothing is. FP16: weights stored as float16, computed in float. DYNAMIC_WI8: int8 weights, float input and
    output, activations rounded while the file runs. INT8: static, per-channel weights, uint8 input and output;
    activation ranges come from calibration photos. INT16X8: the same with 16-bit activations, float input and output.
    MIXED: INT8 but for named layers that stay float.
    """

    FP32 = "fp32"
    FP16 = "fp16"
    DYNAMIC_WI8 = "dynamic_wi8"
    INT8 = "int8"
    INT16X8 = "int16x8"
    MIXED = "mixed"


class OutputSize(enum.StrEnum):
    """Scores at the network's own resolution, or upsampled to its input's. Labels are always at input size."""

    NETWORK = "network"
    FULL = "full"


class LabelsType(enum.StrEnum):
    """Type of a label map: uint8 is four times smaller; some GPU and NPU pipelines want int32."""

    UINT8 = "uint8"
    INT32 = "int32"
