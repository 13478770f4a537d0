"""From a segmentation to the subject mask: who stays sharp."""

from __future__ import annotations

import dataclasses
import enum
import math

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.components import Labels, component_labels, dilate, grow_labels
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.figures import INSIDE, SOFT_RIM, Figure, fill_holes, find_figures
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.segmentation import Box, Segmentation, mask_at_size, samples_inside

__all__ = [
    "HELD_LABELS",
    "MIN_SHARE",
    "Keep",
    "SubjectChoice",
    "SubjectMask",
    "check_choice",
    "held_labels",
    "subject_mask",
]

MIN_SHARE = 0.005  # a subject fills at least this share of the photo; less is noise
HELD_LABELS = ("bottle", "bicycle", "motorbike", "horse", "cat", "dog", "bird")
FOCUS_REACH = 0.1  # of the photo's diagonal: a focus point farther from everybody means nobody
NEAR_HEIGHT = 0.5  # of the reference's height: somebody at most about twice as far away
SAME_GROUND = 0.1  # of the reference's height: feet at most this much higher in the photo stand beside it
TOUCH_SAMPLES = 2  # mask samples between a person and the thing in their hand

Bytes = npt.NDArray[np.uint8]


class Keep(enum.StrEnum):
    """Which figures stay sharp.

    ALL of them; the LARGEST; the one at the FOCUS point or nearest to it; or those about as NEAR to the camera as the
    one at the focus point (without one, the largest): at least half its height, or feet on the same ground.
    """

    ALL = "all"
    LARGEST = "largest"
    FOCUS = "focus"
    NEAR = "near"


@dataclasses.dataclass(frozen=True)
class SubjectChoice:
    """Who of those that a model sees stays sharp.

    Example:
        >>> from portraitlite.runtime import Keep, SubjectChoice
        >>> SubjectChoice(label="cat", keep=Keep.LARGEST).held is None
        True

    Attributes:
        label: class of the subject.
        keep: which figures of that class.
        focus: x, y as fractions 0..1 of the photo's width and height, from the left and the top of the upright photo.
        held: classes that stay sharp where they touch the subject; None: those of `HELD_LABELS` that the model knows.

    Raises:
        InputError: a point outside the photo, FOCUS without a point, or a point with ALL or LARGEST.
    """

    label: str = "person"
    keep: Keep = Keep.ALL
    focus: tuple[float, float] | None = None
    held: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.focus is None:
            if self.keep is Keep.FOCUS:
                raise InputError("keep 'focus' needs a focus point: give x,y as fractions of width and height")
        elif self.keep not in (Keep.FOCUS, Keep.NEAR):
            raise InputError(f"keep {self.keep.value!r} takes no focus point: use 'focus' or 'near', or leave it out")
        elif not all(0 <= at <= 1 for at in self.focus):
            at = ",".join(f"{value:g}" for value in self.focus)
            raise InputError(f"the focus point {at} is outside the photo: give x,y as fractions 0..1 of its size")


