"""Official variables out of convolutions whose batch norms are folded, and out of batch norms of another epsilon."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from portraitlite.convert.networks.layers import BACKBONE_EPSILON, HEAD_EPSILON

__all__ = ["absorb_epsilon", "identity_norm", "network_epsilon"]

Float32 = npt.NDArray[np.float32]
SLIM_BACKBONES = ("mobilenet", "xception")  # ResNets have the heads' epsilon everywhere


def network_epsilon(scope: str) -> float:
    """Batch-norm epsilon of an official scope."""
    return BACKBONE_EPSILON if scope.lower().startswith(SLIM_BACKBONES) else HEAD_EPSILON


def identity_norm(scope: str, bias: Float32) -> dict[str, Float32]:
    """A batch norm that only adds `bias` (C,): four variables under `scope`/BatchNorm."""
    variance = np.full(bias.shape, 1 - network_epsilon(scope), np.float32)
    norm = {"gamma": np.ones_like(bias), "beta": bias, "moving_mean": np.zeros_like(bias), "moving_variance": variance}
    return {f"{scope}/BatchNorm/{name}": value for name, value in norm.items()}


def absorb_epsilon(scope: str, variance: Float32, epsilon: float) -> Float32:
    """The variance that gives under the network's epsilon what `variance` gives under `epsilon`."""
    difference = epsilon - network_epsilon(scope)
    if math.isclose(epsilon, network_epsilon(scope), rel_tol=1e-6):  # float32 attributes: 0.001 is 0.0010000000475
        return variance
    return (variance.astype(np.float64) + difference).astype(np.float32)
