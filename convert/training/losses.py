"""The terms of the training loss, in `keras.ops` so that they run on every backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portraitlite.convert.training.config import LossConfig

__all__ = ["loss_terms", "subject_logit", "total_loss"]

SMOOTH = 20.0  # samples: keeps the soft IoU of a photo without subject from jumping between 0 and 1


def subject_logit(logits: Any, subject: int) -> Any:
    """[..., C] -> [...]: l_s - logsumexp of the others; its sigmoid is the softmax probability of the subject."""
    from keras import ops

    chosen = ops.one_hot(subject, logits.shape[-1], dtype="float32")
    return logits[..., subject] - ops.logsumexp(logits - 1e9 * chosen, axis=-1)


def loss_terms(logits: Any, targets: Mapping[str, Any], config: LossConfig, subject: int) -> dict[str, Any]:
    """Unweighted terms, scalars.

    Args:
        logits: [B, n, m, C] float32.
        targets: as in `Batch`.
        config: a term whose weight is 0 is not computed.
        subject: class index.
    """
    from keras import ops

    person, weight = targets["subject"], targets["weight"]
    trusted = weight * targets["trust"][:, None, None]
    z = subject_logit(logits, subject)
    terms: dict[str, Any] = {}
    if config.classes:
        log_probabilities = ops.log_softmax(logits, axis=-1)
        terms["classes"] = -ops.mean(ops.sum(targets["mixture"] * log_probabilities, axis=-1))
    if config.subject:
        emphasis = trusted * (1 + config.edge * _edge(person, config.edge_width))
        terms["subject"] = ops.sum((ops.softplus(z) - z * person) * emphasis) / (ops.sum(emphasis) + 1)
    if config.subject_iou:
        probability = ops.sigmoid(z)
        valid = ops.cast(weight > 0, "float32")
        inter = ops.sum(ops.minimum(probability, person) * valid, axis=(1, 2))
        union = ops.sum(ops.maximum(probability, person) * valid, axis=(1, 2))
        terms["subject_iou"] = ops.mean((1 - (inter + SMOOTH) / (union + SMOOTH)) * targets["trust"])
    if config.false_subject:
        import math

        floor = math.log(config.false_subject_below / (1 - config.false_subject_below))
        terms["false_subject"] = ops.mean(ops.relu(z - floor) * targets["quiet"])
    return terms


def total_loss(terms: Mapping[str, Any], config: LossConfig) -> Any:
    """Sum of the terms by the weights of the config."""
    return sum(getattr(config, name) * value for name, value in terms.items())


def _edge(person: Any, width: int) -> Any:
    """[B, n, m] 0..1 -> 1 where the subject changes within `width` samples, else 0."""
    from keras import ops

    plane = person[..., None]
    highest = ops.max_pool(plane, width, 1, padding="same")
    lowest = -ops.max_pool(-plane, width, 1, padding="same")
    return ops.cast((highest - lowest)[..., 0] > 0.3, "float32")
