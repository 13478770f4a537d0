"""Spec -> Keras network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portraitlite.convert.networks.aspp import aspp
from portraitlite.convert.networks.decoder import decoder
from portraitlite.convert.networks.dense_prediction_cell import dense_prediction_cell
from portraitlite.convert.networks.layers import LayerMaker, Network
from portraitlite.convert.networks.lr_aspp import lr_aspp
from portraitlite.convert.networks.mobilenet_edgetpu import mobilenet_edgetpu
from portraitlite.convert.networks.mobilenet_v2 import mobilenet_v2
from portraitlite.convert.networks.mobilenet_v3 import mobilenet_v3
from portraitlite.convert.networks.resnet_v1_beta import resnet_v1_beta
from portraitlite.convert.networks.xception import xception
from portraitlite.convert.spec import Backbone, DeepLabSpec, Head
from portraitlite.runtime.errors import InputError

__all__ = ["LOGITS_SCOPE", "RESIDUAL_SCOPE", "build_network"]

LOGITS_SCOPE = "logits/semantic"
RESIDUAL_SCOPE = "decoder/residual"

BACKBONES: dict[Backbone, Callable[[LayerMaker, Any, DeepLabSpec], tuple[Any, dict[int, Any]]]] = {
    Backbone.MOBILENET_V2: mobilenet_v2,
    Backbone.MOBILENET_V3_LARGE_SEG: mobilenet_v3,
    Backbone.MOBILENET_V3_SMALL_SEG: mobilenet_v3,
    Backbone.MOBILENET_EDGETPU: mobilenet_edgetpu,
    Backbone.XCEPTION_41: xception,
    Backbone.XCEPTION_65: xception,
    Backbone.XCEPTION_71: xception,
    Backbone.RESNET_V1_50_BETA: resnet_v1_beta,
    Backbone.RESNET_V1_101_BETA: resnet_v1_beta,
}
HEADS: dict[Head, Callable[[LayerMaker, Any, DeepLabSpec], Any]] = {
    Head.ASPP: aspp,
    Head.DPC: dense_prediction_cell,
}


def build_network(spec: DeepLabSpec, *, batch_size: int | None = 1) -> Network:
    """The network with fresh weights.

    Args:
        spec: what to build.
        batch_size: 1 for export: a file with an open batch size gets SpaceToBatchND back. None for training.

    Raises:
        InputError: the backbone has no low-level features for the decoder, or the crop is too small for the head.
    """
    import keras

    make = LayerMaker(spec.resize_convention)
    image = keras.Input((spec.crop_height, spec.crop_width, 3), batch_size=batch_size, name="image")
    features, skips = BACKBONES[spec.backbone](make, image, spec)
    if spec.decoder_stride is not None and spec.decoder_stride not in skips:
        raise InputError(f"{spec.backbone} has no low-level features for a decoder; expected no decoder stride")
    head = lr_aspp if spec.head is Head.LR_ASPP else _deeplab_logits
    model = keras.Model(image, head(make, features, skips, spec), name=str(spec.backbone))
    return Network(model, tuple(make.rows))


def _deeplab_logits(make: LayerMaker, features: Any, skips: Mapping[int, Any], spec: DeepLabSpec) -> Any:
    x = HEADS[spec.head](make, features, spec)
    refined = x if spec.decoder_stride is None else decoder(make, x, skips[spec.decoder_stride], spec)
    logits = make.conv(x if spec.residual else refined, LOGITS_SCOPE, spec.classes, epsilon=None)
    if spec.residual:
        correction = make.conv(refined, RESIDUAL_SCOPE, spec.classes, epsilon=None)
        logits = make.add(make.resize(logits, *spec.logits_size, "logits/resize"), correction, "logits/sum")
    return logits
