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
from portraitlite.runtime.bundled import model_for
from portraitlite.runtime.depth import DepthGuess, DepthMap, blur_map
from portraitlite.runtime.errors import InputError, NothingToDoError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.photo import Photo
from portraitlite.runtime.segmenter import Segmenter, as_photo
from portraitlite.runtime.subject import Keep, SubjectChoice, SubjectMask, check_choice, subject_mask
from portraitlite.runtime.types import IfNoSubject

__all__ = ["DEFAULT_GRAIN", "DEFAULT_HIGHLIGHTS", "DEFAULT_STRENGTH", "Portrait", "PortraitResult"]

DEFAULT_STRENGTH = 0.6
DEFAULT_HIGHLIGHTS = 0.25
DEFAULT_GRAIN = 1.0


@dataclasses.dataclass(frozen=True)
class PortraitResult:
    """A finished portrait.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        subject: who stayed sharp, and who else was found.
        strength: of the blur, 0..1.
        blur_map: (h, w) float32 over the photo, 0 sharp to 1 full strength; None: the same behind the whole subject.
        segment_ms, blur_ms: wall time of the two stages.
    """

    pixels: npt.NDArray[np.uint8]
    subject: SubjectMask
    strength: float
    blur_map: npt.NDArray[np.float32] | None
    segment_ms: float
    blur_ms: float

    @property
    def image(self) -> Image.Image:
        """The same as a PIL image in RGB."""
        return Image.fromarray(self.pixels)


class Portrait:
    """Segmentation and blur with everything loaded once. Not thread-safe: one per thread.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.runtime import Keep, Portrait, load_photo, save_photo
        >>> portrait = Portrait()
        >>> result = portrait(numpy_rgb, strength=0.6)
        >>> result.pixels.shape == numpy_rgb.shape
        True

        Only the person in the middle, with a file that keeps the photo's EXIF and colours:

        >>> photo = load_photo(Path("photo.jpg"))
        >>> result = portrait(photo, focus=(0.5, 0.5), keep=Keep.FOCUS)
        >>> save_photo(Path("portrait.jpg"), result.pixels, photo)
        >>> [figure.kept for figure in result.subject.figures]
        [True]
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        threads: int = 1,
        backend: str | None = None,
        metadata: ModelMetadata | None = None,
        subject: str = "person",
        held: tuple[str, ...] | None = None,
    ) -> None:
        """Load the segmentation model; the blur graphs load with the first photo.

        Args:
            model: as for `Segmenter`; None: `portrait` for people, `scene` for other subjects and with `held`.
            threads, backend, metadata: as for `Segmenter`.
            subject: class that stays sharp.
            held: classes that stay sharp where they touch the subject, see `SubjectChoice`.

        Raises:
            InputError: the model cannot be used or does not know a class.
            MissingDependencyError: no TFLite runtime.
        """
        model = model_for(subject, held) if model is None else model
        self.segmenter = Segmenter(model, threads=threads, backend=backend, metadata=metadata)
        self._choice = SubjectChoice(subject, held=held)
        check_choice(self._choice, self.segmenter.metadata)
        self._renderer = BlurRenderer(threads=threads, backend=backend)

    def __call__(
        self,
        image: npt.NDArray[np.uint8] | Image.Image | Photo,
        *,
        strength: float = DEFAULT_STRENGTH,
        keep: Keep | None = None,
        focus: tuple[float, float] | None = None,
        depth: DepthMap | DepthGuess = DepthGuess.CONSTANT,
        highlights: float = DEFAULT_HIGHLIGHTS,
        grain: float = DEFAULT_GRAIN,
        if_no_subject: IfNoSubject = IfNoSubject.FAIL,
        progress: Callable[[int, int], None] | None = None,
    ) -> PortraitResult:
        """Blur what is not the subject.

        Args:
            image: (H, W, 3) uint8 RGB array, PIL image (its EXIF orientation is applied) or `Photo`.
            strength: 0 (the photo, unchanged) to 1 (a disc of 3.2 % of the photo's diagonal).
            keep: which of those found stay sharp; None: the one at `focus` if that is given, else all.
            focus: x, y as fractions 0..1 of the upright photo's width and height.
            depth: how blur grows with distance.
            highlights: 0..1, how far small clipped lights count as brighter than white and blur to bright discs.
            grain: 0..1, how much of the photo's own noise the blurred part gets back.
            if_no_subject: what to do where nobody is found: fail, return a copy, or blur everything.
            progress: called with (tiles done, tiles).

        Raises:
            InputError: not a usable picture, a number outside 0..1, a focus point that `keep` has no use for, or a
                depth map that lies while the photo stands.
            NothingToDoError: no subject, and `if_no_subject` is FAIL.
        """
        for name, share in (("strength", strength), ("highlights", highlights), ("grain", grain)):
            if not 0 <= share <= 1:
                raise InputError(f"{name} {share} is outside 0..1")
        keep = keep or (Keep.FOCUS if focus else Keep.ALL)
        choice = dataclasses.replace(self._choice, keep=keep, focus=focus)
        photo = as_photo(image)
        start = time.perf_counter()
        subject = subject_mask(self.segmenter(photo), choice)
        middle = time.perf_counter()
        if not subject.found and if_no_subject is IfNoSubject.FAIL:
            raise NothingToDoError(_nobody(photo, subject, choice))
        levels = blur_map(depth, subject, photo.height, photo.width) if subject.found else None
        if not subject.found and if_no_subject is IfNoSubject.COPY:
            pixels = photo.pixels.copy()
        else:
            mask = subject.values if subject.found else np.zeros_like(subject.values)
            pixels = self._renderer.render(
                photo.pixels,
                mask,
                strength=strength,
                mask_box=subject.box,
                coc=levels,
                highlights=highlights,
                grain=grain,
                progress=progress,
            )
        end = time.perf_counter()
        return PortraitResult(pixels, subject, strength, levels, 1e3 * (middle - start), 1e3 * (end - middle))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release by hand: the interpreters go with the object."""


def _nobody(photo: Photo, subject: SubjectMask, choice: SubjectChoice) -> str:
    if choice.focus and subject.figures:
        left, top, right, bottom = subject.figures[0].box
        at = f"{(left + right) / 2:.2f},{(top + bottom) / 2:.2f}"
        here = f"{choice.focus[0]:g},{choice.focus[1]:g}"
        return f"no {choice.label} found near {here} in {photo.source}; the largest is at {at}: focus there"
    share = f"{100 * subject.share:.2f} % of its area"
    return f"no {choice.label} found in {photo.source} ({share}); nothing was made of it"
