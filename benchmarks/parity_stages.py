"""How much two results of a stage differ, and whether that is allowed."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.types import OutputKind

__all__ = ["ParityGate", "ParityStage", "StageDifference", "compare_stage", "label_map"]


class ParityStage(enum.StrEnum):
    """In the order they run; `labels` are made from `output` on this machine, the others as each side made them."""

    INPUT = "input"
    OUTPUT = "output"
    LABELS = "labels"
    MASK = "mask"
    SUBJECT = "subject"
    PLAN = "plan"
    PICTURE = "picture"


@dataclasses.dataclass(frozen=True)
class StageDifference:
    """Of one stage, over all its numbers.

    Attributes:
        stage: which.
        equal_share: of equal numbers, 0..1.
        largest: difference; for 8-bit stages in their steps, for labels 1 or 0.
        on_borders_share: of the differing labels, those that lie beside another class; None for other stages, and
            where none differs. What lies elsewhere is no rounding.
    """

    stage: str
    equal_share: float
    largest: float
    on_borders_share: float | None


@dataclasses.dataclass(frozen=True)
class ParityGate:
    """What is allowed.

    Attributes:
        min_labels_percent: of labels that must be equal, 0..100.
        max_picture_steps: largest difference of a byte of the picture.
    """

    min_labels_percent: float = 99.9
    max_picture_steps: int = 2

    def failure(self, stage: StageDifference) -> str | None:
        """Why a stage is not allowed; None where it is, and for stages that are only shown."""
        if stage.stage == ParityStage.LABELS and 100 * stage.equal_share < self.min_labels_percent:
            return (
                f"{100 * stage.equal_share:.4f} % of the labels are equal, at least {self.min_labels_percent:g} must be"
            )
        if stage.stage == ParityStage.PICTURE and stage.largest > self.max_picture_steps:
            return f"the picture differs by up to {stage.largest:.0f} steps, at most {self.max_picture_steps} may be"
        return None


def compare_stage(stage: ParityStage, here: npt.NDArray[Any], there: npt.NDArray[Any]) -> StageDifference:
    """Two arrays of one shape and type; numbers that are not finite differ infinitely, also from themselves."""
    differs = here != there
    equal = 1.0 - float(differs.mean())
    borders = None
    if stage is ParityStage.LABELS:
        largest = float(differs.any())
        borders = float(_beside_another(here)[differs].mean()) if differs.any() else None
    else:
        finite = np.isfinite(here).all() and np.isfinite(there).all()
        distance = np.abs(there.astype(np.float64) - here.astype(np.float64)) if finite else None
        largest = float(np.finfo(np.float64).max) if distance is None else float(distance.max())
    return StageDifference(stage.value, equal, largest, borders)


def label_map(found: Segmentation) -> npt.NDArray[Any]:
    """(h, w) class indices at the size of the network's output; 1 or 0 where it puts out one class only."""
    meta = found.metadata
    if meta.output_kind is OutputKind.LABELS:
        return found.output
    if meta.output_label is not None:
        return np.asarray(found.output[..., 0] >= 0.5, np.uint8)
    return np.asarray(found.output.argmax(-1), np.uint8)


def _beside_another(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which pixels have a neighbour of another class among their eight."""
    padded = np.pad(labels, 1, mode="edge")
    height, width = labels.shape
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.asarray(np.any([neighbour != labels for neighbour in shifted], axis=0))
