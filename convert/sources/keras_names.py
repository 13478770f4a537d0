"""Keras weights under official scopes, with dots for slashes -> official variables.

The networks of this project carry their batch norms folded into kernel and bias; the bias becomes the `beta` of an
identity batch norm, except where the official network has `biases` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.folded import identity_norm
from portraitlite.runtime.errors import InputError

__all__ = ["official_from_layers"]

KERNEL, BIAS = "/kernel", "/bias"
BIASED = ("logits/", "decoder/residual")
BIASED_V3 = (*BIASED, "image_pooling", "decoder/")  # LR-ASPP normalises only aspp0


def official_from_layers(weights: Mapping[str, npt.NDArray[Any]], source: str) -> dict[str, npt.NDArray[np.float32]]:
    """Official name -> float32 value.

    Args:
        weights: Keras path, `LAYER/kernel` or `LAYER/bias`, -> value.
        source: file name, for messages.

    Raises:
        InputError: a weight that is neither, a kernel without its bias, or nothing at all.
    """
    for path, value in weights.items():
        if not path.endswith((KERNEL, BIAS)) or not np.issubdtype(value.dtype, np.floating):
            raise InputError(
                f"{source} holds the weight {path!r} ({value.dtype}); expected float kernels and biases of a network "
                f"with folded batch norms, as this project saves it"
            )
    layers = {path.removesuffix(KERNEL) for path in weights if path.endswith(KERNEL)}
    if not layers or len(weights) != 2 * len(layers):
        raise InputError(
            f"{source} holds {len(weights)} weights of {len(layers)} layers; expected a kernel and a bias each"
        )
    biased = BIASED_V3 if any(layer.startswith("MobilenetV3") for layer in layers) else BIASED
    variables: dict[str, npt.NDArray[np.float32]] = {}
    for layer in sorted(layers):
        if layer + BIAS not in weights:
            raise InputError(f"{source} holds the kernel of layer {layer!r} without its bias; expected both")
        scope = layer.replace(".", "/")
        kernel, bias = (weights[layer + part].astype(np.float32) for part in (KERNEL, BIAS))
        variables[f"{scope}/{'depthwise_weights' if scope.endswith('depthwise') else 'weights'}"] = kernel
        if scope.startswith(biased) or "/squeeze_excite/" in scope:
            variables[f"{scope}/biases"] = bias
        else:
            variables |= identity_norm(scope, bias)
    return variables
