"""What the losses compare with: labels where there are any, the teacher where not, a mixture over all classes."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from portraitlite.convert.training.config import LossConfig
from portraitlite.convert.training.datasets import OTHER, Sample
from portraitlite.convert.training.view import View, at_stride

__all__ = ["Targets", "targets"]

SURELY_SUBJECT = 0.8  # a teacher so sure of a subject outside every box: rather a forgotten box than a false subject
LEAST_TRUST = 0.35  # of a teacher that is undecided (probability 1/2); full where it is sure

Float32 = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Targets:
    """At the size of the logits, (n, m), float32.

    Attributes:
        subject: 0..1, part of each sample that is subject.
        weight: of the subject losses; 0 where nothing is known.
        mixture: (n, m, C) target probabilities of all classes.
        quiet: 1 where neither the teacher nor a label sees a subject.
    """

    subject: Float32
    weight: Float32
    mixture: Float32
    quiet: Float32


def targets(
    shown: View,
    sample: Sample,
    config: LossConfig,
    subject: int,
    stride: int,
    splits: tuple[tuple[int, int], ...] = (),
) -> Targets:
    """Targets of one view.

    Args:
        shown: what the network sees.
        sample: where it comes from.
        config: of the losses.
        subject: class index.
        stride: of the logits.
        splits: (new, old) classes: the labels do not know the new one and call it the old one; the teacher divides.
    """
    matte = at_stride(shown.matte, stride)
    believed = shown.teacher[..., subject]
    if sample.taught:
        outside = shown.unknown < 0.5
        sure = LEAST_TRUST + (1 - LEAST_TRUST) * np.sqrt(2 * np.abs(believed - 0.5))
        person = np.where(outside, matte, believed)
        weight = np.where(outside, believed < SURELY_SUBJECT, sure)
    else:
        person, weight = matte, shown.unknown < 0.01
    quiet = (believed < config.false_subject_below) & (person < 0.01)
    return Targets(
        subject=person.astype(np.float32),
        weight=weight.astype(np.float32),
        mixture=_mixture(shown, matte, config.teacher_share, subject, splits),
        quiet=quiet.astype(np.float32),
    )


def _mixture(
    shown: View, matte: Float32, teacher_share: float, subject: int, splits: tuple[tuple[int, int], ...]
) -> Float32:
    classes = shown.teacher.shape[2]
    # Not the subject, but of what class? As the teacher says, without its belief in a subject.
    other = shown.teacher.copy()
    other[..., subject] = 0
    other[..., 0] += 1e-4  # background where the teacher saw nothing but subject, or there is none
    other /= other.sum(axis=2, keepdims=True)
    known = shown.labels < classes
    named = np.eye(classes, dtype=np.float32)[np.where(known, shown.labels, 0)]
    for new, old in splits:
        part = other[..., new] / (other[..., new] + other[..., old] + 1e-6)
        named[..., new] = np.where(shown.labels == old, part, named[..., new])
        named[..., old] = np.where(shown.labels == old, 1 - part, named[..., old])
    label = np.where((shown.labels == OTHER)[..., None], other, named)
    label = matte[..., None] * np.eye(classes, dtype=np.float32)[subject] + (1 - matte[..., None]) * label
    labelled = (known | (shown.labels == OTHER))[..., None]
    mixture = np.where(labelled, (1 - teacher_share) * label + teacher_share * shown.teacher, shown.teacher)
    return mixture.astype(np.float32)
