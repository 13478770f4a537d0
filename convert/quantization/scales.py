"""Which tensors share a scale, and where their ranges start.

Resizing and joining must keep the scale. A residual sum may have three, but with one for all of them the sum itself
rounds nothing, so the chain of a backbone's sums shares one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from portraitlite.convert.quantization.graph import Activation, FloatGraph, score_tensor
from portraitlite.convert.quantization.statistics import TensorStatistics

__all__ = ["INT8_LEVELS", "Scale", "initial_scales", "score_window"]

INT8_LEVELS = 255
SHRINK = 0.8  # of the extremes: they are rare, and a smaller step serves everything else (chosen on held-out photos)
CONTENDERS = 0.001  # share of the runners-up that may fall below the range of the scores
MARGIN = 2.0  # nats that the range begins below the runners-up, where only the best class counts
SOFT_MARGIN = 7.0  # the same where confidences do: twenty classes raised to exp(-2) weigh 2.7, to exp(-7) 0.02
SIGMOID_ENDS = 8.0  # sigmoid(8) = 0.9997, finer than a uint8 confidence
KEEPS_SCALE = {"AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "RESHAPE", "RESIZE_BILINEAR", "SLICE", "STRIDED_SLICE"}
UNIT = {"LOGISTIC", "SOFTMAX"}  # their int8 kernels have one scale only


@dataclasses.dataclass(frozen=True)
class Scale:
    """One int8 scale and the tensors that use it.

    Attributes:
        tensors: their indices.
        step: real value of one int8 step.
        zero_point: int8 value of 0.
        fixed: the range is known (the input's bytes) and must not be learnt.
    """

    tensors: tuple[int, ...]
    step: float
    zero_point: int
    fixed: bool = False

    @property
    def low(self) -> float:
        """Smallest real value."""
        return (-128 - self.zero_point) * self.step

    @property
    def high(self) -> float:
        """Largest real value."""
        return (127 - self.zero_point) * self.step


def score_window(
    found: TensorStatistics, second: np.typing.NDArray[np.float32], *, soft: bool = False
) -> tuple[float, float]:
    """Range of the scores that decide.

    A class far below the second-best one is no contender, whatever its score, so the range begins there: fewer levels
    are spent on how unlikely it is, and fewer ties arise between those that matter.

    Args:
        found: statistics of the scores.
        second: runners-up of many pixels.
        soft: confidences come out of the scores, not only the best class.
    """
    if len(found.low) == 1:
        return max(float(found.low[0]), -SIGMOID_ENDS), min(float(found.high[0]), SIGMOID_ENDS)
    runner_up = float(np.quantile(second, CONTENDERS))
    return max(float(found.low.min()), runner_up - (SOFT_MARGIN if soft else MARGIN)), float(found.high.max())


def initial_scales(
    graph: FloatGraph,
    statistics: dict[int, TensorStatistics],
    window: tuple[float, float],
    mean: float,
    std: float,
    learned: Mapping[int, tuple[float, float]] | None = None,
) -> list[Scale]:
    """Scales of all float tensors that are computed.

    Args:
        graph: the float model.
        statistics: of its tensors.
        window: range of the scores, see `score_window`.
        mean, std: the input is (byte - mean) / std; its scale is exactly one byte per step.
        learned: tensor -> range that training chose for it; it takes the place of the measured one.
    """
    learned = learned or {}
    scores = score_tensor(graph)
    scales = [Scale((graph.input,), 1 / std, round(mean) - 128, fixed=True)]
    for tensors in _groups(graph, [t for t in statistics if t != graph.input]):
        if any(_kind(graph, t) in UNIT for t in tensors):
            scales.append(Scale(tensors, 1 / 256, -128, fixed=True))
            continue
        relu6 = any(_activation(graph, t) is Activation.RELU6 for t in tensors)
        low = min(0.0, *(float(statistics[t].low.min()) for t in tensors))
        high = max(0.0, *(float(statistics[t].high.max()) for t in tensors))
        if scores in tensors:
            low, high = window
        elif any(t in learned for t in tensors):
            low, high = _union([learned[t] for t in tensors if t in learned])
        elif not relu6:
            low, high = SHRINK * low, SHRINK * high
        scales.append(_scale(tensors, low, high))
    return scales


def _union(ranges: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _scale(tensors: tuple[int, ...], low: float, high: float) -> Scale:
    low, high = min(low, 0.0), max(high, 0.0)
    step = (high - low) / INT8_LEVELS or 1.0  # a tensor that is always zero
    return Scale(tensors, step, round(-128 - low / step))


def _activation(graph: FloatGraph, tensor: int) -> Activation:
    index = graph.producer(tensor)
    return Activation.NONE if index is None else graph.ops[index].activation


def _kind(graph: FloatGraph, tensor: int) -> str | None:
    index = graph.producer(tensor)
    return None if index is None else graph.ops[index].kind


def _groups(graph: FloatGraph, tensors: list[int]) -> list[tuple[int, ...]]:
    """Tensors that share a scale, each group in order of computation."""
    parent = {tensor: tensor for tensor in tensors}

    def root(tensor: int) -> int:
        while parent[tensor] != tensor:
            tensor = parent[tensor]
        return tensor

    for op in graph.ops:
        residual = op.kind == "ADD" and op.activation is Activation.NONE
        if op.kind == "CONCATENATION" or residual:
            joined = op.inputs
        elif op.kind in KEEPS_SCALE:
            joined = op.inputs[:1]
        else:
            continue
        for tensor in joined:
            if tensor in parent and op.output in parent:
                parent[root(tensor)] = root(op.output)
    groups: dict[int, list[int]] = {}
    for tensor in tensors:
        groups.setdefault(root(tensor), []).append(tensor)
    return [tuple(group) for group in groups.values()]
