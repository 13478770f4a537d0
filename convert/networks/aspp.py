"""Atrous spatial pyramid pooling with image-level features (Chen et al. 2017, arXiv 1706.05587; official `model.py`).

The mobile networks "without ASPP" still have image pooling, the 1x1 branch and the projection.
"""

from __future__ import annotations

from typing import Any

from portraitlite.convert.networks.layers import LayerMaker
from portraitlite.convert.spec import DeepLabSpec

__all__ = ["aspp"]


def aspp(make: LayerMaker, features: Any, spec: DeepLabSpec) -> Any:
    """[N, h, w, C] -> [N, h, w, aspp_filters]."""
    import keras

    height, width = int(features.shape[1]), int(features.shape[2])
    # MEAN, not AVERAGE_POOL_2D: quantized pools of this size overflowed in old runtimes and XNNPACK has none for int8.
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True, name="image_pooling.mean")(features)
    pooled = make.conv(pooled, "image_pooling", spec.aspp_filters, activation="relu")
    branches = [make.resize(pooled, height, width, "image_pooling/resize")]
    branches.append(make.conv(features, "aspp0", spec.aspp_filters, activation="relu"))
    branches += [
        make.separable(features, f"aspp{i}", spec.aspp_filters, dilation=rate)
        for i, rate in enumerate(spec.atrous_rates, 1)
    ]
    x = make.concat(branches, "aspp/concat")
    return make.conv(x, "concat_projection", spec.aspp_filters, activation="relu")
