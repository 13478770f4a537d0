"""Predicates for ops that a delegate takes and then computes wrong or slowly.

Thresholds that no source gives are ours and say so.
"""

from __future__ import annotations

import math

from portraitlite.convert.inspect.conditions import condition
from portraitlite.convert.inspect.graph import EIGHT_BIT, Graph, Op

__all__: list[str] = []  # rules know the predicates by name

FP16_MAX = 65504
RELU6_SUM = FP16_MAX // 6  # elements of a RELU6 output that can reach the largest float16
LARGE_REDUCTION = 65_000
LARGE_CONSTANT = 4096  # elements; ours: a mask or grid, no per-channel vector
HOT_ACTIVATION = 1000.0  # ours: the failing network had 5000, the advice is 100
LARGE_CONCAT_BYTES = 1_048_576
DIRECT_TAPS = 25  # XNNPACK's largest direct depthwise kernel
WIDE_KERNEL = 25  # taps along one side; ours
FRAGILE_COLUMNS = 40
GPU_LANES = 4  # channels that a GPU keeps together


def _kernel(graph: Graph, op: Op) -> tuple[int, int]:
    weights = graph.input(op, 1)
    return (weights.shape[1], weights.shape[2]) if weights is not None and len(weights.shape) == 4 else (1, 1)


@condition
def many_taps(graph: Graph, op: Op) -> bool:
    height, width = _kernel(graph, op)
    return height * width > DIRECT_TAPS


@condition
def wide_kernel(graph: Graph, op: Op) -> bool:
    return max(_kernel(graph, op)) >= WIDE_KERNEL


@condition
def outer_rank_3_pad(graph: Graph, op: Op) -> bool:
    image, paddings = graph.input(op, 0), graph.input(op, 1)
    if image is None or len(image.shape) != 3 or paddings is None or paddings.values is None:
        return False
    return any(paddings.values[:4])


def _axes(graph: Graph, op: Op) -> tuple[int, ...] | None:
    """Axes of a reduction, non-negative; None where they are not constant."""
    axes, image = graph.input(op, 1), graph.input(op, 0)
    if axes is None or image is None or axes.values is None or not image.shape:
        return None
    return tuple(sorted({axis % len(image.shape) for axis in axes.values}))


def _reduced(graph: Graph, op: Op) -> int:
    image = graph.input(op, 0)
    sides = [max(image.shape[axis], 1) for axis in _axes(graph, op) or ()] if image is not None else []
    return math.prod(sides) if sides else 0


@condition
def large_multi_axis(graph: Graph, op: Op) -> bool:
    return len(_axes(graph, op) or ()) > 1 and _reduced(graph, op) >= LARGE_REDUCTION


@condition
def sum_overflows_fp16(graph: Graph, op: Op) -> bool:
    return _reduced(graph, op) >= RELU6_SUM


@condition
def squares_a_difference(graph: Graph, op: Op) -> bool:
    if op.kind != "MUL":
        return True
    operands = {t for t in op.inputs if t >= 0}
    producer = graph.producers.get(min(operands, default=-1))
    return len(operands) == 1 and producer is not None and producer.kind == "SUB"


@condition
def hot(graph: Graph, op: Op) -> bool:
    """A quantized file says how large its activations get; a float file does not."""
    for tensor in graph.outputs_of(op):
        q = tensor.quantization
        if q is not None and tensor.dtype in EIGHT_BIT and not q.per_channel:
            low, high = (-128, 127) if tensor.dtype == "int8" else (0, 255)
            reach = max(abs(low - q.zero_points[0]), abs(high - q.zero_points[0]))
            if reach * q.scales[0] > HOT_ACTIVATION:
                return True
    return False


@condition
def large_constant(graph: Graph, op: Op) -> bool:
    stored = (graph.stored(t) for t in graph.inputs_of(op))
    return bool(graph.runtime_inputs(op)) and any(s is not None and s.elements >= LARGE_CONSTANT for s in stored)


@condition
def channel_scale_then_add(graph: Graph, op: Op) -> bool:
    channels = graph.outputs_of(op)[0].shape[-1:] if op.outputs else ()
    if not channels or channels[0] < 2:
        return False
    baked = (graph.stored(t) for t in graph.inputs_of(op))
    if not any(s is not None and s.elements == channels[0] for s in baked):
        return False
    readers = graph.consumers.get(op.outputs[0], ())
    return any(reader.kind == "ADD" and len(graph.runtime_inputs(reader)) == 2 for reader in readers)


@condition
def different_ranks(graph: Graph, op: Op) -> bool:
    return len({len(t.shape) for t in graph.inputs_of(op)}) > 1


@condition
def broadcasts_dimension_1(graph: Graph, op: Op) -> bool:
    """A factor per channel, [1, 1, 1, C], is not meant: squeeze-and-excite works on every GPU."""
    shapes = [t.shape for t in graph.inputs_of(op)]
    if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 3:
        return False
    narrow, wide = sorted(shapes, key=lambda shape: shape[1])
    return narrow[1] == 1 < wide[1] and any(side != 1 for side in narrow[2:-1])


@condition
def reads_large_concatenation(graph: Graph, op: Op) -> bool:
    return any(
        (producer := graph.producers.get(t.index)) is not None
        and producer.kind == "CONCATENATION"
        and t.dtype == "int16"
        and t.size_bytes > LARGE_CONCAT_BYTES
        for t in graph.inputs_of(op)
    )


@condition
def eight_bit_boundary(graph: Graph, op: Op) -> bool:
    ends = set(graph.inputs) & set(op.inputs) | set(graph.outputs) & set(op.outputs)
    return any(graph.tensors[t].dtype in EIGHT_BIT for t in ends)


@condition
def fragile_product(graph: Graph, op: Op) -> bool:
    operands = graph.runtime_inputs(op)
    if len(operands) != 2:
        return False
    columns = [t.shape[-1] for t in graph.outputs_of(op) if t.shape]
    return all(len(t.shape) == 3 for t in operands) or columns == [FRAGILE_COLUMNS]


@condition
def divides_unused_channels(graph: Graph, op: Op) -> bool:
    """A quotient that does not fill its last group of channels, read by an op that mixes channels.

    The unused channels of the divisor are 0, unless one channel or a scalar is spread over all of them. A fused
    activation turns NaN into a number.
    """
    divisor, quotients = graph.input(op, 1), graph.outputs_of(op)
    if divisor is None or graph.stored(divisor) is not None or not divisor.shape or not quotients:
        return False
    channels = divisor.shape[-1]
    if channels % GPU_LANES == 0 or channels < quotients[0].shape[-1] or op.options.get("fusedActivationFunction"):
        return False
    made_by = graph.producers.get(divisor.index)
    if made_by is not None and made_by.kind in ("ADD", "MAXIMUM"):
        stored = (graph.stored(t) for t in graph.inputs_of(made_by))
        if any(s is not None and s.elements == 1 for s in stored):
            return False
    readers = graph.consumers.get(op.outputs[0], ())
    return any(reader.kind in ("CONV_2D", "TRANSPOSE_CONV") or _over_channels(graph, reader) for reader in readers)


def _over_channels(graph: Graph, op: Op) -> bool:
    image = graph.input(op, 0)
    return op.kind in ("MEAN", "SUM") and image is not None and len(image.shape) - 1 in (_axes(graph, op) or ())
