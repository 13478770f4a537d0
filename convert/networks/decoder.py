"""The v3+ decoder (Chen et al. 2018, arXiv 1802.02611; official `model.refine_by_decoder`)."""

from __future__ import annotations

from typing import Any

from portraitlite.convert.networks.layers import LayerMaker
from portraitlite.convert.spec import DeepLabSpec

__all__ = ["LOW_LEVEL_FILTERS", "decoder"]

LOW_LEVEL_FILTERS = 48


def decoder(make: LayerMaker, features: Any, low_level: Any, spec: DeepLabSpec) -> Any:
    """ASPP features and low-level features -> [N, h, w, decoder_filters] at the decoder stride."""
    height, width = spec.logits_size
    low = make.conv(low_level, "decoder/feature_projection0", LOW_LEVEL_FILTERS, activation="relu")
    features = make.resize(features, height, width, "decoder/resize_features")
    low = make.resize(low, height, width, "decoder/resize_low_level")
    x = make.concat([features, low], "decoder/concat")
    x = make.separable(x, "decoder/decoder_conv0", spec.decoder_filters)
    return make.separable(x, "decoder/decoder_conv1", spec.decoder_filters)
