"""Refuse files whose numbers cannot be used, and find layers that are dead: the picture alone would show it later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.inspect.quantization import summarize
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.convert.quantization.float_part import layer_names
from portraitlite.convert.quantization.graph import FloatGraph, score_tensor, short_name, unpack_model
from portraitlite.convert.quantization.statistics import measure
from portraitlite.runtime.errors import InputError

__all__ = ["check_constants", "check_ranges", "dead_layers", "named"]

SHOWN = 3
FLOATS: dict[int, type] = {0: np.float32, 1: np.float16}  # TensorType of schema.fbs


def check_ranges(model: bytes, name: str) -> None:
    """Every quantized tensor has a positive, finite scale.

    Args:
        model: the `.tflite` just made.
        name: how messages call it.

    Raises:
        InputError: some have not; the first are named.
    """
    unusable = summarize(read_graph(model, name)).unusable
    if unusable:
        raise InputError(
            f"{len(unusable)} tensors of {name} got a range that is zero or not finite ({named(unusable)}); "
            "calibrate on other photos, or use --recipe fp16"
        )


def check_constants(model: bytes, name: str, advice: str) -> None:
    """Every weight that is stored as a float is finite, and none was cut off at float16's limit.

    Args:
        model: the `.tflite` just made.
        name: how messages call it.
        advice: what to do otherwise.

    Raises:
        InputError: some are not; the first are named.
    """
    tree = unpack_model(model)
    broken = []
    for tensor in tree.subgraphs[0].tensors:
        data = tree.buffers[tensor.buffer].data
        if tensor.type in FLOATS and data is not None and len(data):
            values: Any = np.frombuffer(np.asarray(data, np.uint8).tobytes(), FLOATS[tensor.type])
            if not (np.abs(values) < np.finfo(values.dtype).max).all():
                broken.append(short_name(tensor.name.decode()))
    if broken:
        layers = dict.fromkeys(broken)
        raise InputError(f"{name} has weights that are NaN, infinite or too large ({named(layers)}); {advice}")


def dead_layers(float_model: bytes, images: Iterable[npt.NDArray[Any]]) -> tuple[str, ...]:
    """Layers whose output does not depend on the image: each channel is the same everywhere on all of them.

    Args:
        float_model: one input, one output.
        images: as the file takes them, [1, H, W, 3]; two that differ, or more.

    Raises:
        InputError: no image, or a layer puts out NaN or infinite values.
    """
    graph = FloatGraph(float_model)
    found, _ = measure(graph, images, score_tensor(graph))
    same = {tensor for tensor, statistics in found.items() if np.array_equal(statistics.low, statistics.high)}
    names = layer_names(graph)
    return tuple(dict.fromkeys(names[i] for i, op in enumerate(graph.ops) if op.output in same))


def named(names: Iterable[str]) -> str:
    """The first of a list for one line."""
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
