"""Read a MobileNetV2 DeepLab back out of a `.tflite`: float, or the official 8-bit one, whose weights are dequantized.

Batch norms are folded in such files, so every one comes back as the identity with the bias as `beta`. In the 8-bit
files of quantization-aware training the ReLU6 exist only as output ranges; the float network has them as ops again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.convert.networks.build import RESIDUAL_SCOPE
from portraitlite.convert.networks.mobilenet_v2 import SCOPE
from portraitlite.convert.sources.facts import GraphFacts, GraphOp, Reading, facts_of, resize_convention
from portraitlite.convert.sources.folded import identity_norm
from portraitlite.convert.sources.tflite_graph import PARSE_ERRORS, TfliteGraph, TfliteOp, read_tflite_graph
from portraitlite.convert.sources.tflite_names import CONVOLUTIONS, name_convolutions
from portraitlite.runtime.errors import InputError

__all__ = ["read_tflite"]

Float32 = npt.NDArray[np.float32]
PADS = ("PAD", "PADV2", "MIRROR_PAD")
SAME = 0  # Padding.SAME
NONE, RELU, RELU6 = 0, 1, 3  # ActivationFunctionType


def read_tflite(path: Path) -> Reading:
    """Variables and facts.

    Args:
        path: a `.tflite` of a DeepLab on MobileNetV2, with or without decoder.

    Raises:
        InputError: damaged, another network, or one whose layers pad or clamp in another way.
    """
    graph = read_tflite_graph(path)
    try:
        scopes = name_convolutions(graph)
        variables: dict[str, Float32] = {}
        for i, scope in scopes.items():
            _check_options(graph, graph.ops[i], scope)
            variables |= _variables(graph, graph.ops[i], scope)
        return Reading(variables, _facts(graph, scopes))
    except PARSE_ERRORS as error:
        raise InputError(f"{path.name} is a damaged TFLite model ({error}); copy it again") from error


def _variables(graph: TfliteGraph, op: TfliteOp, scope: str) -> dict[str, Float32]:
    kernel = graph.value(_source(graph, op.inputs[1]))
    if kernel is None or kernel.ndim != 4:
        raise InputError(f"{graph.name}: the weights of {scope} are not constant; expected a model for inference")
    kernel = np.ascontiguousarray(kernel.transpose(1, 2, 3, 0))  # OHWI, or 1HWC of a depthwise, -> HWIO or HWC1
    depthwise = op.kind == "DEPTHWISE_CONV_2D"
    channels = kernel.shape[2 if depthwise else 3]
    bias = graph.value(_source(graph, op.inputs[2])) if len(op.inputs) > 2 else np.zeros(channels, np.float32)
    if bias is None or bias.shape != (channels,):
        raise InputError(f"{graph.name}: the bias of {scope} does not fit {channels} channels; the file is damaged")
    named = {f"{scope}/{'depthwise_weights' if depthwise else 'weights'}": kernel}
    if scope.startswith("logits/") or scope == RESIDUAL_SCOPE:
        return named | {f"{scope}/biases": bias}
    return named | identity_norm(scope, bias)


def _source(graph: TfliteGraph, tensor: int) -> int:
    """The stored tensor behind DEQUANTIZE: float16 and dynamic-range files hold their weights so."""
    for op in graph.ops:
        if op.kind == "DEQUANTIZE" and op.outputs[0] == tensor and op.inputs:
            return op.inputs[0]
    return tensor


def _check_options(graph: TfliteGraph, op: TfliteOp, scope: str) -> None:
    """What the official network does differently must not pass unseen."""
    by_kind = {producer.outputs[0]: producer.kind for producer in graph.ops}
    before = by_kind.get(op.inputs[0], "")
    wide = max(graph.shape(op.inputs[1])[1:3], default=1) > 1
    if before in PADS or (wide and op.options.Padding() != SAME and before != "SPACE_TO_BATCH_ND"):
        raise InputError(
            f"{graph.name}: {scope} does not pad like the official network (SAME); it cannot be taken over"
        )
    clamp = RELU6 if scope.startswith(SCOPE) else RELU
    if op.options.FusedActivationFunction() not in (NONE, clamp):
        raise InputError(
            f"{graph.name}: {scope} has activation {op.options.FusedActivationFunction()}, the official network "
            f"{clamp} (schema numbers); it cannot be taken over"
        )


def _facts(graph: TfliteGraph, scopes: dict[int, str]) -> GraphFacts:
    if len(graph.input_shape) != 4 or min(graph.input_shape) < 1:
        raise InputError(f"{graph.name} takes {list(graph.input_shape)}; expected one picture of fixed size, NHWC")
    crop = graph.input_shape[1], graph.input_shape[2]
    ops = [_op(op, scopes.get(i, "")) for i, op in enumerate(graph.ops)]
    return facts_of(ops, crop, f"the input has {crop[0]}x{crop[1]} pixels")


def _op(op: TfliteOp, scope: str) -> GraphOp:
    name, inputs = str(op.outputs[0]), tuple(map(str, op.inputs))
    options = op.options
    if op.kind in CONVOLUTIONS:
        strides = int(options.StrideH()), int(options.StrideW())
        return GraphOp(name, "conv", inputs, scope, strides, int(options.DilationHFactor()))
    if op.kind == "AVERAGE_POOL_2D":
        strides = int(options.StrideH()), int(options.StrideW())
        window = int(options.FilterHeight()), int(options.FilterWidth())
        return GraphOp(name, "pool", inputs, strides=strides, window=window)
    if op.kind == "RESIZE_BILINEAR":
        flags = bool(options.AlignCorners()), bool(options.HalfPixelCenters())
        return GraphOp(name, "resize", inputs, convention=resize_convention(*flags))
    return GraphOp(name, "other", inputs)
