"""From a segmentation to the subject mask: who stays sharp."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.segmentation import Box, Segmentation

__all__ = ["MIN_SHARE", "SubjectMask", "subject_mask"]

MIN_SHARE = 0.005  # a subject fills at least this share of the photo; less is noise


@dataclasses.dataclass(frozen=True)
class SubjectMask:
    """Confidence that a pixel belongs to the subject.

    Attributes:
        values: (h, w) uint8, 255 = subject, at network size.
        box: the photo's rim in pixel-edge coordinates of `values`: left, top, right, bottom.
        share: share of the photo's area where the confidence is at least one half, 0..1.
    """

    values: npt.NDArray[np.uint8]
    box: Box
    share: float

    @property
    def found(self) -> bool:
        """Whether there is a subject at all."""
        return self.share >= MIN_SHARE


def subject_mask(segmentation: Segmentation, label: str = "person") -> SubjectMask:
    """Everybody of one class is the subject.

    Raises:
        InputError: the model does not know the class.
    """
    values = segmentation.mask(label)
    left, top, right, bottom = segmentation.box
    height, width = values.shape
    inside = values[
        max(0, round(top)) : max(1, min(height, round(bottom))), max(0, round(left)) : max(1, min(width, round(right)))
    ]
    return SubjectMask(values, segmentation.box, float((inside >= 128).mean()))
