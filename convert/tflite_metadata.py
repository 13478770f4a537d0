"""TFLite metadata for other people's tools: a `TFLITE_METADATA` buffer and a label file packed behind the model.

MediaPipe's Image Segmenter, the Task library and Android Studio read it. Facts from metadata_schema.fbs (tflite-support,
mediapipe/tasks/metadata) and image_segmenter_metadata_schema.fbs (mediapipe): the numbers below are theirs.

What MediaPipe makes of a file: it refuses float input without normalization and int8 input; it stretches photos to the
input; it enlarges masks with half-pixel centres whatever the network's convention, so full-size masks agree best; with
one channel its category mask is 0 for the subject and 255 elsewhere; a label map [1, H, W] it takes for H classes.
"""

from __future__ import annotations

import enum
import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from portraitlite.convert.metadata_buffers import set_metadata_buffers
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import Fit, OutputKind

__all__ = ["LABELS_FILE", "TFLITE_METADATA", "add_tflite_metadata"]

TFLITE_METADATA = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
SEGMENTER_METADATA = "SEGMENTER_METADATA"  # the name MediaPipe looks for
ZIP_DATE = (1980, 1, 1, 0, 0, 0)

# min_parser_version: the schema version that brought the youngest field in use.
FIRST_VERSION, CUSTOM_METADATA_VERSION = "1.0.0", "1.5.0"
IMAGE_PROPERTIES = 2  # union ContentProperties
NORMALIZATION_OPTIONS = 1  # union ProcessUnitOptions
RGB, GRAYSCALE = 1, 2  # enum ColorSpaceType
TENSOR_AXIS_LABELS, TENSOR_VALUE_LABELS = 2, 3  # enum AssociatedFileType
ACTIVATION_NONE, ACTIVATION_SOFTMAX = 0, 2  # enum Activation
CUSTOM_DATA_ALIGNMENT = 16  # force_align of CustomMetadata.data


class _Model(enum.IntEnum):
    """Slots of table ModelMetadata."""

    NAME, DESCRIPTION, SUBGRAPHS, MIN_PARSER_VERSION = 0, 1, 3, 7


class _Graph(enum.IntEnum):
    """Slots of table SubGraphMetadata."""

    INPUTS, OUTPUTS, CUSTOM = 2, 3, 9


class _Tensor(enum.IntEnum):
    """Slots of table TensorMetadata."""

    NAME, DESCRIPTION, CONTENT, PROCESS_UNITS, STATS, FILES = 0, 1, 3, 4, 5, 6


def add_tflite_metadata(model: bytes, metadata: ModelMetadata) -> bytes:
    """The same model with TFLite metadata inside and `labels.txt` behind, replacing older ones.

    Add it last: whatever packs the model anew drops the files behind it. Deterministic: equal input, equal bytes.

    Args:
        model: one picture [1, H, W, 3] in, one map out; other metadata buffers stay.
        metadata: what the file says about itself.

    Raises:
        InputError: model and metadata do not fit, or a label cannot stand on a line of its own.
    """
    labels = (metadata.output_label,) if metadata.output_label is not None else metadata.labels
    if bad := [label for label in labels if label.splitlines() != [label]]:
        raise InputError(f"the label {bad[0]!r} does not fill exactly one line of {LABELS_FILE}; rename it")
    document = _document(metadata, _input_range(model, metadata, len(labels)))
    packed = io.BytesIO()
    packed.write(set_metadata_buffers(model, {TFLITE_METADATA: document}))
    # "w" at this position: offsets count from the start of the file, and the weights are not searched for an archive.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo(LABELS_FILE, ZIP_DATE)
        entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same bytes on every system
        archive.writestr(entry, "".join(f"{label}\n" for label in labels))
    return packed.getvalue()


def _input_range(model: bytes, metadata: ModelMetadata, channels: int) -> tuple[float, float] | None:
    """Smallest and largest value that the input tensor stores; None for types that hold no picture."""
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    if (root.SubgraphsLength(), graph.InputsLength(), graph.OutputsLength()) != (1, 1, 1):
        raise InputError(
            f"the model has {root.SubgraphsLength()} graphs, {graph.InputsLength()} inputs and "
            f"{graph.OutputsLength()} outputs; TFLite metadata is written for one of each"
        )
    picture, output = graph.Tensors(graph.Inputs(0)), graph.Tensors(graph.Outputs(0))
    shapes = [[int(n) for n in tensor.ShapeAsNumpy()] for tensor in (picture, output)]
    expected = [1, metadata.input_height, metadata.input_width, 3]
    scores = metadata.output_kind is not OutputKind.LABELS
    if shapes[0] != expected or (scores and (len(shapes[1]) != 4 or shapes[1][3] != channels)):
        raise InputError(
            f"the model takes {shapes[0]} and puts out {shapes[1]}; its metadata speaks of {expected} and "
            f"{metadata.output_kind} of {channels} classes"
        )
    return {
        schema.TensorType.FLOAT32: ((0 - metadata.mean) / metadata.std, (255 - metadata.mean) / metadata.std),
        schema.TensorType.UINT8: (0.0, 255.0),
        schema.TensorType.INT8: (-128.0, 127.0),
    }.get(picture.Type())


