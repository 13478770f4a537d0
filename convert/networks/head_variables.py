"""What the variables of an official head (ASPP or dense prediction cell, decoder, logits) reveal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portraitlite.convert.networks.dense_prediction_cell import SCOPE as DPC_SCOPE
from portraitlite.convert.spec import Head
from portraitlite.runtime.errors import InputError

__all__ = ["default_atrous_rates", "infer_head"]

# The model zoo's only rates, by output stride.
ATROUS_RATES = {16: (6, 12, 18), 8: (12, 24, 36)}


def infer_head(shapes: Mapping[str, tuple[int, ...]], skip_channels: Mapping[int, int]) -> dict[str, tuple[Any, str]]:
    """Field of `DeepLabSpec` -> (value, variable that says so); only the fields that some variable reveals.

    Args:
        shapes: official variable name -> shape.
        skip_channels: decoder stride -> channels of the backbone's low-level feature at that stride.

    Raises:
        InputError: a decoder that fits none of the low-level features.
    """
    found: dict[str, tuple[Any, str]] = {}
    for head, projection in (
        (Head.ASPP, "concat_projection/weights"),
        (Head.DPC, f"{DPC_SCOPE}/concat_projection/weights"),
    ):
        if projection in shapes:
            found |= {"head": (head, projection), "aspp_filters": (shapes[projection][-1], projection)}
    found |= _decoder(shapes, skip_channels)
    logits = "logits/semantic/biases"
    if logits in shapes:
        found["classes"] = (shapes[logits][0], logits)
    return found


def _decoder(shapes: Mapping[str, tuple[int, ...]], skip_channels: Mapping[int, int]) -> dict[str, tuple[Any, str]]:
    low, last = "decoder/feature_projection0/weights", "decoder/decoder_conv1_pointwise/weights"
    if low not in shapes:
        return {"decoder_stride": (None, f"no {low}")}
    strides = [stride for stride, channels in skip_channels.items() if channels == shapes[low][2]]
    if not strides:
        wanted = " or ".join(f"{channels} (stride {stride})" for stride, channels in skip_channels.items())
        raise InputError(
            f"{low} takes {shapes[low][2]} channels; expected the low-level features of stride 4 or 8, {wanted}"
        )
    found: dict[str, tuple[Any, str]] = {"decoder_stride": (strides[0], low)}
    if last in shapes:
        found["decoder_filters"] = (shapes[last][-1], last)
    return found


def default_atrous_rates(shapes: Mapping[str, tuple[int, ...]], output_stride: int) -> tuple[int, ...]:
    """The official rates of as many ASPP branches as the variables have; rates themselves leave no trace in them.

    Raises:
        InputError: another number of branches, or an output stride without official rates.
    """
    branches = sum(name.startswith("aspp") and name.endswith("_depthwise/depthwise_weights") for name in shapes)
    rates = ATROUS_RATES.get(output_stride, ()) if branches else ()
    if len(rates) != branches:
        raise InputError(
            f"the checkpoint has {branches} atrous branches and the output stride is {output_stride}, for which there "
            f"are no official rates; state the atrous rates"
        )
    return rates
