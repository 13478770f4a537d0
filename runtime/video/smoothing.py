"""Masks that keep still where the film does: exponential smoothing in time, gated by change of the picture.

A recursive filter holds the mask together with the picture that it was made for, both at mask size. Where the new
picture looks like the held one, the mask moves towards the new one slowly, which takes out the network's flicker; where
it differs, the new mask is taken over at once, so nothing is left behind a moving subject. As both go through the same
filter, slow motion adds up in the held picture until the gate opens: the mask never lags farther behind than the
picture can change unseen.

Source: motion-adaptive recursive filtering of films, Dubois and Sabri, "Noise reduction in image sequences using
motion-compensated temporal filtering", IEEE Trans. Commun. 32 (1984), without the motion vectors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.segmentation import Box

__all__ = ["HALF_LIFE_S", "MaskSmoother", "thumbnail"]

HALF_LIFE_S = 0.2  # of what is left of an old mask where the picture stays the same
NOISE_FACTOR = 3.0  # times the median change, which is noise as long as half of the picture rests
LEAST_CHANGE, MOST_NOISE = 0.7, 5.0  # bytes: below the first the gate is shut, noise beyond the second opens it
OPEN_FACTOR = 2.0  # times the change that begins to open the gate: here it is open

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class MaskSmoother:
    """The filter of one film; call it with every mask in turn. Not thread-safe.

    Example:
        >>> import numpy as np
        >>> from portraitlite.runtime.video.smoothing import MaskSmoother
        >>> smoother = MaskSmoother()
        >>> still = np.full((8, 8, 3), 90, np.uint8)
        >>> first = smoother(np.full((8, 8), 200, np.uint8), still, 0.0)
        >>> second = smoother(np.full((8, 8), 100, np.uint8), still, 0.2)  # one half-life later
        >>> int(first[0, 0]), int(second[0, 0])
        (200, 150)
    """

    def __init__(self, half_life_s: float = HALF_LIFE_S) -> None:
        self._half_life_s = half_life_s
        self._mask: Floats | None = None
        self._picture: Floats | None = None
        self._time_s = 0.0

    def reset(self) -> None:
        """Forget everything: the next mask comes out as it goes in. For scene cuts."""
        self._mask = self._picture = None

    def __call__(self, mask: Bytes, picture: Bytes, time_s: float) -> Bytes:
        """The mask to use for this frame.

        Args:
            mask: (h, w) uint8 as the network gives it, 255 = subject.
            picture: (h, w, 3) uint8 RGB, the frame at mask size, see `thumbnail`.
            time_s: of the frame; what matters is the time since the last one.

        Returns:
            (h, w) uint8, a new array.
        """
        if self._mask is None or self._picture is None or self._mask.shape != mask.shape:
            self._mask, self._picture = mask.astype(np.float32), picture.astype(np.float32)
        else:
            rest = 1 - 2.0 ** (-max(0.0, time_s - self._time_s) / self._half_life_s)
            weight = np.float32(rest) + np.float32(1 - rest) * _gate(picture - self._picture)
            self._mask += weight * (mask - self._mask)
            self._picture += weight[..., None] * (picture - self._picture)
        self._time_s = time_s
        return (self._mask + np.float32(0.5)).astype(np.uint8)


def thumbnail(pixels: Bytes, box: Box, height: int, width: int) -> Bytes:
    """A frame at mask size: every sample the mean of the pixels that it stands for.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        box: the frame's rim in pixel-edge coordinates of the mask, as `SubjectMask.box`.
        height, width: of the mask.

    Returns:
        (height, width, 3) uint8 RGB; beyond the frame's rim its edge is repeated.
    """
    columns = max(1, min(width, round(box[2])))
    rows = max(1, min(height, round(box[3])))
    small = np.asarray(Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BOX))
    return np.pad(small, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")


def _gate(change: Floats) -> Floats:
    """(h, w, 3) difference of two thumbnails in bytes -> (h, w) float32, 0 shut to 1 open."""
    size = np.abs(_box_mean(change)).max(-1)
    shut = float(np.clip(NOISE_FACTOR * np.median(size), LEAST_CHANGE, MOST_NOISE))
    opened = np.clip((size - shut) / ((OPEN_FACTOR - 1) * shut), 0, 1)
    # The network's mask changes in the neighbourhood of what moves, too.
    return _box_max(opened).astype(np.float32)


def _box_mean(values: Floats) -> Floats:
    """Over 3 x 3 samples: noise goes down to a third, what moves is seldom smaller."""
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    mean: Floats = ((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / np.float32(9)).astype(np.float32)
    return mean


def _box_max(values: Floats) -> Floats:
    padded = np.pad(values, 1, mode="edge")
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    widest: Floats = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return widest
