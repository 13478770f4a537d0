"""Keras weights under official scopes with dots -> official variables. Every batch norm is folded there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.folded import identity_norm
from portraitlite.runtime.errors import InputError

__all__ = ["official_from_layers"]

BIASED = ("logits/", "squeeze_excite/")  # scopes with `biases` in place of a batch norm


def official_from_layers(weights: Mapping[str, npt.NDArray[np.generic]], source: str) -> dict[str, npt.NDArray[np.float32]]:
    raise NotImplementedError
