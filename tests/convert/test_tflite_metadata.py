"""TFLite metadata, read by a second reader, by the runtime, and by MediaPipe itself where it is installed.

PORTRAITLITE_MEDIAPIPE_PYTHON names the Python of an environment of its own with `pip install mediapipe`.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from portraitlite.convert.metadata_writer import write_metadata
from portraitlite.convert.quantization import FloatNetwork
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.tflite_metadata import LABELS_FILE, TFLITE_METADATA, add_tflite_metadata
from portraitlite.convert.types import Recipe
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata, metadata_buffer, read_metadata
from portraitlite.runtime.network_input import fit_photo
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.types import Fit, OutputKind

SIZE = (48, 64)
LABELS = ("red", "green", "bleu foncé")
MEDIAPIPE_LIMIT_S = 60
CASES = [(recipe, kind) for recipe in ("fp32", "int8", "camera") for kind in ("logits", "confidence")]

Make = Callable[[str, str], tuple[bytes, ModelMetadata]]


def _network(image: Any, channels: int) -> Any:
    """[1, H, W, 3] normalised -> [1, H, W, channels] scores: how much of a colour there is in each pixel."""
    import tensorflow as tf

    kernel = np.random.default_rng(2).normal(0, 4, (1, 1, 3, channels)).astype("f4")
    kernel[..., : min(3, channels)] = (6 * np.eye(3, dtype="f4") - 2)[:, :channels]
    return tf.nn.conv2d(image, kernel, 1, "SAME")


def _colour_model(recipe: str, kind: str, channels: int = 3) -> tuple[bytes, ModelMetadata]:
    import tensorflow as tf

    meta = ModelMetadata(
        name="colours",
        labels=LABELS if channels == 3 else tuple(f"a class with a long name {i}" for i in range(channels)),
        input_height=SIZE[0],
        input_width=SIZE[1],
        fit=Fit.STRETCH,
        output_kind=OutputKind(kind),
        recipe="fp32" if recipe == "camera" else recipe,
    )
    camera = recipe == "camera"  # a float network that takes bytes and normalises them itself
    if camera:
        meta = dataclasses.replace(meta, mean=0.0, std=1.0)

    def function(image: Any) -> Any:
        scores = _network((tf.cast(image, tf.float32) - 127.5) / 127.5 if camera else image, channels)
        if kind == "labels":
            return tf.cast(tf.argmax(scores, 3, output_type=tf.int32), tf.uint8)
        return tf.nn.softmax(scores) if kind == "confidence" else scores

    photos = np.random.default_rng(1).uniform(-1, 1, (4, 1, *SIZE, 3)).astype("f4")
    calibration = list(photos) if recipe == "int8" else None
    model = convert_with_tensorflow(FloatNetwork(function, *SIZE, uint8_input=camera), Recipe(meta.recipe), calibration)
    return write_metadata(model, meta), meta


@pytest.fixture(scope="module")
def make() -> Make:
    made: dict[tuple[str, str], tuple[bytes, ModelMetadata]] = {}

    def get(recipe: str, kind: str) -> tuple[bytes, ModelMetadata]:
        if (recipe, kind) not in made:
            made[recipe, kind] = _colour_model(recipe, kind)
        return made[recipe, kind]

    return get


@pytest.fixture(scope="module")
def bundled() -> tuple[bytes, ModelMetadata]:
    model = resolve_model("portrait").read_bytes()
    meta = read_metadata(model)
    assert meta is not None
    return model, meta


class Table:
    """A second reader of flatbuffers, by slot number and with nothing but `struct`."""

    def __init__(self, data: bytes, position: int | None = None) -> None:
        self.data = data
        self.position = self._number("I", 0) if position is None else position

    def _number(self, code: str, position: int) -> Any:
        return struct.unpack_from("<" + code, self.data, position)[0]

    def _field(self, slot: int) -> int | None:
        vtable = self.position - self._number("i", self.position)
        if 4 + 2 * slot >= self._number("H", vtable):
            return None
        offset = self._number("H", vtable + 4 + 2 * slot)
        return self.position + offset if offset else None

    def _target(self, slot: int) -> int:
        field = self._field(slot)
        assert field is not None, f"slot {slot} is empty"
        return int(field + self._number("I", field))

    def has(self, slot: int) -> bool:
        return self._field(slot) is not None

    def number(self, slot: int, code: str = "b") -> int:
        field = self._field(slot)
        return 0 if field is None else int(self._number(code, field))

    def table(self, slot: int) -> Table:
        return Table(self.data, self._target(slot))

    def vector(self, slot: int, code: str) -> list[Any]:
        start = self._target(slot)
        return list(struct.unpack_from(f"<{self._number('I', start)}{code}", self.data, start + 4))

    def text(self, slot: int) -> str:
        return bytes(self.vector(slot, "B")).decode()

    def tables(self, slot: int) -> list[Table]:
        start = self._target(slot) + 4
        return [Table(self.data, start + 4 * i + n) for i, n in enumerate(self.vector(slot, "I"))]


def _document(model: bytes) -> bytes:
    document = metadata_buffer(model, TFLITE_METADATA)
    assert document is not None
    assert document[4:8] == b"M001"
    return document


def _archive(model: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(model))


@pytest.mark.parametrize(("recipe", "kind"), [*CASES, ("fp32", "labels")])
def test_document_says_how_to_feed_and_read(recipe: str, kind: str, make: Make) -> None:
    model, meta = make(recipe, kind)
    root = Table(_document(add_tflite_metadata(model, meta)))
    assert root.text(0) == "colours"
    assert root.text(7) == ("1.0.0" if kind == "labels" else "1.5.0")
    (graph,) = root.tables(3)
    (picture,), (output,) = graph.tables(2), graph.tables(3)

    content = picture.table(3)
    assert content.number(0) == 2, "not ImageProperties"
    assert content.table(1).number(0) == 1, "not RGB"
    size = content.table(1).table(1)
    assert (size.number(0, "I"), size.number(1, "I")) == (SIZE[1], SIZE[0])
    (unit,) = picture.tables(4)
    assert unit.number(0) == 1, "not NormalizationOptions"
    expected = (0.0, 1.0) if recipe == "camera" else (127.5, 127.5)
    assert (unit.table(1).vector(0, "f"), unit.table(1).vector(1, "f")) == ([expected[0]], [expected[1]])
    stats = picture.table(5)
    stored = (-1.0, 1.0) if recipe == "fp32" else (0.0, 255.0)
    assert (stats.vector(1, "f"), stats.vector(0, "f")) == ([stored[0]], [stored[1]])

    assert output.text(0) == kind
    (file,) = output.tables(6)
    assert (file.text(0), file.number(2)) == (LABELS_FILE, 3 if kind == "labels" else 2)
    if kind == "labels":
        assert not graph.has(9), "a label map is nothing for MediaPipe's segmenter"
        return
    (custom,) = graph.tables(9)
    assert custom.text(0) == "SEGMENTER_METADATA"
    inner = bytes(custom.vector(1, "B"))
    assert inner[4:8] == b"V001"
    assert Table(inner).number(0) == {"logits": 2, "confidence": 0}[kind]


def test_one_channel_has_one_label(bundled: tuple[bytes, ModelMetadata]) -> None:
    model, meta = bundled
    assert meta.labels == ("background", "person")
    assert _archive(add_tflite_metadata(model, meta)).read(LABELS_FILE) == b"person\n"


def test_label_file_lies_behind_the_model(make: Make) -> None:
    """Stored, dated alike, and found at offsets that count from the start of the file: MediaPipe maps it in place."""
    packed = add_tflite_metadata(*make("int8", "logits"))
    (entry,) = _archive(packed).infolist()
    assert (entry.filename, entry.compress_type, entry.date_time[0]) == (LABELS_FILE, zipfile.ZIP_STORED, 1980)
    content = "".join(f"{label}\n" for label in LABELS).encode()
    assert _archive(packed).read(LABELS_FILE) == content
    assert packed[entry.header_offset :].startswith(b"PK\x03\x04")
    assert packed.index(content) == entry.header_offset + 30 + len(LABELS_FILE)


def test_runtime_reads_the_file_with_the_archive(
    bundled: tuple[bytes, ModelMetadata], photos: Path, tmp_path: Path
) -> None:
    model, meta = bundled
    packed = add_tflite_metadata(model, meta)
    assert read_metadata(packed) == meta
    (tmp_path / "m.tflite").write_bytes(packed)
    pixels = load_photo(photos / "man.jpg").pixels
    np.testing.assert_array_equal(Segmenter(tmp_path / "m.tflite")(pixels).output, Segmenter("portrait")(pixels).output)


def test_adding_again_replaces(make: Make) -> None:
    model, meta = make("fp32", "logits")
    packed = add_tflite_metadata(model, meta)
    assert add_tflite_metadata(packed, meta) == packed
    renamed = dataclasses.replace(meta, name="other", labels=("a", "b", "c"))
    again = add_tflite_metadata(packed, renamed)
    assert again == add_tflite_metadata(model, renamed)
    assert again.count(b"PK\x05\x06") == 1
    assert read_metadata(again) == meta, "the project's own document is another matter"


def test_buffers_are_aligned_and_others_stay(bundled: tuple[bytes, ModelMetadata]) -> None:
    from ai_edge_litert import schema_py_generated as schema

    def buffers(model: bytes) -> dict[int, tuple[int, bytes]]:
        root = schema.Model.GetRootAs(model, 0)
        start = np.frombuffer(model, np.uint8).ctypes.data
        arrays = {i: root.Buffers(i).DataAsNumpy() for i in range(root.BuffersLength()) if root.Buffers(i).DataLength()}
        return {i: (array.ctypes.data - start, array.tobytes()) for i, array in arrays.items()}

    model, meta = bundled
    packed = add_tflite_metadata(model, meta)
    before, after = buffers(model), buffers(packed)
    assert len(before) > 50
    assert {i: data for i, (_, data) in before.items()}.items() <= {i: data for i, (_, data) in after.items()}.items()
    assert not [offset for offset, _ in after.values() if offset % 16]
    document = _document(packed)
    inner = document.index(b"V001") - 4
    assert inner % 16 == 0, "the segmenter's options are not aligned inside their buffer"


def test_many_classes_cost_little() -> None:
    model, meta = _colour_model("fp32", "logits", channels=151)
    assert len(add_tflite_metadata(model, meta)) - len(model) < 20_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("a", "b\nc", "d")}, r"label 'b\\nc' does not fill exactly one line"),
        ({"labels": ("a", "", "d")}, "label '' does not fill"),
        ({"labels": ("a", "b")}, "logits of 2 classes"),
        ({"input_height": 64}, r"takes \[1, 48, 64, 3\].*speaks of \[1, 64, 64, 3\]"),
    ],
)
def test_metadata_that_does_not_fit_the_model(change: dict[str, Any], message: str, make: Make) -> None:
    model, meta = make("fp32", "logits")
    with pytest.raises(InputError, match=message):
        add_tflite_metadata(model, dataclasses.replace(meta, **change))


@dataclasses.dataclass(frozen=True)
class Seen:
    """What MediaPipe made of a file: masks (H, W, classes) float32, category (H, W) uint8, labels, the document."""

    masks: npt.NDArray[np.float32]
    category: npt.NDArray[np.uint8]
    labels: list[str]
    document: dict[str, Any]


def _run_mediapipe(model: bytes, pixels: npt.NDArray[np.uint8], folder: Path) -> subprocess.CompletedProcess[str]:
    """A subprocess per file: with several models in one process MediaPipe has hung for minutes."""
    python = os.environ.get("PORTRAITLITE_MEDIAPIPE_PYTHON")
    if python is None:
        pytest.skip(reason="needs PORTRAITLITE_MEDIAPIPE_PYTHON=a Python with mediapipe, as .ci/run makes one")
    (folder / "m.tflite").write_bytes(model)
    (folder / "document").write_bytes(metadata_buffer(model, TFLITE_METADATA) or b"")
    np.save(folder / "picture.npy", pixels)
    case = Path(__file__).with_name("mediapipe_case.py")
    names = ("m.tflite", "picture.npy", "document", "result.npz")
    command = [python, str(case), *(str(folder / name) for name in names)]
    return subprocess.run(command, capture_output=True, text=True, timeout=MEDIAPIPE_LIMIT_S, check=False)


def _mediapipe(model: bytes, pixels: npt.NDArray[np.uint8], folder: Path) -> Seen:
    run = _run_mediapipe(model, pixels, folder)
    assert run.returncode == 0, run.stderr[-2000:]
    with np.load(folder / "result.npz") as arrays:
        masks, category = arrays["masks"], arrays["category"]
    told = json.loads(run.stdout)
    return Seen(masks, category, told["labels"], told["document"])


@pytest.mark.parametrize(("recipe", "kind"), CASES)
def test_mediapipe_gives_our_masks(recipe: str, kind: str, make: Make, photos: Path, tmp_path: Path) -> None:
    model, meta = make(recipe, kind)
    packed = add_tflite_metadata(model, meta)
    pixels = fit_photo(load_photo(photos / "poolside.jpg").pixels, *SIZE, Fit.STRETCH).pixels
    seen = _mediapipe(packed, pixels, tmp_path)
    ours = Segmenter(tmp_path / "m.tflite")(pixels)
    assert seen.labels == list(LABELS)
    np.testing.assert_allclose(seen.masks, np.stack([ours.confidence(label) for label in LABELS], -1), atol=1e-4)
    assert (seen.category == ours.label_map()).mean() > 0.99
    assert len(np.unique(seen.category)) > 1, "one class everywhere shows nothing"

    graph = seen.document["subgraphMetadata"][0]
    picture, output = graph["inputTensorMetadata"][0], graph["outputTensorMetadata"][0]
    assert picture["content"]["contentProperties"]["defaultSize"] == {"width": SIZE[1], "height": SIZE[0]}
    assert picture["processUnits"][0]["options"] == {"mean": [meta.mean], "std": [meta.std]}
    assert output["associatedFiles"][0]["name"] == LABELS_FILE
    assert graph["customMetadata"] == [{"name": "SEGMENTER_METADATA", "activation": 2 if kind == "logits" else 0}]
    assert seen.document["minParserVersion"] == "1.5.0"


def test_mediapipe_cuts_out_the_same_person(bundled: tuple[bytes, ModelMetadata], photos: Path, tmp_path: Path) -> None:
    """The bundled model: quantized, one channel, a quarter of the input's size. MediaPipe enlarges confidences with
    half-pixel centres, categories with aligned corners as the network does."""
    model, meta = bundled
    pixels = fit_photo(load_photo(photos / "woman.jpg").pixels, meta.input_height, meta.input_width, Fit.STRETCH).pixels
    seen = _mediapipe(add_tflite_metadata(model, meta), pixels, tmp_path)
    ours = Segmenter(tmp_path / "m.tflite")(pixels)
    low = ours.confidence("person")
    rows, columns = (_half_pixel_weights(n, size) for n, size in zip(low.shape, pixels.shape[:2], strict=True))
    assert seen.labels == ["person"]
    np.testing.assert_allclose(seen.masks[..., 0], rows @ low @ columns.T, atol=1e-4)
    person, same = seen.masks[..., 0] > 0.5, ours.photo_mask("person") > 127
    assert (person & same).sum() / (person | same).sum() > 0.97
    assert set(np.unique(seen.category)) == {0, 255}
    assert ((seen.category == 0) == same).mean() > 0.9995, "with one channel, 0 is the subject"


def test_mediapipe_needs_the_metadata(make: Make, photos: Path, tmp_path: Path) -> None:
    pixels = fit_photo(load_photo(photos / "man.jpg").pixels, *SIZE, Fit.STRETCH).pixels
    run = _run_mediapipe(make("fp32", "logits")[0], pixels, tmp_path)
    assert run.returncode != 0
    assert "NormalizationOptions" in run.stderr


def _half_pixel_weights(samples: int, size: int) -> npt.NDArray[np.float64]:
    """(size, samples) weights of a bilinear enlargement with half-pixel centres."""
    where = np.clip((np.arange(size) + 0.5) * samples / size - 0.5, 0, samples - 1)
    return np.clip(1 - np.abs(where[:, None] - np.arange(samples)), 0, None)
