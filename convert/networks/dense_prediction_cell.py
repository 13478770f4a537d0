"""The dense prediction cell that stands in for ASPP (Chen et al. 2018, arXiv 1809.04184; deeplab
`core/dense_prediction_cell.py` with `dense_prediction_cell_branch5_top1_cityscapes.json`).
"""

from __future__ import annotations

from typing import Any

from portraitlite.convert.networks.layers import LayerMaker
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.runtime.errors import InputError

__all__ = ["SCOPE", "dense_prediction_cell"]

SCOPE = "meta_architecture"
FEATURES = -1

# Figure 5 of the paper: input (the features or an earlier branch) and (vertical, horizontal) rate at output stride 16
# of each 3x3 separable convolution.
BRANCHES = ((FEATURES, (1, 6)), (0, (18, 15)), (1, (6, 3)), (0, (1, 1)), (0, (6, 21)))
RATES_AT_STRIDE = 16


def dense_prediction_cell(make: LayerMaker, features: Any, spec: DeepLabSpec) -> Any:
    """[N, h, w, C] -> [N, h, w, aspp_filters].

    Raises:
        InputError: an output stride for which the cell has no rates.
    """
    if spec.output_stride > RATES_AT_STRIDE:
        raise InputError(
            f"the dense prediction cell has no rates for output stride {spec.output_stride}; use 8 or {RATES_AT_STRIDE}"
        )
    scale = RATES_AT_STRIDE // spec.output_stride
    branches: list[Any] = []
    for i, (source, (vertical, horizontal)) in enumerate(BRANCHES):
        x = features if source == FEATURES else branches[source]
        dilation = (scale * vertical, scale * horizontal)
        branches.append(make.separable(x, f"{SCOPE}/branch{i}", spec.aspp_filters, dilation=dilation))
    x = make.concat(branches, f"{SCOPE}/concat")
    return make.conv(x, f"{SCOPE}/concat_projection", spec.aspp_filters, activation="relu")
