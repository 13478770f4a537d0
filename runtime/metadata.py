"""What a model says about itself: a JSON document inside the `.tflite` file.

The document is a TFLite metadata buffer named `portraitlite`, so other tools ignore it and it survives copying.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention, ResizeFilter

__all__ = ["BUFFER_NAME", "SCHEMA_VERSION", "ModelMetadata", "metadata_buffer", "read_metadata"]

BUFFER_NAME = "portraitlite"
SCHEMA_VERSION = 1
MAX_BUFFER_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """How to feed a segmentation model and how to read what it returns.

    Example:
        >>> from portraitlite.runtime import ModelMetadata, OutputKind
        >>> metadata = ModelMetadata("selfie", ("background", "person"), 256, 256, output_kind=OutputKind.LOGITS)
        >>> ModelMetadata.from_dict(metadata.to_dict()) == metadata
        True

    Attributes:
        name: short name for people.
        labels: class names by index.
        input_height, input_width: network input in pixels.
        network_height, network_width: input of the network itself where the file resizes its input first (a camera
            frame); None: the same as the input.
        mean, std: normalised = (pixel - mean) / std with pixel in 0..255, RGB. A quantized input takes the raw bytes.
        fit, resize_filter: how a photo becomes the input.
        output_kind: what comes out.
        output_label: for a one-channel confidence, the label it is the confidence of; otherwise None.
        resize_convention: where the samples of a low-resolution output lie in the input.
        recipe: how the file was quantized.
        spec: the network, as `DeepLabSpec.to_dict()`; empty for other networks.
        provenance: source name and sha256, calibration, licence, whatever the converter knows.
    """

    name: str
    labels: tuple[str, ...]
    input_height: int
    input_width: int
    network_height: int | None = None
    network_width: int | None = None
    mean: float = 127.5
    std: float = 127.5
    fit: Fit = Fit.PAD
    resize_filter: ResizeFilter = ResizeFilter.BILINEAR
    output_kind: OutputKind = OutputKind.LABELS
    output_label: str | None = None
    resize_convention: ResizeConvention = ResizeConvention.ALIGN_CORNERS
    recipe: str = "fp32"
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def network_size(self) -> tuple[int, int]:
        """(height, width) that the output's samples refer to."""
        return self.network_height or self.input_height, self.network_width or self.input_width

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; enums become their values."""
        return {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> ModelMetadata:
        """The inverse of `to_dict`.

        Raises:
            InputError: the document is of another version or does not fit.
        """
        values = dict(document)
        version = values.pop("schema_version", None)
        if version != SCHEMA_VERSION:
            raise InputError(
                f"the model's metadata has schema version {version!r}; this portraitlite reads {SCHEMA_VERSION}"
            )
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise InputError(f"the model's metadata has unknown keys {unknown}; update portraitlite")
        try:
            labels = values.pop("labels")
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise TypeError("labels must be a list of names")
            result = cls(
                labels=tuple(labels),
                fit=Fit(values.pop("fit")),
                resize_filter=ResizeFilter(values.pop("resize_filter")),
                output_kind=OutputKind(values.pop("output_kind")),
                resize_convention=ResizeConvention(values.pop("resize_convention")),
                **values,
            )
            if not 1 <= min(result.input_height, result.input_width) <= max(result.input_height, result.input_width):
                raise ValueError("the input size must be positive")
            if not result.std > 0:
                raise ValueError("std must be positive")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the model's metadata does not fit: {error}; convert the model again") from error
        return result


def metadata_buffer(model: bytes, name: str = BUFFER_NAME) -> bytes | None:
    """The raw metadata buffer called `name`, or None.

    Args:
        model: the whole `.tflite` file. Give only files that an interpreter has already verified.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        root = schema.Model.GetRootAs(model, 0)
        for i in range(root.MetadataLength()):
            entry = root.Metadata(i)
            if entry is None or entry.Name() != name.encode():
                continue
            buffer = root.Buffers(entry.Buffer())
            if buffer is None or buffer.DataIsNone():
                return None
            if buffer.DataLength() > MAX_BUFFER_BYTES:
                raise InputError(
                    f"metadata {name!r} has {buffer.DataLength()} bytes; at most {MAX_BUFFER_BYTES} are read"
                )
            return bytes(buffer.DataAsNumpy())
    except (IndexError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"the model's metadata cannot be read ({error}); the file is damaged") from error
    except Exception as error:  # struct.error and the flatbuffers package's own types
        raise InputError(f"the model's metadata cannot be read ({error}); the file is damaged") from error
    return None


def read_metadata(model: bytes) -> ModelMetadata | None:
    """The metadata of a model converted by portraitlite; None for other people's files.

    Raises:
        InputError: there is a document, but it is damaged or of another version.
    """
    buffer = metadata_buffer(model)
    if buffer is None:
        return None
    try:
        document = json.loads(buffer)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"the model's metadata is not JSON ({error}); convert the model again") from error
    if not isinstance(document, dict):
        raise InputError("the model's metadata is not a JSON object; convert the model again")
    return ModelMetadata.from_dict(document)
