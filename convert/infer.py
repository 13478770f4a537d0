"""Decide every field of the spec: from flags, from what the source reveals, from the catalogue, from defaults.

Variables reveal the backbone, widths, classes and the decoder; a flag that contradicts them is refused. Output stride,
crop, rates and the resize convention leave no trace in variables: a flag wins, then the zoo's published flags, then
what a graph beside them says, then the official defaults.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from portraitlite.convert.families import FAMILY_DEFAULTS, recognise
from portraitlite.convert.networks.head_variables import default_atrous_rates
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = ["Inferred", "SpecFlags", "infer_spec"]

Shapes = Mapping[str, tuple[int, ...]]
Revealed = Mapping[str, tuple[Any, str]]

# Fields that a flag may only confirm, and fields that it sets.
FIXED = ("classes", "depth_multiplier", "decoder_stride")
FREE = (
    "crop_height",
    "crop_width",
    "output_stride",
    "atrous_rates",
    "resize_convention",
    "multi_grid",
    "image_pooling_crop",
    "image_pooling_stride",
)


@dataclasses.dataclass(frozen=True)
class SpecFlags:
    """What a user may state; None means: infer, or take the official default.

    Attributes:
        crop: (height, width).
        align_corners: False is TensorFlow's legacy rule, as in MLPerf's copy of the code.
        image_pooling_crop, image_pooling_stride: (height, width).
        others: as in `DeepLabSpec`.
    """

    output_stride: int | None = None
    crop: tuple[int, int] | None = None
    align_corners: bool | None = None
    atrous_rates: tuple[int, ...] | None = None
    multi_grid: tuple[int, ...] | None = None
    decoder_stride: int | None = None
    classes: int | None = None
    depth_multiplier: float | None = None
    image_pooling_crop: tuple[int, int] | None = None
    image_pooling_stride: tuple[int, int] | None = None

    def stated(self) -> dict[str, Any]:
        """`DeepLabSpec` field -> value, only what was stated."""
        values = {f.name: v for f in dataclasses.fields(self) if (v := getattr(self, f.name)) is not None}
        if "crop" in values:
            values["crop_height"], values["crop_width"] = values.pop("crop")
        if "align_corners" in values:
            aligned = values.pop("align_corners")
            values["resize_convention"] = ResizeConvention.ALIGN_CORNERS if aligned else ResizeConvention.LEGACY
        return values


@dataclasses.dataclass(frozen=True)
class Inferred:
    """The decision.

    Attributes:
        spec: the network to build.
        source_spec: the network as the source has it, before flags retargeted it.
        reasons: field -> where its value comes from.
    """

    spec: DeepLabSpec
    source_spec: DeepLabSpec
    reasons: dict[str, str]

    @property
    def retargeted(self) -> bool:
        """Whether flags changed input size or output stride."""
        return self.spec != self.source_spec


def infer_spec(
    shapes: Shapes, flags: SpecFlags, facts: Revealed | None = None, published: DeepLabSpec | None = None
) -> Inferred:
    """Decide.

    Args:
        shapes: official variable name -> shape.
        flags: what the user stated.
        facts: field -> (value, reason) that a graph revealed.
        published: the catalogue's spec of a zoo model.

    Raises:
        InputError: another network, or a flag that contradicts the variables.
    """
    revealed = recognise(shapes)
    stated = flags.stated()
    for field in FIXED:
        found, where = revealed.get(field, (None, "the variables"))
        # Several depth multipliers round to the same channels, hence the tolerance; the others are whole numbers.
        if field in stated and (found is None or abs(stated[field] - found) > 0.02):
            raise InputError(f"{field} {stated[field]} contradicts the source: {where} says {found}")
    fixed = {field: value for field, (value, _) in revealed.items()}
    reasons = {
        field: where if where.startswith("no ") else f"variable {where}" for field, (_, where) in revealed.items()
    }
    free, free_reasons = _free_fields(shapes, fixed, facts or {}, published)
    source_spec = DeepLabSpec(**fixed, **free)
    chosen = {field: value for field, value in stated.items() if field in FREE}
    if "output_stride" in chosen and "atrous_rates" not in chosen and free["atrous_rates"]:
        # Rates count features; keep their reach in pixels.
        ratio = source_spec.output_stride / chosen["output_stride"]
        chosen["atrous_rates"] = tuple(max(1, round(rate * ratio)) for rate in free["atrous_rates"])
        free_reasons["atrous_rates"] += ", scaled with the output stride"
    reasons |= free_reasons | dict.fromkeys(stated, "flag")
    return Inferred(dataclasses.replace(source_spec, **chosen), source_spec, reasons)


def _free_fields(
    shapes: Shapes, fixed: Mapping[str, Any], facts: Revealed, published: DeepLabSpec | None
) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    defaults = FAMILY_DEFAULTS.get(fixed["backbone"], {})
    plain = {field.name: field.default for field in dataclasses.fields(DeepLabSpec)}
    for field in FREE:
        if published is not None:
            values[field], reasons[field] = getattr(published, field), "published flags of the zoo"
        elif field in facts:
            values[field], reason = facts[field]
            reasons[field] = f"graph: {reason}"
        elif field == "atrous_rates":
            values[field] = default_atrous_rates(shapes, values["output_stride"])
            reasons[field] = "official default"
        else:
            values[field], reasons[field] = defaults.get(field, plain[field]), "official default"
    return values, reasons
