"""Models, their metadata, and where their pixels lie on the photo."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.runtime import InputError, ModelMetadata, Portrait, Segmentation, Segmenter
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention


def _brightness_model(make: Callable[..., bytes], size: int, stride: int, threshold: float = 0.0) -> bytes:
    """Logits (dark, bright): 20 * (mean(RGB) - threshold) at every `stride`-th pixel, as DeepLab's strides sample."""
    kernel = np.zeros((2, 1, 1, 3), "f4")
    kernel[1] = 20 / 3
    return make((size, size), kernel, np.array([0, -20 * threshold], "f4"), stride=stride)


def _meta(size: int, **changes: Any) -> ModelMetadata:
    meta = ModelMetadata("brightness", ("dark", "bright"), size, size, output_kind=OutputKind.LOGITS, fit=Fit.STRETCH)
    return dataclasses.replace(meta, **changes)


@pytest.fixture
def bright_model(make_conv_model: Callable[..., bytes], tmp_path: Path) -> Path:
    path = tmp_path / "bright.tflite"
    path.write_bytes(_brightness_model(make_conv_model, 65, 4))
    return path


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("shape", [(400, 300), (97, 260), (520, 520)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.85])
def test_masks_lie_where_the_photo_is(
    fit: Fit, shape: tuple[int, int], share: float, make_conv_model: Callable[..., bytes], tmp_path: Path
) -> None:
    """On a ramp, the mask's edge lies where the ramp crosses the threshold.

    Taking mask samples for equal shares of the photo would be 1.5 input pixels off near the rims.
    """
    (tmp_path / "m.tflite").write_bytes(_brightness_model(make_conv_model, 65, 4, threshold=2 * share - 1))
    segmenter = Segmenter(tmp_path / "m.tflite", metadata=_meta(65, fit=fit))
    for axis in (0, 1):
        ramp = (np.arange(shape[axis]) + 0.5) / shape[axis] * 255
        photo = np.empty((*shape, 3), np.uint8)
        photo[:] = (ramp + 0.5).astype(np.uint8).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        dark = segmenter(photo).photo_mask("bright") < 128
        edge = dark.sum(axis).mean()
        input_pixel = shape[axis] / 65 if fit is Fit.STRETCH else max(shape) / 65
        assert abs(edge - share * shape[axis]) < 0.5 * input_pixel + 1


def test_box_of_each_convention() -> None:
    def box(size: int, samples: int, convention: ResizeConvention, used: tuple[int, int]) -> Any:
        output = np.zeros((samples, samples, 2), "f4")
        return Segmentation(output, _meta(size, resize_convention=convention), 100, 100, *used).box

    # align_corners 385 -> 97: step 4; edge 0 lies half an input pixel left of sample 0's centre at 0.5.
    assert box(385, 97, ResizeConvention.ALIGN_CORNERS, (385, 385)) == pytest.approx((0.375, 0.375, 96.625, 96.625))
    assert box(385, 97, ResizeConvention.ALIGN_CORNERS, (385, 193)) == pytest.approx((0.375, 0.375, 48.625, 96.625))
    assert box(512, 128, ResizeConvention.LEGACY, (512, 512)) == pytest.approx((0.375, 0.375, 128.375, 128.375))
    assert box(384, 96, ResizeConvention.HALF_PIXEL, (384, 192)) == pytest.approx((0, 0, 48, 96))
    assert box(65, 65, ResizeConvention.ALIGN_CORNERS, (65, 33)) == pytest.approx((0, 0, 33, 65))


def test_confidence_from_every_output_kind() -> None:
    logits = np.array([[[0.0, 2.0], [3.0, 0.0]]], "f4")
    probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for kind, output in ((OutputKind.LOGITS, logits), (OutputKind.CONFIDENCE, probability.astype("f4"))):
        s = Segmentation(output, _meta(2, output_kind=kind), 1, 2, 1, 2)
        np.testing.assert_allclose(s.confidence("bright"), probability[..., 1], atol=1e-6)
    labels = Segmentation(np.array([[1, 0]], np.uint8), _meta(2, output_kind=OutputKind.LABELS), 1, 2, 1, 2)
    assert labels.confidence("bright").tolist() == [[1, 0]]
    one = Segmentation(
        probability[..., 1:].astype("f4"),
        _meta(2, output_kind=OutputKind.CONFIDENCE, output_label="bright"),
        1,
        2,
        1,
        2,
    )
    np.testing.assert_allclose(one.confidence("dark"), probability[..., 0], atol=1e-6)
    assert one.mask("bright").tolist() == [[225, 12]]
    with pytest.raises(InputError, match=r"no class 'cat'; it knows dark, bright"):
        one.confidence("cat")