@dataclasses.dataclass(frozen=True)
class SubjectMask:
    """Confidence that a pixel belongs to the subject.

    Attributes:
        values: (h, w) uint8, 255 = subject, at network size.
        box: the photo's rim in pixel-edge coordinates of `values`: left, top, right, bottom.
        share: share of the photo's area where the confidence is at least one half, 0..1.
        figures: everybody of the class, largest first, kept or not.
    """

    values: Bytes
    box: Box
    share: float
    figures: tuple[Figure, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is a subject at all."""
        return self.share >= MIN_SHARE

    def resized(self, height: int, width: int) -> Bytes:
        """(height, width) uint8 over the whole photo, by Pillow's 8-bit BILINEAR."""
        return mask_at_size(self.values, self.box, height, width)


def check_choice(choice: SubjectChoice, metadata: ModelMetadata) -> None:
    """Find out before the first photo.

    Raises:
        InputError: the model does not know the subject's class, or cannot tell a held class from it.
    """
    if choice.label not in metadata.labels:
        raise InputError(
            f"the model knows no class {choice.label!r} to keep sharp; it knows {', '.join(metadata.labels)}"
        )
    for label in choice.held or ():
        if label not in _told_apart(metadata):
            known = ", ".join(_told_apart(metadata)) or f"only {choice.label} and the rest"
            raise InputError(f"the model cannot tell what is {label!r} beside the subject; it knows {known}")


def subject_mask(segmentation: Segmentation, choice: SubjectChoice | None = None) -> SubjectMask:
    """Choose, drop specks, fill small doubtful holes and add what the subject holds; soft values stay soft.

    Example:
        >>> from portraitlite.runtime import Keep, Segmenter, SubjectChoice, subject_mask
        >>> choice = SubjectChoice(keep=Keep.FOCUS, focus=(0.5, 0.4))
        >>> mask = subject_mask(Segmenter()(numpy_rgb), choice)
        >>> mask.values.dtype, [figure.kept for figure in mask.figures]
        (dtype('uint8'), [True])

    Raises:
        InputError: the model does not know a class.
    """
    choice = choice or SubjectChoice()
    check_choice(choice, segmentation.metadata)
    whole = segmentation.mask(choice.label)
    rows, columns = samples_inside(segmentation.box, *whole.shape)
    values = fill_holes(whole[rows, columns])
    labels, found = find_figures(values)
    kept = _kept(labels, found, choice, segmentation.width / segmentation.height)
    figures = tuple(dataclasses.replace(figure, kept=n in kept) for n, figure in enumerate(found))
    values = np.where(np.isin(labels, [0, *(n + 1 for n in kept)]), values, np.uint8(0))
    subject = np.isin(labels, [n + 1 for n in kept]) & (values >= INSIDE)
    for label in held_labels(choice, segmentation.metadata):
        values = _with_held(values, subject, segmentation.mask(label)[rows, columns])
    after = ((rows.start, whole.shape[0] - rows.stop), (columns.start, whole.shape[1] - columns.stop))
    return SubjectMask(np.pad(values, after, mode="edge"), segmentation.box, float((values >= INSIDE).mean()), figures)


def _kept(labels: Labels, figures: list[Figure], choice: SubjectChoice, aspect: float) -> set[int]:
    """Indices of the figures that stay sharp; `aspect` is width / height of the photo."""
    if choice.keep is Keep.ALL or not figures:
        return set(range(len(figures)))
    reference = 0 if choice.focus is None else _at(labels, choice.focus, aspect)
    if reference is None:
        return set()
    if choice.keep is not Keep.NEAR:
        return {reference}
    return {n for n, figure in enumerate(figures) if n == reference or _is_near(figure, figures[reference])}


def _at(labels: Labels, focus: tuple[float, float], aspect: float) -> int | None:
    """The figure nearest to a point, if one is within reach."""
    y, x = np.nonzero(labels > 0)
    height, width = labels.shape
    across = np.maximum(np.abs((x + 0.5) / width - focus[0]) - 0.5 / width, 0) * aspect
    down = np.maximum(np.abs((y + 0.5) / height - focus[1]) - 0.5 / height, 0)
    distance = np.hypot(across, down)
    nearest = int(distance.argmin())
    if distance[nearest] > FOCUS_REACH * math.hypot(aspect, 1):
        return None
    return int(labels[y[nearest], x[nearest]]) - 1


def _is_near(figure: Figure, reference: Figure) -> bool:
    """Whether somebody is about as near as the reference, judged by size and by where they stand."""
    if figure.height >= NEAR_HEIGHT * reference.height:
        return True
    # Feet tell the distance only where they are in the photo. This keeps a child beside its parent.
    return reference.feet is not None and figure.box[3] >= reference.feet - SAME_GROUND * reference.height


def held_labels(choice: SubjectChoice, metadata: ModelMetadata) -> tuple[str, ...]:
    """Classes of this model that stay sharp where they touch the subject."""
    held = HELD_LABELS if choice.held is None else choice.held
    return tuple(label for label in held if label in _told_apart(metadata) and label != choice.label)


def _told_apart(metadata: ModelMetadata) -> tuple[str, ...]:
    """Classes that can be told from the subject; of two classes, one is just the rest."""
    return metadata.labels if metadata.output_label is None and len(metadata.labels) > 2 else ()


def _with_held(values: Bytes, subject: npt.NDArray[np.bool_], held: Bytes) -> Bytes:
    """Add the things of one class that touch the subject; where both are likely, their confidences add up."""
    labels, _ = component_labels(held >= INSIDE)
    touching = np.unique(labels[dilate(subject, TOUCH_SAMPLES)])
    mine = np.isin(grow_labels(labels, held >= SOFT_RIM), touching[touching > 0])
    total = values.astype(np.uint16) + np.where(mine, held, np.uint8(0))
    return np.minimum(total, 255).astype(np.uint8)
