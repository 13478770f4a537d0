"""TFLite metadata for other people's tools: a `TFLITE_METADATA` buffer and a label file packed behind the model.

MediaPipe's Image Segmenter, the Task library and Android Studio read it. The numbers below are those of
metadata_schema.fbs and image_segmenter_metadata_schema.fbs (google-ai-edge/mediapipe, mediapipe/tasks/metadata).

What MediaPipe makes of a file: it refuses int8 input, and float input without normalization. It stretches photos to the
input. Category masks it enlarges with aligned corners but confidence masks with half-pixel centres, whatever the
network's convention, so that confidences of full size agree best. With one channel its category mask is 0 for the
subject and 255 elsewhere. A label map [1, H, W] it takes for scores of W classes without a word: use scores.
"""

from __future__ import annotations

import io
import zipfile
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

# Tables and their fields in the order of the schema; without a type: a string, vector or table.
# A union takes two fields, its type and its value.
TABLES = {
    "ModelMetadata": "name description version subgraph_metadata author license associated_files min_parser_version",
    "SubGraphMetadata": "name description input_tensor_metadata output_tensor_metadata associated_files "
    "input_process_units output_process_units input_tensor_groups output_tensor_groups custom_metadata",
    "TensorMetadata": "name description dimension_names content process_units stats associated_files",
    "Content": "content_properties_type:byte content_properties range",
    "ImageProperties": "color_space:byte default_size",
    "ImageSize": "width:int height:int",
    "ValueRange": "min:int max:int",
    "ProcessUnit": "options_type:byte options",
    "NormalizationOptions": "mean std",
    "Stats": "max min",
    "AssociatedFile": "name description type:byte locale version",
    "CustomMetadata": "name data",
    "ImageSegmenterOptions": "activation:byte min_parser_version",
}


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
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo(LABELS_FILE, ZIP_DATE)  # stored, not deflated: MediaPipe reads it in place
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
    graph = {
        "input_tensor_metadata": _vector(b, _input_tensor(b, metadata, input_range)),
        "output_tensor_metadata": _vector(b, _output_tensor(b, metadata)),
    }
    version = FIRST_VERSION
    if metadata.output_kind is not OutputKind.LABELS:  # MediaPipe's segmenter reads scores only
        graph["custom_metadata"] = _vector(b, _segmenter_options(b, metadata.output_kind))
        version = CUSTOM_METADATA_VERSION
    root = _table(
        b,
        "ModelMetadata",
        name=b.CreateString(metadata.name),
        description=b.CreateString(f"Semantic segmentation, recipe {metadata.recipe}."),
        subgraph_metadata=_vector(b, _table(b, "SubGraphMetadata", **graph)),
        min_parser_version=b.CreateString(version),
    )
    b.Finish(root, file_identifier=b"M001")
    return bytes(b.Output())


def _input_tensor(b: Any, metadata: ModelMetadata, stored: tuple[float, float] | None) -> int:
    height, width = metadata.input_height, metadata.input_width
    fitted = "stretched" if metadata.fit is Fit.STRETCH else "scaled and, on the right and below, padded"
    size = _table(b, "ImageSize", width=width, height=height)
    image = _table(b, "ImageProperties", color_space=RGB, default_size=size)
    # A quantized input states the float network's normalization: its scale turns that back into the raw bytes.
    options = _table(b, "NormalizationOptions", mean=_floats(b, metadata.mean), std=_floats(b, metadata.std))
    unit = _table(b, "ProcessUnit", options_type=NORMALIZATION_OPTIONS, options=options)
    stats = {"stats": _table(b, "Stats", min=_floats(b, stored[0]), max=_floats(b, stored[1]))} if stored else {}
    return _table(
        b,
        "TensorMetadata",
        name=b.CreateString("image"),
        description=b.CreateString(f"RGB photo, {fitted} to {width} x {height} pixels."),
        content=_table(b, "Content", content_properties_type=IMAGE_PROPERTIES, content_properties=image),
        process_units=_vector(b, unit),
        **stats,
    )


def _output_tensor(b: Any, metadata: ModelMetadata) -> int:
    kind = metadata.output_kind
    meaning = {
        OutputKind.LABELS: "Index of each pixel's class.",
        OutputKind.LOGITS: "Score of each class before softmax; the last axis counts the classes.",
        OutputKind.CONFIDENCE: "Probability of each class; the last axis counts the classes.",
    }[kind]
    where = f"Where the samples lie on the input: {metadata.resize_convention}."
    labels = _table(
        b,
        "AssociatedFile",
        name=b.CreateString(LABELS_FILE),
        description=b.CreateString("Names of the classes, one a line."),
        type=TENSOR_VALUE_LABELS if kind is OutputKind.LABELS else TENSOR_AXIS_LABELS,
    )
    content = _table(
        b,
        "Content",
        content_properties_type=IMAGE_PROPERTIES,
        content_properties=_table(b, "ImageProperties", color_space=GRAYSCALE),
        range=_table(b, "ValueRange", min=1, max=2),  # the axes that make the picture
    )
    return _table(
        b,
        "TensorMetadata",
        name=b.CreateString(str(kind)),
        description=b.CreateString(f"{meaning} {where}"),
        content=content,
        associated_files=_vector(b, labels),
    )


def _segmenter_options(b: Any, kind: OutputKind) -> int:
    """CustomMetadata with MediaPipe's ImageSegmenterOptions, a flatbuffer of its own."""
    import flatbuffers

    inner = flatbuffers.Builder(64)
    activation = ACTIVATION_SOFTMAX if kind is OutputKind.LOGITS else ACTIVATION_NONE
    inner.Finish(_table(inner, "ImageSegmenterOptions", activation=activation), file_identifier=b"V001")
    data = bytes(inner.Output())
    name = b.CreateString(SEGMENTER_METADATA)
    b.StartVector(1, len(data), CUSTOM_DATA_ALIGNMENT)
    for byte in reversed(data):
        b.PrependByte(byte)
    return _table(b, "CustomMetadata", name=name, data=b.EndVector())


def _floats(b: Any, value: float) -> int:
    """A vector of one float: it holds for every channel."""
    return int(b.CreateNumpyVector(np.array([value], "<f4")))


def _vector(b: Any, table: int) -> int:
    """A vector of one table."""
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(table)
    return int(b.EndVector())


def _table(b: Any, kind: str, **values: int) -> int:
    """A table of `TABLES`: offsets of what was written before it, and numbers, by field."""
    fields = [field.partition(":") for field in TABLES[kind].split()]
    slots = {name: (slot, scalar) for slot, (name, _, scalar) in enumerate(fields)}
    prepend = {"": b.PrependUOffsetTRelativeSlot, "int": b.PrependInt32Slot, "byte": b.PrependInt8Slot}
    b.StartObject(len(fields))
    for name, value in values.items():
        slot, scalar = slots[name]
        prepend[scalar](slot, value, 0)
    return int(b.EndObject())
