"""Fit of a disc by a sum of complex-separable kernels (Niemitalo 2010; Garcia, GDC 2017).

    k(x, y) = sum_i  A_i Re(g_i(x) g_i(y)) + B_i Im(g_i(x) g_i(y)),    g_i(t) = exp((-a_i + j b_i) t^2)

Each term is separable in complex numbers, so a disc becomes horizontal and vertical passes. The shapes (a_i, b_i) are
found by Levenberg-Marquardt; the weights (A_i, B_i) follow from linear least squares with their sum tied to 1.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["KERNEL_SUPPORT", "MAX_TAPS", "DiscKernel", "disc_image", "fit_disc"]

Doubles = npt.NDArray[np.float64]

KERNEL_SUPPORT = 1.15  # half width of the kernel in disc radii
# Within two blocks of a pass on each side (see `bank`), and what CPUs still do fast as a depthwise convolution.
MAX_TAPS = 25
SUM_TIE = 100.0  # weight of "the kernel sums to 1" against one pixel of the fit

# Rough shapes (a, b) per term from which the fit starts, by number of terms.
START = {
    1: (0.9, 1.6),
    2: (0.9, 5.3, 2.0, 1.6),
    3: (2.2, 5.0, 1.0, 9.0, 2.8, 1.6),
}


@dataclasses.dataclass(frozen=True)
class DiscKernel:
    """One fitted disc.

    Attributes:
        radius: in pixels.
        half: taps on each side of the centre.
        passes: (horizontal, vertical) tap vectors; the disc is the sum of their outer products.
        rms: root mean square error as a share of the disc's height.
    """

    radius: float
    half: int
    passes: tuple[tuple[Doubles, Doubles], ...]
    rms: float

    def image(self) -> Doubles:
        """(2 half + 1, 2 half + 1): the 2-D kernel that the passes amount to."""
        total: Doubles = np.sum([np.outer(vertical, horizontal) for horizontal, vertical in self.passes], axis=0)
        return total


def disc_image(radius: float, half: int, oversample: int = 16) -> Doubles:
    """(2 half + 1, 2 half + 1): an antialiased disc that sums to 1."""
    size = 2 * half + 1
    t = (np.arange(size * oversample) + 0.5) / oversample - (half + 0.5)
    inside = t[:, None] ** 2 + t[None] ** 2 <= radius * radius
    covered = inside.reshape(size, oversample, size, oversample).mean((1, 3))
    image: Doubles = covered / covered.sum()
    return image


@functools.cache
def fit_disc(radius: float, components: int) -> DiscKernel:
    """The best kernel of `components` terms (1 to 3) for a disc of `radius` pixels.

    Raises:
        ValueError: the radius needs more than `MAX_TAPS` taps.
    """
    half = math.ceil(radius * KERNEL_SUPPORT)
    if 2 * half + 1 > MAX_TAPS:
        raise ValueError(f"radius {radius} needs {2 * half + 1} taps; at most {MAX_TAPS} are taken")
    target = disc_image(radius, half)

    def residual(shape: Doubles) -> Doubles:
        error: Doubles = (_weigh(shape, radius, target)[1] - target) / target.max()
        return error.ravel()

    shape, error = _levenberg_marquardt(np.array(START[components]), residual)
    weights, _ = _weigh(shape, radius, target)
    passes = []
    for g, (a, b) in zip(_terms(shape, radius, half), weights.reshape(-1, 2), strict=True):
        balance = math.sqrt(math.hypot(a, b))  # keeps both passes near the same size, for fp16
        passes.append((g.real * balance, (a * g.real + b * g.imag) / balance))
        passes.append((g.imag * balance, (b * g.real - a * g.imag) / balance))
    return DiscKernel(radius, half, tuple(passes), float(np.sqrt((error**2).mean())))


def _terms(shape: Doubles, radius: float, half: int) -> list[npt.NDArray[np.complex128]]:
    t = np.arange(-half, half + 1) / radius
    return [np.exp((-a + 1j * b) * t * t) for a, b in shape.reshape(-1, 2)]


def _weigh(shape: Doubles, radius: float, target: Doubles) -> tuple[Doubles, Doubles]:
    """(A_1, B_1, A_2, ...) for given shapes, and the kernel they make."""
    products = [np.outer(g, g) for g in _terms(shape, radius, target.shape[0] // 2)]
    basis = np.stack([part.ravel() for product in products for part in (product.real, product.imag)], 1)
    tied = np.vstack([basis, SUM_TIE * basis.sum(0)])
    solution, *_ = np.linalg.lstsq(tied, np.append(target.ravel(), SUM_TIE), rcond=None)
    weights = np.asarray(solution, np.float64)
    return weights, (basis @ weights).reshape(target.shape)


def _levenberg_marquardt(start: Doubles, residual: Callable[[Doubles], Doubles]) -> tuple[Doubles, Doubles]:
    """(parameters, residuals) at a minimum of the sum of squares near `start`."""
    at, error, damping = start, residual(start), 1e-2
    for _ in range(200):
        jacobian = np.stack([(residual(at + 1e-5 * e) - error) / 1e-5 for e in np.eye(at.size)], 1)
        normal = jacobian.T @ jacobian
        damped = normal + damping * np.diag(normal.diagonal() + 1e-12)
        candidate = np.asarray(at - np.linalg.solve(damped, jacobian.T @ error), np.float64)
        trial = residual(candidate)
        if trial @ trial < error @ error:
            gain = 1 - (trial @ trial) / (error @ error)
            at, error, damping = candidate, trial, damping / 3
            if gain < 1e-9:
                break
        else:
            damping *= 4
            if damping > 1e9:
                break
    return at, error
