"""A segmentation model of one operation, and data sets that it scores predictably: pure colours are its classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.convert.metadata_writer import write_metadata
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention

__all__ = ["COLOURS", "SIDE", "paint", "save_photo_and_mask", "tiny_segmenter"]

SIDE = 48
COLOURS = np.eye(3, dtype=np.uint8) * 255  # class 0 is red, 1 green, 2 blue


def tiny_segmenter(
    path: Path, labels: tuple[str, ...] = ("background", "person", "dog"), *, gain: float = 8.0, swap: bool = False
) -> Path:
    """Logits = gain * normalised colour; with `swap` the last two classes are exchanged. NaN gains give NaN."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as s

    kernel = np.eye(3, dtype=np.float32)[[0, 2, 1] if swap else [0, 1, 2]] * np.float32(gain)
    kernel = kernel.reshape(3, 1, 1, 3)[: len(labels)]

    def tensor(name: str, shape: tuple[int, ...], buffer: int) -> Any:
        made = s.TensorT()
        made.name, made.shape, made.buffer, made.type = name, list(shape), buffer, s.TensorType.FLOAT32
        return made

    graph, model, operator, code = s.SubGraphT(), s.ModelT(), s.OperatorT(), s.OperatorCodeT()
    shape = (1, SIDE, SIDE)
    graph.tensors = [tensor("photo", (*shape, 3), 0), tensor("kernel", kernel.shape, 1)]
    graph.tensors += [tensor("bias", (len(labels),), 2), tensor("scores", (*shape, len(labels)), 0)]
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 2], [3]
    operator.builtinOptionsType, operator.builtinOptions = s.BuiltinOptions.Conv2DOptions, s.Conv2DOptionsT()
    operator.builtinOptions.padding = s.Padding.SAME
    operator.builtinOptions.strideH = operator.builtinOptions.strideW = 1
    code.builtinCode = code.deprecatedBuiltinCode = s.BuiltinOperator.CONV_2D
    code.version = 1
    graph.inputs, graph.outputs, graph.operators = [0], [3], [operator]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [s.BufferT() for _ in range(3)]
    model.buffers[1].data = np.frombuffer(kernel.astype("<f4").tobytes(), np.uint8)
    model.buffers[2].data = np.frombuffer(np.zeros(len(labels), "<f4").tobytes(), np.uint8)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    metadata = ModelMetadata(
        "tiny",
        labels,
        SIDE,
        SIDE,
        fit=Fit.PAD,
        output_kind=OutputKind.LOGITS,
        resize_convention=ResizeConvention.ALIGN_CORNERS,
    )
    path.write_bytes(write_metadata(bytes(builder.Output()), metadata))
    return path


def paint(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W) classes -> the photo (H, W, 3) in which the model finds them."""
    return COLOURS[labels]


def save_photo_and_mask(photo: Path, mask: Path, seen: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> None:
    """A photo in which the model sees `seen`, and a mask that says `labels`; folders are made."""
    for path, picture in ((photo, paint(seen)), (mask, labels)):
        path.parent.mkdir(parents=True, exist_ok=True)
        # JPEG would mix the colours; a PNG with that name is read all the same.
        Image.fromarray(picture).save(path, "PNG")
