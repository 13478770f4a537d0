"""`Portrait`: photo in, portrait with a blurred background out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.bundled import DEFAULT_MODEL
from portraitlite.runtime.errors import InputError, NothingToDoError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.photo import Photo
from portraitlite.runtime.segmenter import Segmenter, as_photo
from portraitlite.runtime.subject import SubjectMask, subject_mask
from portraitlite.runtime.types import IfNoSubject

__all__ = ["DEFAULT_STRENGTH", "Portrait", "PortraitResult"]

DEFAULT_STRENGTH = 0.6


@dataclasses.dataclass(frozen=True)
class PortraitResult:
    """A finished portrait.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        subject: who stayed sharp.
        strength: of the blur, 0..1.
        segment_ms, blur_ms: wall time of the two stages.
    """

    pixels: npt.NDArray[np.uint8]
    subject: SubjectMask
    strength: float
    segment_ms: float
    blur_ms: float


class Portrait:
    """Segmentation and blur with everything loaded once. Not thread-safe: one per thread.

    Example:
        >>> from portraitlite.runtime import Portrait
        >>> portrait = Portrait()
        >>> result = portrait(numpy_rgb, strength=0.6)
        >>> result.pixels.shape == numpy_rgb.shape
        True
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        threads: int = 1,
        backend: str | None = None,
        metadata: ModelMetadata | None = None,
        subject: str = "person",
    ) -> None:
        """Load the segmentation model; the blur graphs load with the first photo.

        Args:
            model, threads, backend, metadata: as for `Segmenter`.
            subject: class that stays sharp.

        Raises:
            InputError: the model cannot be used or does not know the class.
            MissingDependencyError: no TFLite runtime.
        """
        self.segmenter = Segmenter(model, threads=threads, backend=backend, metadata=metadata)
        if subject not in self.segmenter.metadata.labels:
            known = ", ".join(self.segmenter.metadata.labels)
            raise InputError(f"the model knows no class {subject!r} to keep sharp; it knows {known}")
        self._label = subject
        self._renderer = BlurRenderer(threads=threads, backend=backend)

    def __call__(
        self,
        image: npt.NDArray[np.uint8] | Image.Image | Photo,
        *,
        strength: float = DEFAULT_STRENGTH,
        if_no_subject: IfNoSubject = IfNoSubject.FAIL,
        progress: Callable[[int, int], None] | None = None,
    ) -> PortraitResult:
        """Blur what is not the subject.

        Args:
            image: (H, W, 3) uint8 RGB array, PIL image (its EXIF orientation is applied) or `Photo`.
            strength: 0 (the photo, unchanged) to 1 (a disc of 3.2 % of the photo's diagonal).
            if_no_subject: what to do where nobody is found: fail, return a copy, or blur everything.
            progress: called with (tiles done, tiles).

        Raises:
            InputError: not a usable picture, or a strength outside 0..1.
            NothingToDoError: no subject, and `if_no_subject` is FAIL.
        """
        if not 0 <= strength <= 1:
            raise InputError(f"strength {strength} is outside 0..1")
        photo = as_photo(image)
        start = time.perf_counter()
        subject = subject_mask(self.segmenter(photo), self._label)
        middle = time.perf_counter()
        if not subject.found and if_no_subject is IfNoSubject.FAIL:
            raise NothingToDoError(
                f"no {self._label} found in {photo.source} ({100 * subject.share:.2f} % of its area); "
                f"nothing was made of it"
            )
        if not subject.found and if_no_subject is IfNoSubject.COPY:
            pixels = photo.pixels.copy()
        else:
            mask = subject.values if subject.found else np.zeros_like(subject.values)
            pixels = self._renderer.render(
                photo.pixels, mask, strength=strength, mask_box=subject.box, progress=progress
            )
        end = time.perf_counter()
        return PortraitResult(pixels, subject, strength, 1e3 * (middle - start), 1e3 * (end - middle))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release by hand: the interpreters go with the object."""
