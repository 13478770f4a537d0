"""A made accuracy record, and variations of it, for the tests of what reads them."""

from __future__ import annotations

from portraitlite.benchmarks.accuracy.bootstrap import Interval
from portraitlite.benchmarks.accuracy.record import AccuracyRecord, DatasetFacts, ModelScores, PhotoScore
from portraitlite.benchmarks.record import ModelFacts

__all__ = ["made_accuracy", "made_scores"]

LABELS = ("background", "person", "dog")


def made_scores(
    name: str = "m.tflite",
    mean_iou: float = 0.7,
    *,
    sha256: str = "ab" * 32,
    labels: tuple[str, ...] = LABELS,
    photos: tuple[str, ...] = ("a.png", "b.png"),
    differences: dict[str, Interval] | None = None,
) -> ModelScores:
    """Scores of one model: every class as good as the mean, every photo a bit better than the one before."""
    figures = {"mean_iou": Interval(mean_iou, mean_iou - 0.02, mean_iou + 0.01)}
    figures["subject_iou"] = Interval(mean_iou + 0.1, mean_iou, mean_iou + 0.2)
    confusion = tuple(
        tuple(900 if row == column else 50 for column in range(len(labels))) for row in range(len(labels))
    )
    scored = (PhotoScore(key, {"subject_iou": 0.5 + 0.01 * i}) for i, key in enumerate(photos))
    return ModelScores(
        ModelFacts(name, 2_000_000, sha256),
        labels,
        figures,
        {"iou": dict.fromkeys(labels, mean_iou)},
        confusion,
        differences or {},
        tuple(scored),
    )


def made_accuracy(
    *models: ModelScores,
    reference: ModelScores | None = None,
    created: str = "2025-01-02T03:04:05+00:00",
    name: str = "voc:VOC2012",
    labels: tuple[str, ...] = LABELS,
    data_sha256: str = "cd" * 32,
) -> AccuracyRecord:
    """A record of these models, or of a made one."""
    models = models or (made_scores(labels=labels),)
    units = len(models[0].photos)
    data = DatasetFacts(name, "val", units, units, labels, "person", data_sha256)
    return AccuracyRecord(created, "1", "litert 2", data, models, reference)
