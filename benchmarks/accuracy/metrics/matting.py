"""Errors of alpha mattes: MSE, SAD and Grad (Rhemann et al., CVPR 2009), over the whole photo."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["absolute_error", "gradient_error", "squared_error"]

SIGMA = 1.4  # of the gradient filter, as on alphamatting.com
EPSILON = 0.01  # the filter is cut where it falls below this part of its peak
THOUSAND = 1000.0

Floats = npt.NDArray[np.float64]


def squared_error(truth: Floats, found: Floats) -> float:
    """Sum of squared differences of two mattes (H, W) in 0..1; MSE is this over the pixels."""
    return float(((truth - found) ** 2).sum())


def absolute_error(truth: Floats, found: Floats) -> float:
    """SAD: sum of absolute differences, in thousands."""
    return float(np.abs(truth - found).sum() / THOUSAND)


def gradient_error(truth: Floats, found: Floats) -> float:
    """Grad: sum of squared differences of the gradients' magnitudes, in thousands."""
    return float(((_gradient(truth) - _gradient(found)) ** 2).sum() / THOUSAND)


def _gradient(matte: Floats) -> Floats:
    """Magnitude of first-order Gaussian derivatives; the rim is continued."""
    half = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * EPSILON)))
    at = np.arange(-half, half + 1)
    smooth = np.exp(-(at**2) / (2 * SIGMA**2)) / (SIGMA * math.sqrt(2 * math.pi))
    slope = -at * smooth / SIGMA**2
    norm = math.sqrt(float((np.outer(smooth, slope) ** 2).sum()))
    along = _filter(_filter(matte, smooth).T, slope / norm).T
    across = _filter(_filter(matte, slope / norm).T, smooth).T
    return np.hypot(along, across)


def _filter(matte: Floats, kernel: Floats) -> Floats:
    """Correlation along the rows' axis with the rim continued."""
    half = len(kernel) // 2
    padded = np.pad(matte, ((half, half), (0, 0)), mode="edge")
    result = np.zeros_like(matte)
    for offset, weight in enumerate(kernel):
        result += weight * padded[offset : offset + len(matte)]
    return result
