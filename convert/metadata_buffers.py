"""Named metadata buffers of a `.tflite` file: put in, replaced, and aligned as the format asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["set_metadata_buffers"]

# Written by TFLiteConverter; names its environment and would make equal conversions differ.
DROPPED = b"CONVERSION_METADATA"
ALIGNMENT = 16  # force_align of Buffer.data in schema.fbs


def set_metadata_buffers(model: bytes, documents: Mapping[str, bytes]) -> bytes:
    """The same model with `documents` as its metadata buffers of these names, replacing older ones.

    Other buffers stay. Files packed behind the model are dropped. Deterministic: equal input, equal bytes.

    Args:
        model: a `.tflite` file, from a converter that is trusted.
        documents: not empty, by name.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    entries = {entry.name: entry for entry in tree.metadata or []}
    if DROPPED in entries:
        tree.buffers[entries.pop(DROPPED).buffer] = schema.BufferT()  # emptied, not removed: other indices must stay
    for name, document in documents.items():
        key = name.encode()
        if key not in entries:
            entries[key] = schema.MetadataT()
            entries[key].name, entries[key].buffer = key, len(tree.buffers)
            tree.buffers.append(schema.BufferT())
        tree.buffers[entries[key].buffer].data = document
    tree.metadata = list(entries.values())
    tree.buffers = [_aligned(schema, buffer) for buffer in tree.buffers]

    builder = flatbuffers.Builder(len(model) + sum(map(len, documents.values())) + 4096)
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
