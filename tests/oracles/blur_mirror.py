"""The plan and apply graphs again in plain numpy: the oracle the `.tflite` files are checked against.

Written from the formulas, not from the graphs; whole pictures, no tiles, no TensorFlow. Load it with `runpy.run_path`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from portraitlite.convert.blur.disc import fit_disc
from portraitlite.runtime.blur.spec import BlurSpec, Orientation

Array = Any


def resize(x: Array, height: int, width: int) -> Array:
    """Bilinear, half-pixel centres, rim repeated: (h, w, C) -> (height, width, C)."""
    for axis, size in ((0, height), (1, width)):
        count = x.shape[axis]
        at = ((np.arange(size) + 0.5) * (count / size) - 0.5).clip(0, count - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, count - 1)
        fraction = (at - low).astype(np.float32)
        fraction = fraction[:, None, None] if axis == 0 else fraction[:, None]
        x = x.take(low, axis) * (1 - fraction) + x.take(high, axis) * fraction
    return x


def correlate(x: Array, taps: Array, axis: int) -> Array:
    """1-D correlation with zeros outside the picture."""
    half, size = len(taps) // 2, x.shape[axis]
    padding = [(0, 0)] * x.ndim
    padding[axis] = (half, half)
    padded = np.pad(x, padding)
    return sum(np.float32(tap) * padded.take(range(i, i + size), axis) for i, tap in enumerate(taps))


def box(x: Array, radius: int) -> Array:
    """Mean over the part of the window that lies inside the picture."""
    ones = np.ones(2 * radius + 1)
    for axis in (1, 0):
        x = correlate(x, ones, axis) / correlate(np.ones((*x.shape[:2], 1), np.float32), ones, axis)
    return x


def regress(guide: Array, target: Array, radius: int, eps: float) -> tuple[Array, Array]:
    """(a (h, w, 3), b (h, w, 1)) of the colour guided filter, by a linear solve per pixel in double precision."""
    guide, target = guide.astype(np.float64), target.astype(np.float64)
    mean, mean_target = box(guide, radius), box(target, radius)
    products = (guide[..., :, None] * guide[..., None, :]).reshape(*guide.shape[:2], 9)
    covariance = box(products, radius).reshape(*guide.shape[:2], 3, 3) - mean[..., :, None] * mean[..., None, :]
    cross = box(guide * target, radius) - mean * mean_target
    a = np.linalg.solve(covariance + eps * np.eye(3), cross[..., None])[..., 0]
    return a, mean_target - (a * mean).sum(-1, keepdims=True)


def rim(guide: Array, alpha: Array, radius: int, least_share: float) -> Array:
    """Mean colour where alpha is high less mean colour where it is low, (h, w, 3)."""
    means, shares = [], []
    for weight in (alpha**2, (1 - alpha) ** 2):
        shares.append(box(weight, radius))
        means.append(box(guide * weight, radius) / np.maximum(shares[-1], 1e-12))
    both = shares[0] * shares[1]
    return (means[0] - means[1]) * (both / (both + least_share))


class Mirror:
    """Numpy plan and apply of one spec and orientation.

    `half` rounds the result of every step of apply to float16: what a phone GPU does where reduced precision is
    allowed.
    """

    def __init__(self, spec: BlurSpec, orientation: Orientation, half: bool = False) -> None:
        self.spec = spec
        self.orientation = orientation
        self.precision = np.float16 if half else np.float32

    def plan(self, rgb: Array, mask: Array, coc: Array, boost: Array) -> Array:
        """(h, w, 3), (h, w, 1), (h, w, 1), (h, w, 3) float32 -> (h, w, 12) float32."""
        spec = self.spec
        size, guide_size = spec.plan_size(self.orientation), spec.guide_size(self.orientation)
        guide, target = resize(rgb, *guide_size), resize(mask, *guide_size)
        a, b = np.zeros_like(guide), target
        for contrast in spec.contrasts:
            a, b = regress(guide, target, spec.box_radius, spec.eps)
            smooth = box(np.concatenate([a, b], -1), spec.box_radius)
            a, b = smooth[..., :3] * contrast, (smooth[..., 3:] - 0.5) * contrast + 0.5
            target = ((guide * a).sum(-1, keepdims=True) + b).clip(0, 1)
        near = np.minimum(resize(mask, *guide_size) * spec.reach, 1)
        low = np.concatenate([a * near, b * near, rim(guide, target * near, spec.rim_radius, spec.least_share)], -1)
        low = resize(low, *size).astype(np.float32)
        alpha = ((rgb * low[..., :3]).sum(-1, keepdims=True) + low[..., 3:4]).clip(0, 1)
        clean = np.maximum(((1 - spec.trust - alpha) / (1 - spec.trust)).clip(0, 1) ** 2, spec.floor)
        background = self.background(rgb**2 + boost, clean, coc)
        fade = (spec.fade * coc).clip(0, 1)
        zero = np.zeros_like(fade)
        return np.concatenate([low[..., :4], background, fade, low[..., 4:], zero], -1, dtype=np.float32)

    def background(self, light: Array, clean: Array, coc: Array) -> Array:
        """Discs in linear light of the trusted background, near layers over far ones."""
        total: Array = np.zeros((*light.shape[:2], 4), np.float32)
        for k in reversed(range(self.spec.layers)):
            hat = np.maximum(1 - np.abs(coc - k), 0) * clean
            layer = np.concatenate([light * hat, hat], -1)
            if k:
                kernel = fit_disc(self.spec.radii[k], self.spec.components)
                layer = np.sum(
                    [correlate(correlate(layer, row, 1), column, 0) for row, column in kernel.passes], axis=0
                )
            total = total * (1 - layer[..., 3:].clip(0, 1)) + layer
        return np.sqrt((total[..., :3] / np.maximum(total[..., 3:], 1e-3)).clip(1e-6, 1))

    def apply(self, photo: Array, plan: Array, scale: int, noise: Array | float = 0.0) -> Array:
        """The whole picture in one piece: (H, W, 3) uint8 and noise (H, W, 1) -> (H, W, 3) uint8."""
        height, width = photo.shape[:2]
        q = lambda x: np.asarray(x, self.precision).astype(np.float32)  # noqa: E731
        rgb = q(photo / np.float32(255))
        full = q(resize(q(plan), plan.shape[0] * scale, plan.shape[1] * scale)[:height, :width])
        alpha = q(q(q(rgb * full[..., :3]).sum(-1, keepdims=True)) + full[..., 3:4]).clip(0, 1)
        behind = q(rgb - q(alpha * full[..., 8:11]))
        weight = q(q(1 - alpha) * full[..., 7:8])
        out = q(rgb + q(weight * q(q(full[..., 4:7] + noise) - behind)))
        return (out * 255 + 0.5).clip(0, 255).astype(np.uint8)
