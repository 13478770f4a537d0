"""One unit (a photo or a clip) on one model -> its tally.

Everything is compared at photo size: the padding of the network's input never gets that far. The tallies:

    pixels, trimap   [hits, labelled, predicted] by class; `trimap` only near borders
    boundary         [intersection, union] by class
    boundary_f       [sum of F, photos] by class that is labelled
    subject          [intersection, union, sum of the photos' IoU, photos with a union]
    calibration      see `calibration_counts`: the subject's confidence; not of models that put out labels
    winner           the same of the confidence of the class that is put out
    matte            [squared error, pixels, SAD, Grad, photos, sum of dtSSD, pairs of frames]
    reference        [sum of the shares of equal labels, sum of mean IoU to the reference, photos]
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.label_map import IGNORED
from portraitlite.benchmarks.accuracy.metrics.boundary_f import boundary_f
from portraitlite.benchmarks.accuracy.metrics.boundary_iou import boundary_overlap
from portraitlite.benchmarks.accuracy.metrics.calibration import calibration_counts
from portraitlite.benchmarks.accuracy.metrics.confusion import confusion_matrix, reference_mean_iou
from portraitlite.benchmarks.accuracy.metrics.matting import absolute_error, gradient_error, squared_error
from portraitlite.benchmarks.accuracy.metrics.temporal import change_error
from portraitlite.benchmarks.accuracy.metrics.trimap import trimap_labels
from portraitlite.benchmarks.accuracy.winner import winning_confidence
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.types import OutputKind

__all__ = ["Prediction", "Truth", "matte_tally", "predict", "reference_tally", "score_photo"]

UInt8 = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Truth:
    """What is known about a photo.

    Attributes:
        labels: (H, W) uint8 scored indices and `IGNORED`.
        subject: scored index of the subject, or None.
        alpha: (H, W) uint8 exact opacity of the subject, or None.
    """

    labels: UInt8
    subject: int | None
    alpha: UInt8 | None = None


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a model makes of a photo, at its size.

    Attributes:
        own: (H, W) uint8, the model's classes.
        labels: (H, W) uint8, scored classes.
        confidence: (H, W) uint8 that it is the subject; None where several classes of the model are.
        soft: whether the confidence is more than yes and no.
        winner: (H, W) uint8, confidence of `labels`; None where the model does not say.
    """

    own: UInt8
    labels: UInt8
    confidence: UInt8 | None
    soft: bool
    winner: UInt8 | None = None


def predict(seen: Segmentation, table: UInt8, subject: int | None, what: str) -> Prediction:
    """Read a segmentation in scored classes.

    Args:
        table: class of the model -> scored index.
        subject: scored index.
        what: model and photo, for messages.

    Raises:
        InputError: the output is not finite, or names a class that the model does not have.
    """
    if not np.isfinite(seen.output).all():
        raise InputError(f"{what}: the output is not finite (NaN or infinite); the model is broken, convert it again")
    own = seen.label_map()
    if (found := int(own.max())) >= len(table):
        raise InputError(f"{what}: the output holds class {found}, the model names {len(table)}; convert it again")
    sources = [] if subject is None else np.flatnonzero(table == subject).tolist()
    confidence = seen.photo_mask(seen.labels[sources[0]]) if len(sources) == 1 else None
    soft = seen.metadata.output_kind is not OutputKind.LABELS
    return Prediction(own, table[own], confidence, soft, winning_confidence(seen, table))


def score_photo(truth: Truth, found: Prediction, classes: int) -> tuple[dict[str, Float64], npt.NDArray[np.int64]]:
    """Tally of one photo without `matte` and `reference`, and its confusion matrix (C, C)."""
    known = truth.labels != IGNORED
    confusion = confusion_matrix(truth.labels, found.labels, classes)
    tally = {
        "pixels": _margins(confusion),
        "trimap": _margins(confusion_matrix(trimap_labels(truth.labels), found.labels, classes)),
    }
    boundary, edges = np.zeros((2, classes)), np.zeros((2, classes))
    for index in np.flatnonzero(confusion.sum(0) + confusion.sum(1)).tolist():
        want, got = truth.labels == index, (found.labels == index) & known
        boundary[:, index] = boundary_overlap(want, got)
        if want.any():
            edges[:, index] = boundary_f(want, got), 1
    tally["boundary"], tally["boundary_f"] = boundary.ravel(), edges.ravel()
    if found.winner is not None:
        tally["winner"] = calibration_counts(found.winner, truth.labels == found.labels, known)
    if truth.subject is not None:
        want = truth.labels == truth.subject
        # Against all other classes together, as portrait mode uses it.
        got = (found.labels == truth.subject if found.confidence is None else found.confidence >= 128) & known
        inter, union = int((want & got).sum()), int((want | got).sum())
        tally["subject"] = np.array([inter, union, inter / union if union else 0.0, union > 0], np.float64)
        if found.soft and found.confidence is not None:
            tally["calibration"] = calibration_counts(found.confidence, want, known)
    return tally, confusion


def matte_tally(truth: Truth, found: Prediction, before: tuple[Truth, Prediction] | None) -> Float64:
    """`matte` of one photo with an alpha (zeros without); `before` is the frame before it in its clip."""
    if truth.alpha is None or found.confidence is None:
        return np.zeros(7)
    want, got = truth.alpha / 255.0, found.confidence / 255.0
    row = [squared_error(want, got), want.size, absolute_error(want, got), gradient_error(want, got), 1.0, 0.0, 0.0]
    if before is not None and before[0].alpha is not None and before[1].confidence is not None:
        if before[0].alpha.shape != want.shape:
            raise InputError("the frames of a clip differ in size; cut them alike")
        row[5:] = change_error(want, before[0].alpha / 255.0, got, before[1].confidence / 255.0), 1.0
    return np.array(row, np.float64)


def reference_tally(found: Prediction, reference: Prediction, *, same_labels: bool, classes: int) -> Float64:
    """`reference` of one photo: in the models' own classes where these are the same, else in scored ones."""
    got, want = (found.own, reference.own) if same_labels else (found.labels, reference.labels)
    return np.array([(got == want).mean(), reference_mean_iou(want, got, classes), 1.0])


def _margins(confusion: npt.NDArray[np.int64]) -> Float64:
    return np.concatenate([np.diag(confusion), confusion.sum(1), confusion.sum(0)]).astype(np.float64)
