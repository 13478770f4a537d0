"""dtSSD of video mattes (Erofeev et al., BMVC 2015): how far changes from frame to frame differ from the true ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["change_error"]

HUNDRED = 100.0  # the scale that results are published in

Floats = npt.NDArray[np.float64]


def change_error(truth: Floats, truth_before: Floats, found: Floats, found_before: Floats) -> float:
    """Root mean square over the pixels of the difference of the changes, times 100; mattes (H, W) in 0..1."""
    difference = (found - found_before) - (truth - truth_before)
    return float(np.sqrt((difference**2).mean()) * HUNDRED)
