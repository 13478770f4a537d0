"""The models that come along: what they say about themselves, that their kinds agree, that they see what is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from portraitlite.runtime import Segmentation, Segmenter, load_photo
from portraitlite.runtime.bundled import BUNDLED, MODELS_FOLDER

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
MAX_BYTES = {"int8": 3_000_000, "fp16": 5_000_000}


def seen(model: str, photo: str) -> Segmentation:
    return Segmenter(model)(load_photo(PHOTOS / f"{photo}.jpg"))


def iou(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("name", BUNDLED)
def test_files_describe_themselves(name: str) -> None:
    path = MODELS_FOLDER / BUNDLED[name]
    metadata = Segmenter(name).metadata
    assert metadata.name == name.split("_")[0]
    assert path.name == f"{metadata.name}_{metadata.recipe}.tflite"
    assert path.stat().st_size <= MAX_BYTES[metadata.recipe]
    assert path.with_suffix(".json").is_file()
    assert (MODELS_FOLDER / f"{metadata.name}.md").is_file()
    if metadata.name == "portrait":
        assert (metadata.labels, metadata.output_label) == (("background", "person"), "person")
    else:
        assert (len(metadata.labels), metadata.labels[15], metadata.labels[21]) == (22, "person", "sky")


@pytest.mark.parametrize("model", ["portrait", "scene"])
@pytest.mark.parametrize("photo", ["woman", "terrace"])
def test_int8_follows_fp16(model: str, photo: str) -> None:
    masks = [seen(kind, photo).photo_mask("person") >= 128 for kind in (model, f"{model}_fp16")]
    assert iou(*masks) >= 0.985


@pytest.mark.parametrize("photo", ["man", "street", "riverside", "poolside"])
def test_both_models_see_the_same_person(photo: str) -> None:
    masks = [seen(model, photo).photo_mask("person") >= 128 for model in ("portrait", "scene")]
    assert 0.3 < masks[0].mean() < 0.7
    assert iou(*masks) >= 0.97


def test_the_scene_model_sees_cars_and_sky() -> None:
    assert seen("scene", "man").shares()["car"] > 0.05
    sky = seen("scene", "poolside").photo_mask("sky")
    assert (sky >= 128).mean() > 0.03
    rows = np.flatnonzero((sky >= 128).any(axis=1))
    assert rows.mean() < 0.35 * len(sky)  # it is above
