"""How `--mixed auto` searches: which beginnings are tried, which one is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.quantization import FloatNetwork, choose
from portraitlite.convert.quantization.choose import Choice, choose_float_layers
from portraitlite.convert.quantization.sensitivity import Cost, SensitivityReport
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.types import Recipe

BLOCKS = 9  # the last is the scores
IMAGES = [np.zeros((1, 8, 8, 3), np.float32)]
Search = Callable[..., tuple[Choice, list[int]]]


@pytest.fixture(scope="module")
def model() -> bytes:
    """A chain of convolutions, the last of which has half the multiply-adds of the others."""
    import tensorflow as tf

    def function(image: Any) -> Any:
        x = image
        for i in range(BLOCKS):
            with tf.name_scope(f"block{i}.conv"):
                outputs = 3 if i < BLOCKS - 1 else 2
                kernel = np.full((1, 1, 3, outputs), 0.1 + i, np.float32)
                x = tf.nn.conv2d(x, kernel, 1, "VALID", name="convolution") + np.full(outputs, i + 1, np.float32)
                x = tf.nn.relu(x) if i < BLOCKS - 1 else x
        return x

    return convert_with_tensorflow(FloatNetwork(function, 8, 8), Recipe.FP32, None)


@pytest.fixture
def search(model: bytes, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Runs the search with 1 % more latency and 2 % more size for each float layer, and says which lengths it tried."""

    def run(changed: list[float], **limits: Any) -> tuple[Choice, list[int]]:
        segments = [Cost(f"block{i}.conv", i + 1, share, 0, 0) for i, share in enumerate(changed)]
        report = SensitivityReport(1, (), Cost("everything", BLOCKS, 0.5, 0, 0), (), tuple(segments[::-1]))
        tried: list[int] = []

        def quantize(model: bytes, options: Any, *others: Any) -> bytes:
            if options.recipe is Recipe.INT8:
                return bytes(100)
            tried.append(len(options.float_layers))
            return bytes(100 + 2 * len(options.float_layers))

        monkeypatch.setattr(choose, "_report", lambda *arguments, **keywords: report)
        monkeypatch.setattr(choose, "quantize_with_litert", quantize)
        monkeypatch.setattr(choose, "latency_ratio", lambda mixed, whole, runs: 1 + (len(mixed) - len(whole)) / 200)
        return choose_float_layers(model, IMAGES, 127.5, 127.5, **limits), tried

    return run


FALLING = [0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05]


# The scores stay float besides, so the beginning of length n has n + 1 float layers.
@pytest.mark.parametrize(
    ("limits", "length"),
    [
        ({"max_latency_ratio": 1.055, "max_size_ratio": 9}, 4),
        ({"max_latency_ratio": 9, "max_size_ratio": 1.13}, 5),
        ({"max_latency_ratio": 1.035, "max_size_ratio": 1.13}, 2),
        ({"max_latency_ratio": 9, "max_size_ratio": 9}, 8),
        ({"max_latency_ratio": 1.0, "max_size_ratio": 9}, 0),
    ],
)
def test_the_longest_that_keeps_both_limits_where_longer_is_better(
    limits: dict[str, float], length: int, search: Search
) -> None:
    choice, tried = search(FALLING, **limits)
    assert len(choice.float_layers) == (length + 1 if length else 0)
    assert choice.chosen == (
        None if length == 0 else next(c for c in choice.candidates if c.last == f"block{length - 1}.conv")
    )
    assert len(tried) == len(set(tried)) <= 4
    assert all(
        c.fits == (c.latency_ratio <= limits["max_latency_ratio"] and c.size_ratio <= limits["max_size_ratio"])
        for c in choice.candidates
    )


def test_a_shorter_one_that_saves_as_much_or_more_wins(search: Search) -> None:
    choice, _ = search([0.4, 0.1, 0.3, 0.1, 0.2, 0.2, 0.0, 0.0], max_latency_ratio=1.065, max_size_ratio=9)
    assert choice.chosen is not None
    assert (choice.chosen.last, choice.chosen.changed) == ("block1.conv", 0.1)
    assert choice.float_layers == (r"block0\.conv", r"block1\.conv", r"block8\.conv")
    assert choice.chosen.float_share == pytest.approx((2 * 9 + 6) / (8 * 9 + 6))
    assert [c.changed for c in choice.candidates] == sorted(c.changed for c in choice.candidates)


def test_what_the_card_stores(search: Search) -> None:
    choice, _ = search(FALLING, max_latency_ratio=1.055, max_size_ratio=9)
    document = choice.to_dict()
    assert "report" not in document
    assert document["chosen"] in document["candidates"]
    assert document["int8_changed"] == 0.5
