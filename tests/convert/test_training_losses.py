"""Every loss term against plain numpy, the schedule, and the surgery on starting weights."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.training.config import LossConfig, ScheduleConfig
from portraitlite.convert.training.losses import loss_terms, subject_logit, total_loss
from portraitlite.convert.training.optimizer import rate_factor, rates_by_layer
from portraitlite.convert.training.transfer import transfer
from portraitlite.runtime.errors import InputError

B, N, C, PERSON = 3, 9, 5, 2
EVERYTHING = LossConfig(classes=0.5, subject=1.0, subject_iou=0.7, false_subject=0.3, edge=2.0, edge_width=3)


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 3, (B, N, N, C)).astype(np.float32)


@pytest.fixture
def goal() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    mixture = rng.uniform(0, 1, (B, N, N, C))
    subject = np.zeros((B, N, N), np.float32)
    subject[:, 2:6, 3:8] = 1
    weight = np.ones((B, N, N), np.float32)
    weight[:, 0] = 0
    arrays = {
        "mixture": mixture / mixture.sum(axis=-1, keepdims=True),
        "subject": subject,
        "weight": weight,
        "quiet": (rng.uniform(0, 1, (B, N, N)) > 0.5) * (1 - subject),
        "trust": np.array([1, 0.5, 1]),
    }
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def computed(logits: np.ndarray, goal: dict[str, np.ndarray], config: LossConfig) -> dict[str, float]:
    return {name: float(value) for name, value in loss_terms(logits, goal, config, PERSON).items()}


def binary_logit(logits: np.ndarray) -> np.ndarray:
    rest = np.delete(logits.astype(np.float64), PERSON, axis=-1)
    return logits[..., PERSON] - np.log(np.exp(rest).sum(axis=-1))


def test_the_subject_logit_is_the_softmax_probability(logits: np.ndarray) -> None:
    z = np.asarray(subject_logit(logits, PERSON))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    assert 1 / (1 + np.exp(-z)) == pytest.approx(softmax[..., PERSON], abs=1e-5)


def test_terms_equal_plain_numpy(logits: np.ndarray, goal: dict[str, np.ndarray]) -> None:
    terms = computed(logits, goal, EVERYTHING)
    z, t = binary_logit(logits), goal["subject"]
    p = 1 / (1 + np.exp(-z))
    log_softmax = logits - np.log(np.exp(logits.astype(np.float64)).sum(axis=-1, keepdims=True))
    edge = np.zeros((B, N, N))
    for y in range(N):
        for x in range(N):
            near = t[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            edge[:, y, x] = near.max(axis=(1, 2)) - near.min(axis=(1, 2))
    emphasis = goal["weight"] * goal["trust"][:, None, None] * (1 + 2.0 * edge)
    bce = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    valid = goal["weight"] > 0
    inter = (np.minimum(p, t) * valid).sum(axis=(1, 2))
    union = (np.maximum(p, t) * valid).sum(axis=(1, 2))
    expected = {
        "classes": -(goal["mixture"] * log_softmax).sum(axis=-1).mean(),
        "subject": (bce * emphasis).sum() / (emphasis.sum() + 1),
        "subject_iou": ((1 - (inter + 20) / (union + 20)) * goal["trust"]).mean(),
        "false_subject": (np.maximum(z - math.log(0.02 / 0.98), 0) * goal["quiet"]).mean(),
    }
    assert terms == pytest.approx(expected, rel=1e-4)
    total = float(total_loss(terms, EVERYTHING))
    assert total == pytest.approx(
        0.5 * expected["classes"]
        + expected["subject"]
        + 0.7 * expected["subject_iou"]
        + 0.3 * expected["false_subject"],
        rel=1e-4,
    )


@pytest.mark.parametrize("name", ["classes", "subject", "subject_iou", "false_subject"])
def test_a_weight_of_zero_switches_a_term_off(logits: np.ndarray, goal: dict[str, np.ndarray], name: str) -> None:
    off: dict[str, Any] = {name: 0.0}
    assert name not in computed(logits, goal, dataclasses.replace(EVERYTHING, **off))


def test_photos_without_any_label_give_no_subject_loss(logits: np.ndarray, goal: dict[str, np.ndarray]) -> None:
    terms = computed(logits, {**goal, "weight": 0 * goal["weight"]}, EVERYTHING)
    assert terms["subject"] == 0
    assert terms["subject_iou"] == pytest.approx(0, abs=1e-6)


def test_the_rate_rises_and_falls() -> None:
    schedule = ScheduleConfig(steps=100, rates={"": 1.0}, warmup_steps=10, final_fraction=0.1)
    factors = [rate_factor(step, schedule) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(factors[9], abs=0.02)
    assert factors[99] == pytest.approx(0.1, abs=0.001)
    assert all(a > b for a, b in itertools.pairwise(factors[10:]))


@pytest.fixture(scope="module")
def network() -> Any:
    from portraitlite.convert.networks import build_network
    from portraitlite.convert.spec import DeepLabSpec

    return build_network(
        DeepLabSpec(classes=4, crop_height=33, crop_width=33, depth_multiplier=0.35, decoder_stride=4, residual=True,
                    aspp_filters=8, decoder_filters=8)
    )  # fmt: skip


def test_the_longest_prefix_gives_the_rate(network: Any) -> None:
    rates = rates_by_layer(network, {"": 1e-5, "decoder/": 1e-3, "decoder/residual": 1e-2})
    assert rates["MobilenetV2.Conv"] == 1e-5
    assert rates["decoder.decoder_conv0_depthwise"] == 1e-3
    assert rates["decoder.residual"] == 1e-2
    with pytest.raises(InputError, match="no prefix for MobilenetV2/Conv"):
        rates_by_layer(network, {"decoder/": 1e-3})
    with pytest.raises(InputError, match="begins with 'decodr/'"):
        rates_by_layer(network, {"": 1e-3, "decodr/": 1e-3})


def test_a_person_decoder_becomes_a_column_of_the_residual(network: Any) -> None:
    from portraitlite.convert.networks.build import LOGITS_SCOPE, RESIDUAL_SCOPE
    from portraitlite.convert.weights import load_variables, official_variables

    rng = np.random.default_rng(4)
    fresh = official_variables(network)
    start = {name: rng.normal(0, 0.4, value.shape).astype(np.float32) for name, value in fresh.items()}
    start |= {name: fresh[name] for name in fresh if "BatchNorm" in name}
    del start[f"{RESIDUAL_SCOPE}/weights"], start[f"{RESIDUAL_SCOPE}/biases"]
    for part in ("weights", "biases"):
        start[f"{LOGITS_SCOPE}/{part}"] = start[f"{LOGITS_SCOPE}/{part}"][..., :3]
        start[f"decoder/person/{part}"] = rng.normal(0, 0.4, fresh[f"{RESIDUAL_SCOPE}/{part}"][..., :1].shape).astype(
            "f4"
        )
    moved = transfer(("residual:decoder/person", "append:0"), start, fresh, PERSON)
    load_variables(network, moved)

    import keras

    inside = [
        network.model.get_layer(name).output
        for name in ("logits.semantic", "decoder.residual", "decoder.decoder_conv1_pointwise")
    ]
    image = rng.uniform(-1, 1, (1, 33, 33, 3)).astype(np.float32)
    semantic, residual, features = (np.asarray(a) for a in keras.Model(network.model.input, inside)(image))
    assert semantic[..., 3] == pytest.approx(semantic[..., 0] - 3, abs=1e-5)
    person = features @ start["decoder/person/weights"][0, 0] + start["decoder/person/biases"]
    assert residual[..., PERSON] == pytest.approx(person[..., 0], abs=1e-4)
    assert not np.delete(residual, PERSON, axis=-1).any()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("residual:decoder/nobody", "decoder/nobody/weights, which is absent"),
        ("grow", "unknown transfer rule"),
        ("append:9", "must name a class number of the start"),
        ("append", "must name a class number of the start"),
    ],
)
def test_rules_that_do_not_fit_are_refused(network: Any, rule: str, message: str) -> None:
    from portraitlite.convert.weights import official_variables

    fresh = official_variables(network)
    with pytest.raises(InputError, match=message):
        transfer((rule,), fresh, fresh, PERSON)