def test_bundled_model_finds_the_people(photos: Path) -> None:
    segmenter = Segmenter("portrait")
    for path in sorted(photos.glob("*.jpg")):
        segmentation = segmenter(load_photo(path))
        assert 0.25 < segmentation.shares()["person"] < 0.75, path.name
        mask = segmentation.photo_mask("person")
        assert mask[300:, 200:312].mean() > 240, f"{path.name}: the chest is not person"
        assert mask[:20, :20].mean() < 30, f"{path.name}: the corner is person"


def test_arrays_pil_images_and_files_give_the_same(photos: Path) -> None:
    segmenter = Segmenter("portrait")
    with Image.open(photos / "man.jpg") as image:
        results = [
            segmenter(image),
            segmenter(np.asarray(image.convert("RGB"))),
            segmenter(load_photo(photos / "man.jpg")),
        ]
    assert all(np.array_equal(results[0].output, r.output) for r in results)


def test_orientation_is_applied_before_segmenting(photos: Path, tmp_path: Path) -> None:
    with Image.open(photos / "man.jpg") as image:
        upright = np.asarray(image)
        exif = Image.Exif()
        exif[0x0112] = 6  # shown rotated by 90 degrees clockwise
        image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    segmenter = Segmenter("portrait")
    assert np.array_equal(segmenter(load_photo(tmp_path / "turned.png")).output, segmenter(upright).output)


def test_models_that_cannot_be_used(bright_model: Path, tmp_path: Path) -> None:
    whole = resolve_model("portrait").read_bytes()
    (tmp_path / "half.tflite").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.tflite").write_text("this is no model, but long enough")
    (tmp_path / "empty.tflite").write_bytes(b"")
    for name, reason in (
        ("half", "cannot be loaded"),
        ("text", "is not a .tflite file"),
        ("empty", "is not a .tflite file"),
        ("absent", "does not exist"),
    ):
        with pytest.raises(InputError, match=reason) as raised:
            Segmenter(tmp_path / f"{name}.tflite")
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="is a folder"):
        Segmenter(tmp_path)
    with pytest.raises(InputError, match=r"says nothing about itself .*metadata="):
        Segmenter(bright_model)
    with pytest.raises(InputError, match=r"expected one picture \[1, 33, 33, 3\]"):
        Segmenter(bright_model, metadata=_meta(33))
    with pytest.raises(InputError, match="expected one map"):
        Segmenter(bright_model, metadata=_meta(65, labels=("a", "b", "c")))
    with pytest.raises(InputError, match="no class 'person' to keep sharp"):
        Portrait(bright_model, metadata=_meta(65))
    with pytest.raises(InputError, match="threads must be at least 1"):
        Segmenter("portrait", threads=0)
    with pytest.raises(InputError, match="unknown backend 'tpu'"):
        Segmenter("portrait", backend="tpu")


def test_metadata_survives_json_and_refuses_what_does_not_fit() -> None:
    meta = _meta(65, provenance={"source": {"name": "x"}})
    document = json.loads(json.dumps(meta.to_dict()))
    assert ModelMetadata.from_dict(document) == meta
    for changes, reason in (
        ({"schema_version": 99}, "schema version 99"),
        ({"fit": "sideways"}, "does not fit"),
        ({"surprise": 1}, "unknown keys"),
        ({"labels": "dark"}, "list of names"),
        ({"input_height": 0}, "must be positive"),
        ({"std": 0}, "std must be positive"),
    ):
        with pytest.raises(InputError, match=reason):
            ModelMetadata.from_dict({**document, **changes})


def test_other_peoples_files_have_no_metadata(bright_model: Path) -> None:
    assert read_metadata(bright_model.read_bytes()) is None
    found = read_metadata(resolve_model("portrait").read_bytes())
    assert found is not None
    assert (found.name, found.output_label, found.recipe) == ("portrait", "person", "int8")


def test_runner_refuses_inputs_that_do_not_fit(bright_model: Path) -> None:
    runner = open_model(bright_model.read_bytes())
    with pytest.raises(InputError, match=r"takes float32 \[1, 65, 65, 3\]; it got uint8"):
        runner.run({"image": np.zeros((1, 65, 65, 3), np.uint8)})
    with pytest.raises(InputError, match="needs an input 'image'"):
        runner.run({"picture": np.zeros((1, 65, 65, 3), "f4")})


def test_tensorflow_backend_gives_the_same_labels(photos: Path) -> None:
    pytest.importorskip("tensorflow", reason="the TensorFlow backend needs the convert extra")
    pixels = load_photo(photos / "street.jpg").pixels
    ours, theirs = (Segmenter("portrait", backend=b)(pixels).mask("person") for b in ("litert", "tensorflow"))
    assert np.abs(ours.astype(int) - theirs).max() <= 1
