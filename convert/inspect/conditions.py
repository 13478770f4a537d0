"""What a rule can ask about an op: named predicates, so that the rules themselves stay data.

These decide whether a delegate takes an op; `trap_conditions` finds the ops that it takes and then gets wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from portraitlite.convert.inspect.graph import EIGHT_BIT, Graph, Op, Tensor

__all__ = ["CONDITIONS", "Condition", "condition"]

Condition = Callable[[Graph, Op], bool]
CONDITIONS: dict[str, Condition] = {}

GPU_CUSTOM = ("Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "Resampler")
MASKS = ("ellipsisMask", "newAxisMask", "shrinkAxisMask")
REFLECT = 0  # MirrorPadMode


def condition(function: Condition) -> Condition:
    """Make a predicate known to the rules under its own name."""
    CONDITIONS[function.__name__] = function
    return function


def _tensors(graph: Graph, op: Op) -> list[Tensor]:
    return [*graph.inputs_of(op), *graph.outputs_of(op)]


@condition
def dynamic(graph: Graph, op: Op) -> bool:
    return any(t.dynamic for t in _tensors(graph, op))


@condition
def int64(graph: Graph, op: Op) -> bool:
    return any(t.dtype == "int64" for t in [*graph.runtime_inputs(op), *graph.outputs_of(op)])


@condition
def int16(graph: Graph, op: Op) -> bool:
    return any(t.dtype == "int16" for t in [*graph.runtime_inputs(op), *graph.outputs_of(op)])


@condition
def rank_5(graph: Graph, op: Op) -> bool:
    return any(len(t.shape) >= 5 for t in _tensors(graph, op))


@condition
def gpu_custom(graph: Graph, op: Op) -> bool:
    return op.custom in GPU_CUSTOM


@condition
def transpose_conv_bias(graph: Graph, op: Op) -> bool:
    return op.custom == "Convolution2DTransposeBias"


@condition
def changes_sign(graph: Graph, op: Op) -> bool:
    types = {t.dtype for t in [*graph.inputs_of(op), *graph.outputs_of(op)]}
    return types == set(EIGHT_BIT)


@condition
def no_bias(graph: Graph, op: Op) -> bool:
    return graph.input(op, 2) is None


@condition
def constant_input(graph: Graph, op: Op) -> bool:
    return not graph.runtime_inputs(op)


@condition
def dilated(graph: Graph, op: Op) -> bool:
    return max(op.options.get("dilationWFactor", 1), op.options.get("dilationHFactor", 1)) > 1


@condition
def both_resize_flags(graph: Graph, op: Op) -> bool:
    return bool(op.options.get("alignCorners")) and bool(op.options.get("halfPixelCenters"))


@condition
def align_corners(graph: Graph, op: Op) -> bool:
    return bool(op.options.get("alignCorners"))


@condition
def computed_size(graph: Graph, op: Op) -> bool:
    size = graph.input(op, 1)
    return size is not None and not size.constant


@condition
def strided_1x1_pool(graph: Graph, op: Op) -> bool:
    window = op.options.get("filterHeight"), op.options.get("filterWidth")
    return window == (1, 1) and max(op.options.get("strideH", 1), op.options.get("strideW", 1)) > 1


@condition
def int64_output(graph: Graph, op: Op) -> bool:
    return any(t.dtype == "int64" for t in graph.outputs_of(op))


@condition
def beta_not_1(graph: Graph, op: Op) -> bool:
    return op.options.get("beta", 1.0) != 1.0


@condition
def outside_2_to_5_inputs(graph: Graph, op: Op) -> bool:
    return not 2 <= len(op.inputs) <= 5


@condition
def outside_2_to_4_outputs(graph: Graph, op: Op) -> bool:
    return not 2 <= len(op.outputs) <= 4


@condition
def per_channel_activation(graph: Graph, op: Op) -> bool:
    return any(
        t.quantization is not None and t.quantization.per_channel
        for t in [*graph.runtime_inputs(op), *graph.outputs_of(op)]
        if graph.stored(t) is None
    )


@condition
def weights_for_fully_connected(graph: Graph, op: Op) -> bool:
    source = graph.input(op, 0)
    if source is None or not source.constant or source.dtype not in EIGHT_BIT:
        return False
    return any(reader.kind == "FULLY_CONNECTED" for t in op.outputs for reader in graph.consumers.get(t, ()))


@condition
def slice_masks(graph: Graph, op: Op) -> bool:
    return any(op.options.get(mask) for mask in MASKS)


def _strides(graph: Graph, op: Op) -> tuple[int, ...] | None:
    strides = graph.input(op, 3)
    return strides.values if strides is not None else None


@condition
def strides_not_1(graph: Graph, op: Op) -> bool:
    strides = _strides(graph, op)
    return strides is None or any(stride != 1 for stride in strides)


@condition
def negative_stride(graph: Graph, op: Op) -> bool:
    return any(stride < 0 for stride in _strides(graph, op) or ())


@condition
def rank_not_3_or_4(graph: Graph, op: Op) -> bool:
    image = graph.input(op, 0)
    return image is not None and len(image.shape) not in (3, 4)


@condition
def symmetric(graph: Graph, op: Op) -> bool:
    return op.options.get("mode", REFLECT) != REFLECT


@condition
def computed_axes(graph: Graph, op: Op) -> bool:
    axes = graph.input(op, 1)
    return axes is None or not axes.constant
