"""Put the project's metadata into a `.tflite` file."""

from __future__ import annotations

import json

from portraitlite.convert.metadata_buffers import set_metadata_buffers
from portraitlite.runtime.metadata import BUFFER_NAME, ModelMetadata

__all__ = ["write_metadata"]


def write_metadata(model: bytes, metadata: ModelMetadata) -> bytes:
    """The same model with `metadata` inside, replacing an older one. Deterministic: equal input, equal bytes."""
    document = json.dumps(metadata.to_dict(), ensure_ascii=False, sort_keys=True).encode()
    return set_metadata_buffers(model, {BUFFER_NAME: document})
