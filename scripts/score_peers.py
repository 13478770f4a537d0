"""Score models and every peer on the validation list, in one run, with bootstrap intervals over photos.

    python scripts/score_peers.py DATA MODEL.tflite... > scores.json

DATA is the folder that holds `data/` and `models/`. Models are converted ones, which say everything about themselves;
peers are the files of `models/`, described below. Every photo is stretched to the input. Besides the lists, all photos
with people are scored by the share of the photo that is people: small (< 10 %), middle, large (>= 30 %), and sky
against the opinion of the model that taught it. A table goes to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.bootstrap import PERCENTILES, bootstrap_totals
from portraitlite.benchmarks.accuracy.metrics.confusion import confusion_matrix
from portraitlite.convert.training.config import DatasetKind
from portraitlite.convert.training.datasets import UNKNOWN, Sample, read_labels, read_photo
from portraitlite.convert.training.validation import read_validation, validation_samples
from portraitlite.runtime import Segmenter
from portraitlite.runtime.labels import label_names
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention

LIST = Path(__file__).resolve().parents[1] / "convert" / "training" / "validation.toml"
PERSON, VOC, ADE20K = label_names(2), label_names(21), label_names(32)
SUBJECT = VOC.index("person")
TEACHER = "deeplabv3_mnv2_ade20k_int8"  # of sky
LEAST_SKY = 0.05  # share of a photo that the teacher calls sky, or the photo does not count
SIZES = {"small": (0.0, 0.1), "middle": (0.1, 0.3), "large": (0.3, 1.01)}  # people's share of the photo

Float64 = npt.NDArray[np.float64]


def peer(
    labels: tuple[str, ...], side: int, kind: OutputKind, *, mean: float = 127.5, convention: str = "align_corners"
) -> ModelMetadata:
    """Metadata of a file that has none."""
    return ModelMetadata(
        name="peer",
        labels=labels,
        input_height=side,
        input_width=side,
        fit=Fit.STRETCH,
        output_kind=kind,
        output_label="person" if kind is OutputKind.CONFIDENCE else None,
        resize_convention=ResizeConvention(convention),
        mean=mean,
        std=mean or 255.0,
    )


PEERS = {
    "deeplabv3_mnv2_pascal_quant": peer(VOC, 513, OutputKind.LABELS),
    "deeplabv3_mnv2_dm05_pascal_quant": peer(VOC, 513, OutputKind.LABELS),
    "deeplabv3_257_mv_gpu": peer(VOC, 257, OutputKind.LOGITS),
    "selfie_segmentation": peer(PERSON, 256, OutputKind.CONFIDENCE, mean=0.0, convention="half_pixel"),
    "deeplabv3_mnv2_ade20k_int8": peer(ADE20K, 512, OutputKind.LABELS, convention="legacy"),
    "mobile_segmenter_r4_quant_argmax_uint8": peer(ADE20K, 512, OutputKind.LABELS, convention="legacy"),
}


def counts(segmenter: Segmenter, sample: Sample) -> Float64:
    """[intersection, union, found, labelled pixels] of the subject, then the 21x21 confusion of VOC lists."""
    photo = read_photo(sample)
    labels = read_labels(sample, photo.shape[0], photo.shape[1], len(VOC), SUBJECT)
    seen = segmenter(photo)
    known, subject = labels != UNKNOWN, labels == SUBJECT
    found = seen.photo_mask("person") >= 128
    numbers = [(found & subject & known).sum(), ((found | subject) & known).sum(), (found & known).sum(), known.sum()]
    confusion = np.zeros(len(VOC) ** 2, np.int64)
    if sample.kind is DatasetKind.VOC and seen.labels[: len(VOC)] == VOC and segmenter.metadata.output_label is None:
        classes = seen.label_map()
        classes = np.where(classes < len(VOC), classes, np.uint8(0))  # what VOC has no name for is its background
        confusion = confusion_matrix(labels, classes, len(VOC)).ravel()
    return np.concatenate([numbers, confusion]).astype(np.float64)


def subject_area(rows: Float64) -> Float64:
    """Labelled pixels of the subject, by photo: union - found + intersection."""
    return rows[:, 1] - rows[:, 2] + rows[:, 0]


def subject_iou(total: Float64) -> float:
    return float(total[0] / total[1])


def false_subject(total: Float64) -> float:
    return float(total[2] / total[3])


def mean_iou(total: Float64) -> float:
    confusion = total[4:].reshape(len(VOC), len(VOC))
    true = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - true
    return float((true[union > 0] / union[union > 0]).mean())


def interval(rows: Float64, score: Callable[[Float64], float]) -> dict[str, float]:
    """The score of all photos and its 95 % interval under resampling of the photos, the same for every model."""
    totals = bootstrap_totals([{"counts": row} for row in rows])
    low, high = np.percentile([score(total) for total in totals.drawn["counts"]], PERCENTILES)
    return {"score": score(totals.all["counts"]), "low": float(low), "high": float(high)}


def scores(segmenter: Segmenter, root: Path, skies: list[tuple[Sample, npt.NDArray[np.bool_]]]) -> dict[str, Any]:
    """All scores of one model."""
    result: dict[str, Any] = {}
    people, voc = [], []
    for one in read_validation(LIST):
        rows = np.stack([counts(segmenter, sample) for sample in validation_samples(one, root)])
        shows_subject = bool((subject_area(rows) > 0).any())
        result[one.name] = interval(rows, subject_iou if shows_subject else false_subject)
        if shows_subject:
            people.append(rows)
        if one.kind is DatasetKind.VOC:
            voc.append(rows)
    rows = np.concatenate(people)
    share = subject_area(rows) / rows[:, 3]
    for name, (low, high) in SIZES.items():
        result[name] = interval(rows[(low <= share) & (share < high)], subject_iou)
    rows = np.concatenate(voc)
    if rows[:, 4:].any():
        result["voc_mean_iou"] = interval(rows, mean_iou)
    if segmenter.metadata.output_label is None and "sky" in segmenter.metadata.labels and skies:
        found = [(sky, sky_of(segmenter, read_photo(sample))) for sample, sky in skies]
        rows = np.array([[(a & b).sum(), (a | b).sum()] for a, b in found], np.float64)
        result["sky_against_teacher"] = interval(rows, subject_iou)
    return result


def teacher_skies(root: Path) -> list[tuple[Sample, npt.NDArray[np.bool_]]]:
    """Validation photos in which the teacher sees sky, and where."""
    teacher = Segmenter(root / "models" / f"{TEACHER}.tflite", metadata=PEERS[TEACHER])
    found = []
    for one in read_validation(LIST):
        for sample in validation_samples(one, root):
            sky = sky_of(teacher, read_photo(sample))
            if sky.mean() >= LEAST_SKY:
                found.append((sample, sky))
    return found


def sky_of(segmenter: Segmenter, photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """(H, W) bool."""
    seen = segmenter(photo)
    return np.asarray(seen.label_map() == seen.labels.index("sky"))


def main() -> None:
    root, models = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    result: dict[str, Any] = {}
    skies = teacher_skies(root)
    for path, metadata in [
        *((model, None) for model in models),
        *((root / "models" / f"{name}.tflite", described) for name, described in PEERS.items()),
    ]:
        result[path.stem] = scores(Segmenter(path, metadata=metadata), root, skies)
        cells = [
            f"{name} {100 * one['score']:.2f} [{100 * one['low']:.2f}, {100 * one['high']:.2f}]"
            for name, one in result[path.stem].items()
        ]
        print(f"{path.stem}: " + "; ".join(cells), file=sys.stderr)
    json.dump(result, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
