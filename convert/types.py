"""The vocabulary of the conversion."""

from __future__ import annotations

import enum

__all__ = ["Recipe"]


class Recipe(enum.StrEnum):
    """How a network is quantized.

    FP32: nothing is. FP16: weights stored as float16, computed in float. INT8: static, per-channel weights, uint8 input
    and output; activation ranges come from calibration photos.
    """

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
