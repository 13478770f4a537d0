"""Disc radius -> level of the layer bank (`coc`).

The plan graph has discs of K fixed radii. A radius between two of them is a mix of both discs, chosen so that the
mean square radius is right. The graph lays near layers over far ones: with hat weights 1 - u and u of two
neighbouring layers, the far one gets the share u^2 / (u^2 + 1 - u). Solving for u lets every step of the strength
slider look equally large.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.spec import BlurSpec

__all__ = ["level_of_radius", "nearest_layer"]


def level_of_radius(radius: npt.NDArray[np.float64], spec: BlurSpec) -> npt.NDArray[np.float32]:
    """Disc radii in plan pixels, 0..`spec.max_radius` -> coc in layer units, 0..K-1, of the same shape."""
    step = spec.max_radius / (spec.layers - 1)
    below = np.clip(np.floor(radius / step), 0, spec.layers - 2)
    near, far = below * step, (below + 1) * step
    share = np.clip((radius**2 - near**2) / (far**2 - near**2), 0, 1)
    # Root of u^2 / (u^2 + 1 - u) = share, in the form that divides by nothing small.
    bent = 2 * np.sqrt(share) / (np.sqrt(4 - 3 * share) + np.sqrt(share))
    level: npt.NDArray[np.float32] = (below + bent).astype(np.float32)
    return level


def nearest_layer(level: npt.NDArray[np.float32], spec: BlurSpec) -> int | None:
    """The k for which all levels lie in k..k+1, so that two layers of the bank suffice; None: there is none."""
    nearest = min(math.floor(level.min()), spec.layers - 2)
    return nearest if level.max() <= nearest + 1 else None
