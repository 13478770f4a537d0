"""How well a quantized file follows its float original, photo by photo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.backends import Runner
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.network_input import fit_photo, input_tensor
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.types import OutputKind

__all__ = ["Agreement", "PhotoAgreement", "compare_models", "label_map"]


@dataclasses.dataclass(frozen=True)
class PhotoAgreement:
    """One photo: share of the valid (unpadded) output samples whose label is the float model's."""

    photo: str
    labels_equal: float


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Several photos.

    Attributes:
        photos: in the order given.
        held_out: none of them was in the calibration set.
        never: indices of classes that the float model gives somewhere and the quantized one nowhere.
        unseen: indices of classes that the float model gives nowhere.
    """

    photos: tuple[PhotoAgreement, ...]
    held_out: bool
    never: tuple[int, ...]
    unseen: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """Mean share of equal labels."""
        return float(np.mean([photo.labels_equal for photo in self.photos]))

    @property
    def worst(self) -> PhotoAgreement:
        """The photo with the smallest share."""
        return min(self.photos, key=lambda photo: photo.labels_equal)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "mean_labels_equal": self.mean,
            "worst_photo": self.worst.photo,
            "worst_labels_equal": self.worst.labels_equal,
            "held_out": self.held_out,
            "never": list(self.never),
            "unseen": list(self.unseen),
            "photos": {photo.photo: photo.labels_equal for photo in self.photos},
        }


def label_map(runner: Runner, metadata: ModelMetadata, path: Path) -> npt.NDArray[np.intp]:
    """Winning class of every valid output sample of one photo; one-channel confidences are cut at one half."""
    source = fit_photo(load_photo(path).pixels, metadata.input_height, metadata.input_width, metadata.fit)
    (info,) = runner.inputs
    (stored,) = runner.run({info.name: input_tensor(source, info, metadata)})
    output = stored[0] if metadata.output_kind is OutputKind.LABELS else runner.outputs[0].dequantize(stored[0])
    if metadata.output_kind is OutputKind.LABELS:
        labels: npt.NDArray[np.intp] = output.reshape(output.shape[:2]).astype(np.intp)
    elif metadata.output_label is not None:
        labels = (output[..., 0] >= 0.5).astype(np.intp)
    else:
        labels = output.argmax(-1)
    rows = max(1, round(labels.shape[0] * source.used_height / metadata.input_height))
    columns = max(1, round(labels.shape[1] * source.used_width / metadata.input_width))
    return labels[:rows, :columns]


def compare_models(
    reference: Runner,
    reference_metadata: ModelMetadata,
    candidate: Runner,
    metadata: ModelMetadata,
    photos: Sequence[Path],
    *,
    held_out: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Agreement:
    """Run both on every photo.

    Args:
        reference, reference_metadata: the float model.
        candidate, metadata: the other.
        photos: readable ones, at least one.
        held_out: whether none of them was used for calibration; only carried along.
        progress: called with (done, total).
    """
    rows = []
    seen_reference, seen_candidate = set[int](), set[int]()
    for done, path in enumerate(photos, 1):
        want, got = label_map(reference, reference_metadata, path), label_map(candidate, metadata, path)
        rows.append(PhotoAgreement(path.name, float((want == got).mean())))
        seen_reference |= set(np.unique(want).tolist())
        seen_candidate |= set(np.unique(got).tolist())
        progress(done, len(photos))
    classes = range(len(metadata.labels) if metadata.output_label is None else 2)
    return Agreement(
        tuple(rows),
        held_out,
        tuple(sorted(seen_reference - seen_candidate)),
        tuple(sorted(set(classes) - seen_reference)),
    )
