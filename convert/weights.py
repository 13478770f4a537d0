"""Official variables <-> Keras weights, by the table of the network.

The only place where batch norms are folded: kernel * gamma / sqrt(variance + epsilon) and
beta - mean * gamma / sqrt(variance + epsilon), in float64.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from portraitlite.convert.networks.layers import Network, VariableRow, layer_name
from portraitlite.runtime.errors import InputError

__all__ = ["Mismatch", "compare_variables", "load_variables", "official_variables"]

Float32 = npt.NDArray[np.float32]
SHOWN = 4  # differences named in a message


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """How the variables of a source differ from what the network needs.

    Attributes:
        missing: needed but absent.
        unused: present but not needed.
        wrong_shape: (name, shape found, shape expected).
    """

    missing: tuple[str, ...]
    unused: tuple[str, ...]
    wrong_shape: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unused or self.wrong_shape)

    def describe(self) -> str:
        """One line with the first differences of each kind."""

        def some(names: tuple[str, ...]) -> str:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            return ", ".join(names[:SHOWN]) + more

        parts = []
        if self.missing:
            parts.append(f"missing {some(self.missing)}")
        if self.unused:
            parts.append(f"not part of this network {some(self.unused)}")
        if self.wrong_shape:
            rows = tuple(f"{name} is {list(found)}, not {list(want)}" for name, found, want in self.wrong_shape)
            parts.append(f"wrong shape: {some(rows)}")
        return "; ".join(parts)


def compare_variables(network: Network, shapes: Mapping[str, tuple[int, ...]]) -> Mismatch:
    """Differences between the variables of a source and the table of `network`."""
    wanted = {name: shape for row in network.rows for name, shape in row.variables().items()}
    return Mismatch(
        missing=tuple(sorted(wanted.keys() - shapes.keys())),
        unused=tuple(sorted(shapes.keys() - wanted.keys())),
        wrong_shape=tuple(
            (name, tuple(shapes[name]), shape)
            for name, shape in wanted.items()
            if name in shapes and tuple(shapes[name]) != shape
        ),
    )


def load_variables(network: Network, variables: Mapping[str, npt.NDArray[np.floating]]) -> None:
    """Put official variables into the Keras model.

    Args:
        network: from `build_network`.
        variables: official name -> value; exactly the network's, optimizer slots already dropped.

    Raises:
        InputError: names or shapes differ, or a value is not finite; the first differences are named.
    """
    mismatch = compare_variables(network, {name: value.shape for name, value in variables.items()})
    if mismatch:
        raise InputError(f"the variables do not fit a {network.model.name} of this spec: {mismatch.describe()}")
    for name, value in variables.items():
        if not np.isfinite(value).all():
            raise InputError(f"variable {name} holds values that are not finite; the checkpoint is damaged")
    for row in network.rows:
        kernel, bias = _fold(row, variables)
        network.model.get_layer(layer_name(row.scope)).set_weights([kernel, bias])


def official_variables(network: Network) -> dict[str, Float32]:
    """The Keras weights under the official names; batch norms become the identity with the bias in beta."""
    result: dict[str, Float32] = {}
    for row in network.rows:
        kernel, bias = network.model.get_layer(layer_name(row.scope)).get_weights()
        result[f"{row.scope}/{row.kernel}"] = kernel
        if row.epsilon is None:
            result[f"{row.scope}/biases"] = bias
            continue
        ones = np.ones(row.channels, np.float32)
        norm = {"gamma": ones, "beta": bias, "moving_mean": 0 * ones, "moving_variance": ones - np.float32(row.epsilon)}
        result |= {f"{row.scope}/BatchNorm/{name}": value for name, value in norm.items()}
    return result


def _fold(row: VariableRow, variables: Mapping[str, npt.NDArray[np.floating]]) -> tuple[Float32, Float32]:
    kernel = variables[f"{row.scope}/{row.kernel}"].astype(np.float64)
    if row.epsilon is None:
        return kernel.astype(np.float32), variables[f"{row.scope}/biases"].astype(np.float32)
    gamma, beta, mean, variance = (
        variables[f"{row.scope}/BatchNorm/{name}"].astype(np.float64)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + row.epsilon)
    kernel = kernel * (scale[:, None] if row.kernel == "depthwise_weights" else scale)
    return kernel.astype(np.float32), (beta - mean * scale).astype(np.float32)
