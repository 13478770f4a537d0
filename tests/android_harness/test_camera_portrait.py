"""The whole way of a camera app, from a front camera's frame to the portrait, against the Python runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camera_program import CameraProgram, running_camera
from golden_vectors import Array
from PIL import Image

from portraitlite.runtime import Keep, ModelMetadata, OutputKind, Segmentation, Segmenter, SubjectChoice, subject_mask
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur import BlurRenderer, BlurSpec, Orientation
from portraitlite.runtime.blur.levels import nearest_layer
from portraitlite.runtime.bundled import DEFAULT_MODEL, resolve_model


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProgram]:
    with running_camera(tmp_path_factory) as program:
        yield program


def nv21(photo: Array) -> Array:
    """A frame without gaps that shows an (H, W, 3) photo of even sides."""
    y, u, v = (np.asarray(plane) for plane in Image.fromarray(photo).convert("YCbCr").split())
    return np.concatenate([y.ravel(), np.stack([v[::2, ::2], u[::2, ::2]], -1).ravel()])


def model_parameters() -> dict[str, Any]:
    segmenter = Segmenter()
    output = open_model(resolve_model(DEFAULT_MODEL).read_bytes()).outputs[0]
    meta = segmenter.metadata
    return {
        "model": DEFAULT_MODEL,
        "model_input": [meta.input_height, meta.input_width],
        "model_output": list(output.shape[1:3]),
        "model_fit": meta.fit,
        "model_scale": output.scale,
        "model_zero": output.zero_point,
        "model_signed": output.dtype == np.int8,
    }


def test_the_portrait_is_the_desktop_s(camera: CameraProgram, photos: Path) -> None:
    """Byte by byte, as both run the same graphs here: mask, and picture with highlights and grain."""
    with Image.open(photos / "woman.jpg") as image:
        upright = np.asarray(image.convert("RGB").resize((600, 720)))
    frame = np.rot90(upright[:, ::-1])  # what a sensor sees that is mirrored, after a turn by 90 degrees clockwise
    parameters = {"height": frame.shape[0], "width": frame.shape[1], "degrees": 90, **model_parameters()}
    parameters |= {"strength": 0.7, "highlights": 0.6, "grain": 0.8}
    found = camera.run("portrait", {"data": nv21(np.ascontiguousarray(frame))}, parameters)
    assert found["photo"].shape == upright.shape
    assert np.abs(found["photo"].astype(int) - upright).mean() < 4, "chroma at half size costs little"
    photo = np.ascontiguousarray(found["photo"])
    subject = subject_mask(Segmenter()(photo), SubjectChoice())
    assert 0.1 < subject.share < 0.9
    np.testing.assert_array_equal(found["mask"][..., 0], subject.values)
    wanted = BlurRenderer().render(photo, subject.values, mask_box=subject.box, strength=0.7, highlights=0.6, grain=0.8)
    np.testing.assert_array_equal(found["picture"], wanted)
    assert (wanted != photo).any()


@pytest.mark.parametrize("held", [None, ["dog"], []])
def test_what_the_subject_holds(camera: CameraProgram, held: list[str] | None) -> None:
    """No golden vector has a model of several classes."""
    labels = ("background", "person", "dog", "bottle")
    scores = np.zeros((40, 50, 4), np.float32)
    scores[..., 0] = 0.9
    scores[8:36, 10:22] = (0.1, 0.8, 0.05, 0.05)
    scores[20:30, 22:34] = (0.1, 0.1, 0.7, 0.1)  # a dog beside the person
    scores[20:30, 34:36] = (0.7, 0.05, 0.2, 0.05)  # its soft rim
    scores[3:7, 40:46] = (0.1, 0.1, 0.7, 0.1)  # another one, far off
    scores[12:16, 5:11] = (0.1, 0.3, 0.0, 0.6)  # a bottle in hand
    metadata = ModelMetadata("made", labels, 40, 50, output_kind=OutputKind.CONFIDENCE)
    choice = SubjectChoice(held=None if held is None else tuple(held))
    wanted = subject_mask(Segmentation(scores, metadata, 400, 500, 40, 50), choice)
    parameters: dict[str, Any] = {"network": [40, 50], "photo": [400, 500], "used": [40, 50]}
    parameters |= {
        "output_kind": "confidence",
        "labels": labels,
        "resize_convention": "align_corners",
        "keep": "all",
        "held": held,
    }
    found = camera.run("subject", {"output": scores}, parameters)
    np.testing.assert_array_equal(found["mask"][..., 0], wanted.values)
    assert found["share"].tolist() == [wanted.share]
    assert found["kept"].tolist() == [int(figure.kept) for figure in wanted.figures]
    assert (wanted.values[25, 30] > 100) == (held != [])


def test_scores_that_are_no_confidences_do_no_harm(camera: CameraProgram) -> None:
    output = np.array([[[np.nan], [np.inf], [-np.inf], [7.0], [-1.0], [1e30], [0.5]]], np.float32)
    parameters = {"network": [1, 7], "photo": [10, 70], "used": [1, 7], "output_kind": "confidence"}
    parameters |= {"labels": ["background", "person"], "resize_convention": "half_pixel"}
    found = camera.run("mask", {"output": output}, parameters)["mask"]
    assert found.ravel().tolist() == [0, 255, 0, 255, 0, 255, 128]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("keep", [Keep.FOCUS, Keep.NEAR])
def test_who_stays_sharp_in_a_crowd(camera: CameraProgram, keep: Keep, seed: int) -> None:
    """Figures of many heights, some cut off below, in photos that the network sees squeezed."""
    rng = np.random.default_rng(seed)
    scores = np.zeros((48, 60, 1), np.float32)
    for left in range(2, 56, 9):
        tall = int(rng.integers(5, 40))
        bottom = int(rng.choice([48, 47, 44, 30])) if tall < 28 else 48
        scores[bottom - tall : bottom, left : left + 6] = 0.9
    height, width = [(200, 900), (900, 300)][seed % 2]
    metadata = ModelMetadata(
        "made", ("background", "person"), 48, 60, output_kind=OutputKind.CONFIDENCE, output_label="person"
    )
    parameters: dict[str, Any] = {"network": [48, 60], "photo": [height, width], "used": [48, 60], "keep": str(keep)}
    parameters |= {"output_kind": "confidence", "labels": metadata.labels, "resize_convention": "align_corners"}
    for x, y in rng.uniform(0, 1, (12, 2)).tolist():
        wanted = subject_mask(
            Segmentation(scores, metadata, height, width, 48, 60), SubjectChoice(keep=keep, focus=(x, y))
        )
        found = camera.run("subject", {"output": scores}, {**parameters, "focus": [x, y]})
        assert found["kept"].tolist() == [int(figure.kept) for figure in wanted.figures]
        np.testing.assert_array_equal(found["mask"][..., 0], wanted.values)


@pytest.mark.parametrize(
    "levels", [[0.0], [0.9, 0.2], [1.0, 0.0], [1.0, 2.0], [1.5, 0.5], [4.0], [3.2, 4.0], [2.9, 4.0]]
)
def test_the_faster_plan_graph_is_chosen_where_it_serves(camera: CameraProgram, levels: list[float]) -> None:
    values = np.array([levels], np.float32)
    wanted = nearest_layer(values, BlurSpec())
    found = camera.run("nearest", {"levels": values})
    assert found["nearest"].tolist() == [-1 if wanted is None else wanted]
    assert found["file"].tobytes().decode() == BlurSpec.plan_file(Orientation.PORTRAIT, wanted)
