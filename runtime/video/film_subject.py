"""Who stays sharp from frame to frame: one mask a frame, smoothed in time, and the chosen figure followed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.figures import INSIDE, Figure
from portraitlite.runtime.segmentation import Segmentation, samples_inside
from portraitlite.runtime.subject import Keep, SubjectChoice, SubjectMask, subject_mask
from portraitlite.runtime.video.cuts import is_cut
from portraitlite.runtime.video.smoothing import MaskSmoother, thumbnail

__all__ = ["LOST_S", "FilmSubject"]

LOST_S = 1.0  # a figure that stays away for longer is given up for the largest one

Bytes = npt.NDArray[np.uint8]


class FilmSubject:
    """The subject of one film; call it with its frames in turn. Not thread-safe.

    With `Keep.ALL` everybody stays sharp. Otherwise the figure that was chosen first is followed: its place in one
    frame is the focus point of the next. After a cut, or when it has been away for `LOST_S`, the largest takes over.

    Attributes:
        cuts: scene cuts seen so far.
    """

    def __init__(
        self, segmenter: Callable[[Bytes], Segmentation], choice: SubjectChoice, *, smooth: bool = True
    ) -> None:
        """
        Args:
            segmenter: a `Segmenter`, or what answers like one.
            choice: who stays sharp; its focus point counts until the figure there is found.
            smooth: False leaves the masks as they are, to compare with.
        """
        self._segmenter = segmenter
        self._choice = choice
        self._now = choice
        self._smoother = MaskSmoother() if smooth else None
        self._before: Bytes | None = None
        self._seen_s: float | None = None
        self.cuts = 0

    def __call__(self, pixels: Bytes, time_s: float) -> SubjectMask:
        """The mask of one frame, (H, W, 3) uint8 RGB, at `time_s` of the film."""
        segmentation = self._segmenter(pixels)
        small = thumbnail(pixels, segmentation.box, *segmentation.output.shape[:2])
        if self._before is not None and is_cut(self._before, small):
            self.cuts += 1
            self._start_anew()
            if self._smoother:
                self._smoother.reset()
        self._before = small
        if self._seen_s is not None and time_s - self._seen_s > LOST_S:
            self._start_anew()
        mask = subject_mask(segmentation, self._now)
        self._follow(mask, time_s)
        if self._smoother is None:
            return mask
        values = self._smoother(mask.values, small, time_s)
        rows, columns = samples_inside(mask.box, *values.shape)
        share = float((values[rows, columns] >= INSIDE).mean())
        return dataclasses.replace(mask, values=values, share=share)

    def _start_anew(self) -> None:
        """The figure at the focus point is gone; who stands there now is somebody else."""
        if self._seen_s is not None and self._choice.keep is not Keep.ALL:
            keep = Keep.NEAR if self._choice.keep is Keep.NEAR else Keep.LARGEST
            self._now = dataclasses.replace(self._choice, keep=keep, focus=None)
        self._seen_s = None

    def _follow(self, mask: SubjectMask, time_s: float) -> None:
        kept = [figure for figure in mask.figures if figure.kept]
        if not kept:
            return
        self._seen_s = time_s
        if self._choice.keep is Keep.ALL:
            return
        figure = kept[0] if self._now.focus is None else min(kept, key=lambda each: _distance(each, self._now.focus))
        keep = Keep.NEAR if self._choice.keep is Keep.NEAR else Keep.FOCUS
        self._now = dataclasses.replace(self._choice, keep=keep, focus=_middle(mask, figure))


def _distance(figure: Figure, point: tuple[float, float] | None) -> float:
    """From a point to a figure's box, as a fraction of the picture; 0 inside."""
    x, y = point or (0.5, 0.5)
    left, top, right, bottom = figure.box
    return max(left - x, x - right, 0.0) + max(top - y, y - bottom, 0.0)


def _middle(mask: SubjectMask, figure: Figure) -> tuple[float, float]:
    """The point of a figure nearest to its centre of gravity, which may lie beside it."""
    rows, columns = samples_inside(mask.box, *mask.values.shape)
    values = mask.values[rows, columns]
    height, width = values.shape
    left, top, right, bottom = figure.box
    inside = np.zeros_like(values, bool)
    place = (slice(round(top * height), round(bottom * height)), slice(round(left * width), round(right * width)))
    inside[place] = values[place] >= INSIDE
    y, x = np.nonzero(inside)
    nearest = int(((x - x.mean()) ** 2 + (y - y.mean()) ** 2).argmin())
    return (float(x[nearest]) + 0.5) / width, (float(y[nearest]) + 0.5) / height
