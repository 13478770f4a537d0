"""The subject's edge: a mask of network size becomes alpha that follows the photo's colours.

Fast guided filter (He and Sun 2015, arXiv 1505.00996) in two passes. The first turns the blocky mask into a first
alpha; the second takes that for its mask, so that it learns the colours on both sides from pixels that lie on the right
one. Both share the covariances of the photo, which are most of the work.

From the second alpha come the mean colours of subject and surroundings around every place. Their difference, `rim`,
tells apply how much of a half-covered pixel is the subject: after Forte (2021, arXiv 2006.14970), who blends foreground
and background estimates from the same weighted means.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from portraitlite.convert.blur.ops import box, channel_sum, clip, constant, mix, pick, resize, with_one
from portraitlite.runtime.blur.spec import BlurSpec, Orientation

__all__ = ["refine"]

Tensor = Any  # tf.Tensor, of which mypy knows nothing


def refine(rgb: Tensor, mask: Tensor, spec: BlurSpec, orientation: Orientation) -> tuple[Tensor, Tensor]:
    """(1, h, w, 3) and (1, h, w, 1) in 0..1 -> two of (1, h, w, 4) on the plan grid.

    aR aG aB b of alpha = a . rgb + b, not clipped; rim R G B and a channel of zeros.
    """
    height, width = spec.guide_size(orientation)
    # Centring halves the magnitudes that cancel in the covariances.
    guide = resize(rgb, height, width) - constant(0.5)
    shape = resize(mask, height, width)
    alpha = shape - constant(0.5)
    photo = _measure(guide, spec.box_radius, spec.eps)
    line = None
    for contrast in spec.contrasts:
        line = _fit(photo, alpha, spec.box_radius, contrast)
        alpha = clip(channel_sum(with_one(guide) * line), -0.5, 0.5)
    assert line is not None
    # Two passes look far. Where the mask knows of no subject, a similar colour alone does not make one.
    near = tf.minimum(shape * constant(spec.reach), constant(1.0))
    rim = _rim(guide, (alpha + constant(0.5)) * near, spec.rim_radius, spec.least_share)
    centring = np.eye(4)
    centring[:3, 3] = -0.5  # b of colours and an alpha that are not centred
    coefficients = mix(line, centring, (0, 0, 0, 0.5)) * pick(near, (0,) * 4)
    size = spec.plan_size(orientation)
    return resize(coefficients, *size), resize(rim, *size)


@dataclasses.dataclass(frozen=True)
class _Photo:
    """guide (3 channels), its box mean (3) and the inverse of its covariance in every window (8).

    The inverse is rr rg rb gg gb bb and two spare channels. GPUs keep channels by fours: in a quotient of six the two
    unused ones are 0 / 0, and the next convolution multiplies them by weights of 0, which makes all of it NaN.
    """

    guide: Tensor
    mean: Tensor
    inverse: Tensor


def _measure(guide: Tensor, radius: int, eps: float) -> _Photo:
    """3x3 inverse by cofactors; all six entries travel in one tensor: rr rg rb gg gb bb."""
    left, right = (0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)
    mean = box(guide, radius)
    products = box(pick(guide, left) * pick(guide, right), radius)
    ridge = constant(eps, 0, 0, eps, 0, eps)
    covariance = products - pick(mean, left) * pick(mean, right) + ridge
    cofactors = pick(covariance, (3, 4, 1, 0, 2, 0)) * pick(covariance, (5, 2, 4, 5, 1, 3)) - pick(
        covariance, (4, 1, 3, 2, 0, 1)
    ) * pick(covariance, (4, 5, 2, 2, 4, 1))
    # Of the first row only, in place of every entry.
    determinant = mix(covariance * cofactors, np.repeat(np.eye(6, 1) + np.eye(6, 1, -1) + np.eye(6, 1, -2), 8, 1))
    return _Photo(guide, mean, pick(cofactors, (0, 1, 2, 3, 4, 5, 5, 5)) / determinant)


def _fit(photo: _Photo, target: Tensor, radius: int, contrast: float) -> Tensor:
    """Regression of the centred target on the guide in every window, smoothed: aR aG aB b."""
    means = box(with_one(photo.guide) * pick(target, (0,) * 4), radius)
    cross = pick(means, (0, 1, 2)) - photo.mean * pick(means, (3,) * 3)
    rows = pick(photo.inverse, (0, 1, 2, 1, 3, 4, 2, 4, 5)) * pick(cross, (0, 1, 2) * 3)
    # The slope that smoothing takes away is given back here.
    a = mix(rows, contrast * np.repeat(np.eye(3), 3, 0))
    b = mix(means, contrast * np.eye(4)[:, 3:]) - channel_sum(a * photo.mean)
    return box(mix(a, np.eye(3, 4)) + mix(b, np.eye(4)[3:]), radius)


def _rim(guide: Tensor, alpha: Tensor, radius: int, least_share: float) -> Tensor:
    """Mean colour of the subject less that of its surroundings, and 0; squares, so that the sure pixels decide."""
    clear = constant(1.0) - alpha
    colours = with_one(guide)
    front = box(colours * pick(alpha * alpha, (0,) * 4), radius)
    back = box(colours * pick(clear * clear, (0,) * 4), radius)
    front_share, back_share = (pick(means, (3,) * 4) for means in (front, back))
    # One division for both means; where either side is missing the difference goes to nothing by itself.
    difference = front * back_share - back * front_share
    return difference / (front_share * back_share + constant(least_share))
