"""Where strides end and dilations begin (`stack_blocks_dense` of slim `resnet_utils.py` and deeplab `xception.py`)."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["strides_and_dilations"]


def strides_and_dilations(strides: Iterable[int], reached: int, output_stride: int) -> list[tuple[int, int]]:
    """(stride, dilation) of each unit.

    Args:
        strides: of the units, as in a classification network.
        reached: input pixels per feature before the first unit.
        output_stride: to stop at. From there on a unit keeps its own dilation and dilates all later ones instead.
    """
    rows, dilation = [], 1
    for stride in strides:
        if reached == output_stride:
            rows.append((1, dilation))
            dilation *= stride
        else:
            rows.append((stride, 1))
            reached *= stride
    return rows
