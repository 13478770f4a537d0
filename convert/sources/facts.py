"""What a source reveals beyond its variables, found the same way in every graph.

Each reader of a graph (GraphDef, `.tflite`, Keras config) reduces it to `GraphOp`s; `facts_of` reads the rest off them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from portraitlite.convert.spec import scale_dimension
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = ["GraphFacts", "GraphOp", "Reading", "facts_of", "resize_convention"]

ASPP_BRANCH = re.compile(r"^aspp(\d+)(?:_depthwise)?(?:_\d+)?$")  # Keras appends _1 to names it has seen before


@dataclasses.dataclass(frozen=True)
class GraphFacts:
    """Fields of `DeepLabSpec` that leave no trace in the variables.

    A field counts only if `reasons` has its name; None and () are values too (pooling over the whole map, no branches).

    Attributes:
        crop: (height, width) of the network's input, pixels.
        output_stride: input pixels per feature of the backbone's last map.
        atrous_rates: dilations of the ASPP branches beside the 1x1 one.
        resize_convention: of every bilinear resize inside the network.
        image_pooling_crop: (height, width) whose feature map has the size of the pooling window; None pools all of it.
        image_pooling_stride: of that window.
        reasons: field name -> what in the source says so, one phrase.
    """

    crop: tuple[int, int] | None = None
    output_stride: int | None = None
    atrous_rates: tuple[int, ...] | None = None
    resize_convention: ResizeConvention | None = None
    image_pooling_crop: tuple[int, int] | None = None
    image_pooling_stride: tuple[int, int] | None = None
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def spec_fields(self) -> dict[str, tuple[Any, str]]:
        """`DeepLabSpec` field -> (value, reason), only what is revealed."""
        found = {name: (getattr(self, name), reason) for name, reason in self.reasons.items()}
        if (crop := found.pop("crop", None)) is not None:
            (height, width), reason = crop
            found |= {"crop_height": (height, reason), "crop_width": (width, reason)}
        return found


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a reader found.

    Attributes:
        variables: official name -> float32 value.
        facts: what the graph reveals beyond them.
        ranges: tensor name -> (minimum, maximum) that quantization-aware training learned; empty elsewhere.
    """

    variables: dict[str, npt.NDArray[np.float32]]
    facts: GraphFacts = GraphFacts()
    ranges: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class GraphOp:
    """One op of a graph, as far as facts need it.

    Attributes:
        name: unique; what `inputs` of later ops refer to.
        kind: `pool` is an average pool with a window; everything without its own word is `other`.
        inputs: names; unknown ones (arguments, constants) count as sources.
        scope: of the variables, for `conv`.
        strides: (vertical, horizontal) of a `conv`, `max_pool` or `pool`.
        dilation: of a `conv`.
        window: (height, width) of a `pool`.
        convention: of a `resize`.
    """

    name: str
    kind: Literal["conv", "max_pool", "pool", "resize", "other"]
    inputs: tuple[str, ...]
    scope: str = ""
    strides: tuple[int, int] = (1, 1)
    dilation: int = 1
    window: tuple[int, int] = (0, 0)
    convention: ResizeConvention | None = None


def resize_convention(align_corners: bool, half_pixel_centers: bool) -> ResizeConvention:
    """TensorFlow's two flags as one word.

    Raises:
        InputError: both are set, which no kernel takes.
    """
    if align_corners and half_pixel_centers:
        raise InputError("a resize has both align_corners and half_pixel_centers; expected at most one of them")
    if align_corners:
        return ResizeConvention.ALIGN_CORNERS
    return ResizeConvention.HALF_PIXEL if half_pixel_centers else ResizeConvention.LEGACY


def facts_of(ops: Iterable[GraphOp], crop: tuple[int, int] | None, crop_reason: str) -> GraphFacts:
    """Everything but the crop, read off the ops.

    Args:
        ops: of the network, producers before consumers.
        crop: (height, width), where the source says it.
        crop_reason: where it says it.

    Raises:
        InputError: resizes under several conventions, or an output stride no DeepLab has.
    """
    reduction: dict[str, int] = {}  # input pixels per sample of each op that has a convolution above it
    convolutions, resizes, pools = [], [], []
    for op in ops:
        above = [reduction[name] for name in op.inputs if name in reduction]
        if op.kind == "conv" or above:
            stride = op.strides[0] if op.kind in ("conv", "max_pool") else 1
            reduction[op.name] = max(above, default=1) * stride
        if op.kind == "conv":
            convolutions.append(op)
        elif op.kind == "resize" and above:  # without a convolution above it belongs to the preprocessing
            resizes.append(op)
        elif op.kind == "pool" and above:
            pools.append(op)
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}

    def reveal(field: str, value: Any, reason: str) -> None:
        values[field], reasons[field] = value, reason

    if crop is not None:
        reveal("crop", crop, crop_reason)
    if convolutions:
        stride = max(reduction.values())
        if stride not in (8, 16, 32):
            raise InputError(f"the strides of the graph multiply to {stride}; a DeepLab has 8, 16 or 32")
        reveal("output_stride", stride, f"the strides of the convolutions multiply to {stride}")
    branches = {int(m[1]): op.dilation for op in convolutions if (m := ASPP_BRANCH.match(op.scope.split("/")[-1]))}
    if 0 in branches:
        rates = tuple(branches[i] for i in sorted(branches) if i)
        said = f"the branches aspp1..aspp{len(rates)} are dilated so" if rates else "aspp0 is the only branch"
        reveal("atrous_rates", rates, said)
    conventions = {op.convention for op in resizes}
    if len(conventions) > 1:
        raise InputError(
            f"the graph resizes under several conventions ({', '.join(sorted(map(str, conventions)))}); expected one"
        )
    if conventions:
        reveal("resize_convention", conventions.pop(), f"all {len(resizes)} resizes of the network have it")
    if len(pools) == 1 and crop is not None and "output_stride" in values:
        (pool,) = pools
        stride = values["output_stride"]
        features = (scale_dimension(crop[0], stride), scale_dimension(crop[1], stride))
        if pool.window == features:
            reveal("image_pooling_crop", None, "the average pool covers the whole feature map")
        else:
            said = f"the average pool has a window of {pool.window[0]}x{pool.window[1]} on {features[0]}x{features[1]}"
            side = tuple((n - 1) * stride + 1 for n in pool.window)
            reveal("image_pooling_crop", side, said)
            reveal("image_pooling_stride", pool.strides, f"the average pool has strides {list(pool.strides)}")
    return GraphFacts(**values, reasons=reasons)
