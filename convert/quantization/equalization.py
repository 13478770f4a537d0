"""Give every channel of a tensor a fair share of the tensor's one 8-bit scale.

Where a convolution writes channels of very different sizes, the small ones are left with few of the 256 steps. Scaling
channel c of the writer by k[c] and the readers' weights by 1 / k[c] leaves the float network as it is (Nagel et al.,
"Data-free quantization through weight equalization and bias correction", 2019). Three cases are told apart:

- the readers are depthwise: each of their channels has its own weight scale, so nothing is lost;
- the readers mix channels: their small weights are rounded more coarsely, so k balances both errors, and is used only
  where the calibration photos say that the sum falls;
- the writer ends in ReLU6, which does not scale: only channels that stay well below 6 are stretched towards it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.graph import Activation, FloatGraph
from portraitlite.convert.quantization.statistics import TensorStatistics

__all__ = ["equalize"]

Floats = npt.NDArray[np.float32]
Statistics = dict[int, TensorStatistics]
LARGEST_FACTOR = 64.0
RELU6_LIMIT = 6.0
RELU6_NEAR = 5.5  # a channel that comes this near 6 on the calibration photos may pass it on others
RELU6_HEADROOM = 0.98
WORTHWHILE = 0.95  # least gain of the predicted error that is worth moving weights


@dataclasses.dataclass(frozen=True)
class _Readers:
    """Who reads a tensor, seen through ops that keep channels apart.

    Attributes:
        convolutions: (op index, first channel there) of each reader.
        same: (tensor, first channel there) of copies that share its scale, itself first.
    """

    convolutions: tuple[tuple[int, int], ...]
    same: tuple[tuple[int, int], ...]


def equalize(graph: FloatGraph, statistics: Statistics) -> None:
    """Scale the channels of every tensor that lies between convolutions. Changes `graph` and `statistics`."""
    for op in graph.ops:
        if not op.is_convolution:
            continue
        readers = _readers(graph, op.output)
        if readers is None:
            continue
        limit = _limits(statistics, readers, op.activation)
        if all(graph.ops[reader].kind == "DEPTHWISE_CONV_2D" for reader, _ in readers.convolutions):
            factors = limit
        else:
            factors = _balanced(graph, statistics, readers, limit)
            before = _predicted_error(graph, statistics, readers, np.ones_like(limit))
            if _predicted_error(graph, statistics, readers, factors) > WORTHWHILE * before:
                continue
        _scale(graph, statistics, op.output, readers, factors)


def _readers(graph: FloatGraph, tensor: int) -> _Readers | None:
    """None where something reads the tensor that cannot undo a scaling, or nothing does."""
    convolutions: list[tuple[int, int]] = []
    same = [(tensor, 0)]
    for current, start in same:  # grows while it is walked
        if current == graph.output:
            return None
        for index in graph.readers(current):
            op = graph.ops[index]
            if op.is_convolution and op.inputs[0] == current:
                convolutions.append((index, start))
            elif op.kind in ("RESIZE_BILINEAR", "MEAN", "AVERAGE_POOL_2D"):
                same.append((op.output, start))
            elif op.kind == "CONCATENATION":
                before = op.inputs[: op.inputs.index(current)]
                same.append((op.output, start + sum(graph.shapes[t][-1] for t in before)))
            else:
                return None
    return _Readers(tuple(convolutions), tuple(same)) if convolutions else None


def _limits(statistics: Statistics, readers: _Readers, activation: Activation) -> Floats:
    """Largest factor of each channel that leaves the tensor's range as it is, at least 1."""
    largest = statistics[readers.same[0][0]].largest
    top = max(float(statistics[tensor].largest.max()) for tensor, _ in readers.same)
    if activation is Activation.RELU6:
        top = RELU6_LIMIT * RELU6_HEADROOM
    factors = np.clip(top / np.maximum(largest, top / LARGEST_FACTOR), 1, LARGEST_FACTOR)
    factors[largest == 0] = 1  # a dead channel
    if activation is Activation.RELU6:
        factors[largest >= RELU6_NEAR] = 1
    return factors.astype(np.float32)


def _mixing(graph: FloatGraph, readers: _Readers, channels: int) -> list[tuple[Floats, Floats]]:
    """(kernel, its part that reads the tensor) of readers that mix channels."""
    kernels = []
    for index, start in readers.convolutions:
        op = graph.ops[index]
        if op.kind == "CONV_2D":
            kernel = graph.constants[op.inputs[1]]
            kernels.append((kernel, kernel[..., start : start + channels]))
    return kernels


def _balanced(graph: FloatGraph, statistics: Statistics, readers: _Readers, limit: Floats) -> Floats:
    """Factors where the error of rounding activations equals that of rounding weights."""
    found = statistics[readers.same[0][0]]
    step = max(float(statistics[tensor].largest.max()) for tensor, _ in readers.same) / 255
    from_activations = np.zeros_like(limit)
    from_weights = np.zeros_like(limit)
    for kernel, part in _mixing(graph, readers, len(limit)):
        steps = np.abs(kernel).max(axis=(1, 2, 3)) / 127
        from_activations += step**2 * np.square(part).sum(axis=(0, 1, 2))
        from_weights += found.square * np.square(steps).sum() * kernel.shape[1] * kernel.shape[2]
    return np.clip((from_activations / np.maximum(from_weights, 1e-12)) ** 0.25, 1, limit).astype(np.float32)


def _predicted_error(graph: FloatGraph, statistics: Statistics, readers: _Readers, factors: Floats) -> float:
    """Squared error that rounding adds to the readers' outputs, the weights' part measured, not estimated."""
    found = statistics[readers.same[0][0]]
    step = max(float(statistics[tensor].largest.max()) for tensor, _ in readers.same) / 255
    total = 0.0
    for index, start in readers.convolutions:
        op = graph.ops[index]
        if op.kind != "CONV_2D":
            continue
        kernel = graph.constants[op.inputs[1]].copy()
        part = kernel[..., start : start + len(factors)]
        part /= factors
        steps = np.maximum(np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / 127, 1e-20)
        rounding = np.square(np.round(part / steps) * steps - part).sum(axis=(0, 1, 2))
        total += float((rounding * found.square * factors**2).sum())
        total += float(step**2 / 12 * np.square(part).sum())
    return total


def _scale(graph: FloatGraph, statistics: Statistics, tensor: int, readers: _Readers, factors: Floats) -> None:
    index = graph.producer(tensor)
    if index is None:
        raise AssertionError("a convolution's output has a producer")
    op = graph.ops[index]
    shape = [1, 1, 1, 1]
    shape[op.channel_axis] = -1
    graph.constants[op.inputs[1]] = graph.constants[op.inputs[1]] * factors.reshape(shape)
    graph.constants[op.inputs[2]] = graph.constants[op.inputs[2]] * factors
    for reader, start in readers.convolutions:
        kernel = graph.constants[graph.ops[reader].inputs[1]].copy()
        kernel[..., start : start + len(factors)] /= factors
        graph.constants[graph.ops[reader].inputs[1]] = kernel
    for copy, start in readers.same:
        statistics[copy].scale(factors, start)
