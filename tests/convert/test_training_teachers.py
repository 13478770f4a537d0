"""A teacher's logits are found inside its file, lie where the photo is, and are computed once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.training.config import DatasetKind, TeacherConfig
from portraitlite.convert.training.crop import Window
from portraitlite.convert.training.datasets import Sample
from portraitlite.convert.training.teachers import Opinions, expose_tensor, teacher_opinions
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import InputError

LABELS = ("class_0", "class_1", "class_2")
SIDE, STRIDE = 33, 4
# Logits as a linear function of red and green in [-1, 1].
KERNEL = np.array([[2.0, -1.0, 0.0], [0.0, 1.5, -2.0], [0.0, 0.0, 0.0]], np.float32)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An 8-bit network (1x1 convolution at stride 4, upsampling, argmax) and two photos whose colours are ramps."""
    import tensorflow as tf

    from portraitlite.convert.quantization import FloatNetwork
    from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
    from portraitlite.convert.types import Recipe

    def network(image: Any) -> Any:
        logits = tf.nn.conv2d(image, KERNEL[None, None], STRIDE, "SAME") + tf.constant([0.1, 0.2, 0.3])
        full = tf.raw_ops.ResizeBilinear(images=tf.identity(logits), size=[SIDE, SIDE], align_corners=True)
        return tf.cast(tf.argmax(full, axis=3, output_type=tf.int32), tf.uint8)

    folder = tmp_path_factory.mktemp("teacher")
    rng = np.random.default_rng(0)
    images = [rng.uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32) for _ in range(4)]
    images += [np.full((1, SIDE, SIDE, 3), value, np.float32) for value in (-1, 1)]
    model = convert_with_tensorflow(FloatNetwork(network, SIDE, SIDE), Recipe.INT8, images)
    (folder / "teacher.tflite").write_bytes(model)
    (folder / "images").mkdir()
    for i, (height, width) in enumerate(((132, 165), (66, 99))):
        ramp = np.stack(
            [
                *np.meshgrid(np.linspace(0, 255, height), np.linspace(0, 255, width), indexing="ij"),
                np.zeros((height, width)),
            ],
            axis=-1,
        )
        Image.fromarray(ramp.round().astype(np.uint8)).save(folder / "images" / f"{i}.png")
    return folder


@pytest.fixture
def samples(root: Path) -> list[Sample]:
    return [Sample(f"images/{path.name}", path, DatasetKind.PHOTOS) for path in sorted((root / "images").iterdir())]


@pytest.fixture
def teacher(root: Path) -> TeacherConfig:
    """By the tensor that the upsampling reads."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs((root / "teacher.tflite").read_bytes(), 0)).subgraphs[0]
    (resize,) = [op for op in graph.operators if 9 in [graph.tensors[op.outputs[0]].shape[1]]][-1:]
    return TeacherConfig("teacher.tflite", graph.tensors[resize.outputs[0]].name.decode()[:20])


def ask(
    teacher: TeacherConfig, samples: list[Sample], root: Path, cache: Path, calls: list[int] | None = None
) -> Opinions:
    return teacher_opinions(
        teacher, samples, LABELS, root, cache, 2, lambda done, total: calls.append(done) if calls is not None else None
    )


def expected_logits(window: Window, at_y: np.ndarray, at_x: np.ndarray) -> np.ndarray:
    rows, columns = window.top + at_y * window.height, window.left + at_x * window.width
    colours = np.stack(
        [*np.meshgrid(2 * rows - 1, 2 * columns - 1, indexing="ij"), np.full((len(rows), len(columns)), -1.0)], axis=-1
    )
    return colours @ KERNEL + [0.1, 0.2, 0.3]


@pytest.mark.parametrize("window", [Window(), Window(0.25, 0.3, 0.5, 0.4)])
def test_logits_lie_where_the_photo_is(
    teacher: TeacherConfig, samples: list[Sample], root: Path, tmp_path: Path, window: Window
) -> None:
    opinions = ask(teacher, samples, root, tmp_path)
    assert opinions.values.shape == (2, 9, 9, 3)
    at = np.linspace(0.05, 0.95, 19).astype(np.float32)
    for sample in samples:
        found = opinions.logits(sample.key, window, at, at[:7])
        assert found.shape == (19, 7, 3)
        # A step of the 8-bit logits, and the photo's edge, where an antialiased resize leans inwards.
        assert np.abs(found - expected_logits(window, at, at[:7])).max() < 0.1


def test_one_class_is_kept_as_its_binary_logit(
    teacher: TeacherConfig, samples: list[Sample], root: Path, tmp_path: Path
) -> None:
    every = ask(teacher, samples, root, tmp_path)
    single = ask(dataclasses.replace(teacher, label="class_2", instead_of="class_0"), samples, root, tmp_path)
    at = np.linspace(0, 1, 9).astype(np.float32)
    logits = every.logits("images/0.png", Window(), at, at)
    odds = logits[..., 2] - np.log(np.exp(logits[..., :2]).sum(axis=-1))
    assert single.values.dtype == np.int8
    assert np.abs(single.logits("images/0.png", Window(), at, at)[..., 0] - odds).max() < 0.2


def test_opinions_are_computed_once_and_again_when_a_photo_changes(
    teacher: TeacherConfig, samples: list[Sample], root: Path, tmp_path: Path
) -> None:
    calls: list[int] = []
    first = ask(teacher, samples, root, tmp_path, calls)
    assert calls == [1, 2]
    again = ask(teacher, samples, root, tmp_path, calls)
    assert calls == [1, 2]
    assert (first.values == again.values).all()
    assert len(list(tmp_path.iterdir())) == 1
    other = tmp_path / "other.png"
    Image.new("RGB", (50, 50), (255, 0, 0)).save(other)
    ask(teacher, [samples[0], dataclasses.replace(samples[1], photo=other)], root, tmp_path, calls)
    assert calls == [1, 2, 1, 2]


def test_a_damaged_cache_is_named(teacher: TeacherConfig, samples: list[Sample], root: Path, tmp_path: Path) -> None:
    ask(teacher, samples, root, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=rf"{path.name} is damaged"):
        ask(teacher, samples, root, tmp_path)


def test_the_cut_file_gives_the_inner_tensor(teacher: TeacherConfig, root: Path) -> None:
    model = (root / "teacher.tflite").read_bytes()
    runner = open_model(expose_tensor(model, teacher.tensor, "it"))
    assert runner.outputs[0].shape == (1, 9, 9, 3)
    with pytest.raises(InputError, match=r"it has no tensor 'nothing/'; its last are "):
        expose_tensor(model, "nothing/", "it")


def test_a_teacher_of_other_classes_is_refused(
    teacher: TeacherConfig, samples: list[Sample], root: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="knows class_0, class_1, class_2"):
        teacher_opinions(teacher, samples, ("background", "person", "dog"), root, tmp_path, 1)
    with pytest.raises(InputError, match=r"teacher\.tflite knows"):
        ask(dataclasses.replace(teacher, label="sky"), samples, root, tmp_path)


def test_a_missing_teacher_is_named(teacher: TeacherConfig, samples: list[Sample], root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nobody\.tflite cannot be read"):
        ask(dataclasses.replace(teacher, model="nobody.tflite"), samples, root, tmp_path)
