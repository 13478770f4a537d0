"""Read a Hugging Face folder of `MobileNetV2ForSemanticSegmentation`, without PyTorch.

The class is the official DeepLab-v3 without decoder. Its 1280-channel `conv_1x1` does not reach the head: left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.networks.build import LOGITS_SCOPE
from portraitlite.convert.networks.mobilenet_v2 import SCOPE
from portraitlite.convert.sources.facts import GraphFacts, Reading
from portraitlite.convert.sources.folded import absorb_epsilon
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.convert.sources.safetensors_file import read_safetensors
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = ["is_hugging_face", "read_hugging_face"]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
CLASS = "MobileNetV2ForSemanticSegmentation"
MAX_CONFIG_BYTES = 1 << 20
# What the official network fixes and a configuration may change; the defaults are those of the class.
FIXED = {
    "tf_padding": True,
    "first_layer_is_expansion": True,
    "hidden_act": "relu6",
    "expand_ratio": 6,
    "num_channels": 3,
}
UNUSED = ("mobilenet_v2.conv_1x1.",)
HEAD_EPSILON = 1e-5  # written out in the class, whatever the configuration says
HEADS = {"conv_pool": "image_pooling", "conv_aspp": "aspp0", "conv_projection": "concat_projection"}
PARTS = {"expand_1x1": "expand", "conv_3x3": "depthwise", "reduce_1x1": "project"}
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}

Float32 = npt.NDArray[np.float32]


def is_hugging_face(folder: Path) -> bool:
    """Whether `folder` looks like a Hugging Face model."""
    return (folder / CONFIG).is_file()


def read_hugging_face(folder: Path) -> Reading:
    """Variables, and the facts of `config.json`.

    Args:
        folder: with `config.json` and `model.safetensors`.

    Raises:
        InputError: another class, options that change the network, no or damaged safetensors.
    """
    config = _config(folder)
    if not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder.name} holds no {WEIGHTS}; save the model with safe_serialization=True, in one file")
    epsilon = config.get("layer_norm_eps", 1e-3)
    if not isinstance(epsilon, int | float) or not 0 <= epsilon < 1:
        raise InputError(
            f"{folder.name}/{CONFIG} has layer_norm_eps {epsilon!r}; expected a small number such as 0.001"
        )
    variables: dict[str, Float32] = {}
    for name, value in read_safetensors(folder / WEIGHTS).items():
        if not name.startswith(UNUSED):
            official, array = _official(name, value, float(epsilon))
            variables[official] = array
    return Reading(variables, _facts(config, folder.name))


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads(read_bounded(folder / CONFIG, MAX_CONFIG_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{folder.name}/{CONFIG} is not JSON ({error}); download it again") from error
    if not isinstance(config, dict):
        raise InputError(f"{folder.name}/{CONFIG} is no object; download it again")
    classes = config.get("architectures") or [CLASS]
    if config.get("model_type") != "mobilenet_v2" or classes != [CLASS]:
        raise InputError(f"{folder.name} is a {config.get('model_type')!r} of class {classes}; expected {CLASS}")
    for option, expected in FIXED.items():
        if config.get(option, expected) != expected:
            raise InputError(
                f"{folder.name}/{CONFIG} has {option} {config[option]!r}; the official network has {expected!r}, and "
                f"another cannot be converted"
            )
    multiplier, divisor = config.get("depth_multiplier", 1.0), config.get("depth_divisible_by", 8)
    if divisor != (8 if multiplier == 1 else 1):
        raise InputError(
            f"{folder.name}/{CONFIG} has depth_multiplier {multiplier!r} with depth_divisible_by {divisor!r}; the "
            f"official network rounds channels to 8 at multiplier 1 and not at all elsewhere, it cannot be converted"
        )
    return config


def _official(name: str, value: Float32, epsilon: float) -> tuple[str, Float32]:
    path = name.split(".")
    match path:
        case ["segmentation_head", "classifier", "convolution", leaf]:
            scope, names = LOGITS_SCOPE, {"weight": "weights", "bias": "biases"}
            return f"{scope}/{names.get(leaf, leaf)}", _kernel(value, depthwise=False) if leaf == "weight" else value
        case ["segmentation_head", head, *rest] if head in HEADS:
            scope, epsilon = HEADS[head], HEAD_EPSILON
        case ["mobilenet_v2", "conv_stem", "first_conv", *rest]:
            scope = f"{SCOPE}/Conv"
        case ["mobilenet_v2", "conv_stem", part, *rest] if part in PARTS:
            scope = f"{SCOPE}/expanded_conv/{PARTS[part]}"
        case ["mobilenet_v2", "layer", number, part, *rest] if part in PARTS and number.isdecimal():
            scope = f"{SCOPE}/expanded_conv_{int(number) + 1}/{PARTS[part]}"
        case _:
            rest, scope = [], ""
    depthwise = scope.endswith("/depthwise")
    match rest:
        case ["convolution", "weight"]:
            return f"{scope}/{'depthwise_weights' if depthwise else 'weights'}", _kernel(value, depthwise)
        case ["normalization", leaf] if leaf in NORM:
            official = f"{scope}/BatchNorm/{NORM[leaf]}"
            return official, absorb_epsilon(scope, value, epsilon) if leaf == "running_var" else value
    raise InputError(f"{WEIGHTS} holds the tensor {name!r}, which a {CLASS} does not have; expected one")


def _kernel(value: Float32, depthwise: bool) -> Float32:
    """OIHW -> HWIO, or C1HW of a depthwise -> HWC1."""
    if value.ndim != 4:
        raise InputError(f"{WEIGHTS} holds a convolution of shape {list(value.shape)}; expected four sides")
    return np.ascontiguousarray(value.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0)))


def _facts(config: dict[str, Any], name: str) -> GraphFacts:
    stride, size = config.get("output_stride", 32), config.get("image_size", 224)
    sides = size if isinstance(size, list) else [size, size]
    if len(sides) != 2 or not all(isinstance(value, int) and value > 0 for value in (*sides, stride)):
        raise InputError(
            f"{name}/{CONFIG} has image_size {size!r} and output_stride {stride!r}; expected whole numbers"
        )
    return GraphFacts(
        crop=(sides[0], sides[1]),
        output_stride=stride,
        atrous_rates=(),
        resize_convention=ResizeConvention.ALIGN_CORNERS,
        reasons={
            "crop": f"image_size {size} in {CONFIG}",
            "output_stride": f"output_stride {stride} in {CONFIG}",
            "atrous_rates": f"{CLASS} has no such branches",
            "resize_convention": f"{CLASS} resizes with align_corners",
        },
    )
