"""Pillow's 8-bit BILINEAR with its passes in a fixed order: along the rows, then along the columns.

Pillow up to 12 works in this order by itself; 13 turns it for some shapes, tall photos among them, where it is faster.
Each pass rounds to bytes, so the order shows in the last bit, and every Pillow and the phone must give the same bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.in_threads import in_threads

__all__ = ["bilinear"]

Array = npt.NDArray[Any]
Box = tuple[float, float, float, float]

BAND = 256  # rows that the first pass takes at once: bounds the copies
FILTER = Image.Resampling.BILINEAR


def bilinear(values: Array, height: int, width: int, box: Box | None = None, threads: int = 1) -> Array:
    """A picture or map at another size.

    Args:
        values: (h, w, 3) or (h, w) uint8, or (h, w) float32.
        height, width: wanted.
        box: left, top, right, bottom of the part that is taken, in pixels of `values`; None: all of it.
        threads: that share the first pass; the result is the same for any number.

    Returns:
        (height, width, 3) or (height, width) of the same dtype.
    """
    left, top, right, bottom = box or (0.0, 0.0, float(values.shape[1]), float(values.shape[0]))

    def along_rows(band: Array) -> Array:
        rows = band.shape[0]
        return np.asarray(Image.fromarray(band).resize((width, rows), FILTER, box=(left, 0, right, rows)))

    bands = (values[row : row + BAND] for row in range(0, values.shape[0], BAND))
    picture = Image.fromarray(np.concatenate(list(in_threads(along_rows, bands, threads))))
    return np.asarray(picture.resize((width, height), FILTER, box=(0, top, width, bottom)))