def _document(metadata: ModelMetadata, input_range: tuple[float, float] | None) -> bytes:
    """The flatbuffer `ModelMetadata`."""
    import flatbuffers

    b = flatbuffers.Builder(1024)
    scores = metadata.output_kind is not OutputKind.LABELS
    graph = {
        _Graph.INPUTS: _vector(b, [_input_tensor(b, metadata, input_range)]),
        _Graph.OUTPUTS: _vector(b, [_output_tensor(b, metadata)]),
    }
    if scores:  # MediaPipe's segmenter reads scores only
        graph[_Graph.CUSTOM] = _vector(b, [_segmenter_options(b, metadata.output_kind)])
    root = _table(
        b,
        {
            _Model.NAME: b.CreateString(metadata.name),
            _Model.DESCRIPTION: b.CreateString(f"Semantic segmentation, recipe {metadata.recipe}."),
            _Model.SUBGRAPHS: _vector(b, [_table(b, graph)]),
            _Model.MIN_PARSER_VERSION: b.CreateString(CUSTOM_METADATA_VERSION if scores else FIRST_VERSION),
        },
    )
    b.Finish(root, file_identifier=b"M001")
    return bytes(b.Output())


def _input_tensor(b: Any, metadata: ModelMetadata, stored: tuple[float, float] | None) -> int:
    height, width = metadata.input_height, metadata.input_width
    fitted = "stretched" if metadata.fit is Fit.STRETCH else "scaled, padded on the right and below with the mean"
    # A quantized input has the normalization of the float network: raw bytes are what its scale makes of it.
    normalization = _table(b, {0: _floats(b, metadata.mean), 1: _floats(b, metadata.std)})
    fields = {
        _Tensor.NAME: b.CreateString("image"),
        _Tensor.DESCRIPTION: b.CreateString(f"RGB photo, {fitted} to {width} x {height} pixels."),
        _Tensor.CONTENT: _content(b, _table(b, {1: _table(b, uints={0: width, 1: height})}, {0: RGB})),
        _Tensor.PROCESS_UNITS: _vector(b, [_table(b, {1: normalization}, {0: NORMALIZATION_OPTIONS})]),
    }
    if stored is not None:
        fields[_Tensor.STATS] = _table(b, {0: _floats(b, stored[1]), 1: _floats(b, stored[0])})
    return _table(b, fields)


def _output_tensor(b: Any, metadata: ModelMetadata) -> int:
    values = metadata.output_kind is OutputKind.LABELS
    file_type = TENSOR_VALUE_LABELS if values else TENSOR_AXIS_LABELS
    meaning = {
        OutputKind.LABELS: "Index of the class of each pixel.",
        OutputKind.LOGITS: "Score of each class before softmax; the last axis counts the classes.",
        OutputKind.CONFIDENCE: "Probability of each class; the last axis counts the classes.",
    }[metadata.output_kind]
    samples = f"{meaning} Samples lie as with {metadata.resize_convention} of the input."
    file = _table(
        b,
        {0: b.CreateString(LABELS_FILE), 1: b.CreateString("Names of the classes, one a line.")},
        {2: file_type},
    )
    rows_and_columns = _table(b, uints={0: 1, 1: 2})  # ValueRange: the axes that make the picture
    return _table(
        b,
        {
            _Tensor.NAME: b.CreateString(str(metadata.output_kind)),
            _Tensor.DESCRIPTION: b.CreateString(samples),
            _Tensor.CONTENT: _content(b, _table(b, enums={0: GRAYSCALE}), rows_and_columns),
            _Tensor.FILES: _vector(b, [file]),
        },
    )


def _segmenter_options(b: Any, kind: OutputKind) -> int:
    """CustomMetadata with MediaPipe's ImageSegmenterOptions, a flatbuffer of its own."""
    import flatbuffers

    inner = flatbuffers.Builder(64)
    activation = ACTIVATION_SOFTMAX if kind is OutputKind.LOGITS else ACTIVATION_NONE
    inner.Finish(_table(inner, enums={0: activation}), file_identifier=b"V001")
    data = bytes(inner.Output())
    name = b.CreateString(SEGMENTER_METADATA)
    b.StartVector(1, len(data), CUSTOM_DATA_ALIGNMENT)
    for byte in reversed(data):
        b.PrependByte(byte)
    return _table(b, {0: name, 1: b.EndVector()})


def _content(b: Any, image_properties: int, value_range: int | None = None) -> int:
    offsets = {1: image_properties} | ({} if value_range is None else {2: value_range})
    return _table(b, offsets, {0: IMAGE_PROPERTIES})


def _floats(b: Any, value: float) -> int:
    """A vector of one float: it holds for every channel."""
    return int(b.CreateNumpyVector(np.array([value], "<f4")))


def _vector(b: Any, offsets: Iterable[int]) -> int:
    items = list(offsets)
    b.StartVector(4, len(items), 4)
    for item in reversed(items):
        b.PrependUOffsetTRelative(item)
    return int(b.EndVector())


def _table(
    b: Any,
    offsets: Mapping[int, int] | None = None,
    enums: Mapping[int, int] | None = None,
    uints: Mapping[int, int] | None = None,
) -> int:
    """A table by slot number: strings, vectors and tables by their offsets; one-byte enums; 32-bit integers."""
    groups = (
        (offsets or {}, b.PrependUOffsetTRelativeSlot),
        (uints or {}, b.PrependUint32Slot),
        (enums or {}, b.PrependUint8Slot),
    )
    b.StartObject(1 + max(slot for values, _ in groups for slot in values))
    for values, prepend in groups:
        for slot, value in values.items():
            prepend(int(slot), value, 0)
    return int(b.EndObject())
