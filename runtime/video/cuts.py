"""Scene cuts: where a film begins a new shot, nothing of the old one may be carried over.

Two thumbnails of one shot correlate, whatever its light does; those of two shots hardly do. Source: the normalised
correlation of whole frames, one of the measures compared by Lienhart, "Comparison of automatic shot boundary detection
algorithms", SPIE 3656 (1999).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["SAME_SHOT", "is_cut"]

SAME_SHOT = 0.5  # a person who runs gives 0.9, a pan by a tenth of the picture 0.8, a cut 0.1
LEAST_CONTRAST = 2.0  # bytes; a flatter picture, such as black, is noise and tells nothing

Bytes = npt.NDArray[np.uint8]


def is_cut(before: Bytes, after: Bytes) -> bool:
    """Whether two thumbnails (h, w, 3) uint8 RGB of successive frames belong to different shots."""
    if before.shape != after.shape:
        return True
    first, second = (picture - picture.mean((0, 1), dtype=np.float32) for picture in (before, after))
    contrast = (float(first.std()), float(second.std()))
    if min(contrast) < LEAST_CONTRAST:
        return False
    return float((first * second).mean()) < SAME_SHOT * contrast[0] * contrast[1]
