"""Put metadata into a `.tflite` file, with every buffer aligned as the format asks."""

from __future__ import annotations

import json
from typing import Any

from portraitlite.runtime.metadata import BUFFER_NAME, ModelMetadata

__all__ = ["write_metadata"]

# Written by TFLiteConverter; names its environment and would make equal conversions differ.
DROPPED = {b"CONVERSION_METADATA"}
ALIGNMENT = 16  # force_align of Buffer.data in schema.fbs


def write_metadata(model: bytes, metadata: ModelMetadata) -> bytes:
    """The same model with `metadata` inside, replacing an older one. Deterministic: equal input, equal bytes."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    document = json.dumps(metadata.to_dict(), ensure_ascii=False, sort_keys=True).encode()
    dropped = DROPPED | {BUFFER_NAME.encode()}
    kept = [entry for entry in tree.metadata or [] if entry.name not in dropped]
    for entry in tree.metadata or []:
        if entry.name in dropped:
            tree.buffers[entry.buffer] = schema.BufferT()  # emptied, not removed: other indices must stay
    entry = schema.MetadataT()
    entry.name, entry.buffer = BUFFER_NAME, len(tree.buffers)
    buffer = schema.BufferT()
    buffer.data = document
    tree.buffers.append(buffer)
    tree.metadata = [*kept, entry]
    tree.buffers = [_aligned(schema, buffer) for buffer in tree.buffers]

    builder = flatbuffers.Builder(len(model) + len(document) + 4096)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _aligned(schema: Any, buffer: Any) -> Any:
    """A buffer that packs its data on a 16-byte boundary; Python's generated code ignores force_align."""
    data = b"" if buffer.data is None else bytes(bytearray(buffer.data))
    if not data:
        return buffer

    class AlignedBuffer(schema.BufferT):  # type: ignore[misc]
        def Pack(self, builder: Any) -> Any:
            builder.StartVector(1, len(data), ALIGNMENT)
            builder.head -= len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            vector = builder.EndVector()
            schema.BufferStart(builder)
            schema.BufferAddData(builder, vector)
            return schema.BufferEnd(builder)

    return AlignedBuffer()
