"""The shipped config's starting weights, from the files that they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.training.config import StartConfig
from portraitlite.convert.training.config_file import load_config

pytestmark = pytest.mark.shared_data
CONFIG = Path(__file__).resolve().parents[2] / "convert" / "training" / "configs" / "portrait_scene.toml"
PERSON, SKY = 15, 21


@pytest.fixture(scope="module")
def picture(shared: Path) -> np.ndarray:
    """A portrait as the network's input."""
    path = shared / "data" / "unlabelled" / "ai_portraits_cc0" / "images" / "female_3.jpg"
    photo = Image.open(path).convert("RGB").resize((385, 385), Image.Resampling.BILINEAR)
    return (np.asarray(photo)[None] / 127.5 - 1).astype(np.float32)


def started(shared: Path, out: Path, start: StartConfig | None = None) -> Any:
    from portraitlite.convert.training.trainer import Folders
    from portraitlite.convert.training.trainer import start as begin

    config = load_config(CONFIG)
    config = dataclasses.replace(config, start=start or config.start)
    network, _ = begin(config, Folders(shared, CONFIG.parent, out, out))
    return network.model


def parts(model: Any, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import keras

    outputs = [model.get_layer("logits.semantic").output, model.get_layer("decoder.residual").output, model.output]
    semantic, residual, logits = (np.asarray(array)[0] for array in keras.Model(model.input, outputs)(image))
    return semantic, residual, logits


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def test_the_person_of_the_start_is_kept(shared: Path, picture: np.ndarray, tmp_path: Path) -> None:
    """The start adds its decoder to the upsampled person logit; here the 22 logits are upsampled before the softmax."""
    from portraitlite.runtime.resize import resize_bilinear
    from portraitlite.runtime.types import ResizeConvention

    semantic, residual, logits = parts(started(shared, tmp_path), picture)
    rest = np.delete(semantic, [PERSON, SKY], axis=-1)
    logit = semantic[..., PERSON] - np.log(np.exp(rest).sum(axis=-1))
    upsampled = resize_bilinear(logit[..., None].astype(np.float32), 97, 97, ResizeConvention.ALIGN_CORNERS)[..., 0]
    before = 1 / (1 + np.exp(-(upsampled + residual[..., PERSON])))
    after = softmax(logits)[..., PERSON]
    assert after.max() > 0.99
    assert np.abs(after - before).mean() < 0.002
    assert ((after > 0.5) != (before > 0.5)).mean() < 0.003
    assert softmax(logits)[..., SKY].max() < 0.06


def test_an_official_8_bit_model_can_be_the_start(shared: Path, picture: np.ndarray, tmp_path: Path) -> None:
    rules = ("append:0", "residual", "fresh:decoder/")
    start = StartConfig("models/deeplabv3_mnv2_pascal_quant.tflite", rules)
    semantic, residual, logits = parts(started(shared, tmp_path, start), picture)
    assert not residual.any()
    assert (softmax(semantic).argmax(axis=-1) == PERSON).mean() > 0.2
    assert (logits.argmax(axis=-1) == PERSON).mean() > 0.2
