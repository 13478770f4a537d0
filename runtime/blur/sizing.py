"""Which graphs serve a photo of a given size, and how large the blur discs are there."""

from __future__ import annotations

import dataclasses
import math

from portraitlite.runtime.blur.spec import BlurSpec, Orientation
from portraitlite.runtime.errors import InputError

__all__ = ["PlanChoice", "choose_scale", "disc_radius"]


@dataclasses.dataclass(frozen=True)
class PlanChoice:
    """How a photo lies on the plan grid.

    Attributes:
        scale: photo pixels per plan pixel.
        orientation: which plan graph.
        plan_height, plan_width: its grid in plan pixels.
        used_height, used_width: plan pixels that the photo covers from the top left; edges are repeated over the rest.
    """

    scale: int
    orientation: Orientation
    plan_height: int
    plan_width: int
    used_height: int
    used_width: int


def choose_scale(height: int, width: int, spec: BlurSpec) -> PlanChoice:
    """The smallest scale at which a photo of height x width pixels fits a plan, in either orientation.

    Where both orientations fit, the photo's own is taken (landscape for a square).

    Raises:
        InputError: the photo is empty, or larger than the largest scale can take.
    """
    if height < 1 or width < 1:
        raise InputError(f"the photo has {width} x {height} pixels; it must have at least one")
    own, other = Orientation.LANDSCAPE, Orientation.PORTRAIT
    if height > width:
        own, other = other, own
    for scale in spec.scales:
        used_height, used_width = math.ceil(height / scale), math.ceil(width / scale)
        for orientation in (own, other):
            plan_height, plan_width = spec.plan_size(orientation)
            if used_height <= plan_height and used_width <= plan_width:
                return PlanChoice(scale, orientation, plan_height, plan_width, used_height, used_width)
    limit = tuple(side * spec.scales[-1] for side in (spec.long_side, spec.short_side))
    raise InputError(
        f"the photo has {width} x {height} pixels; the blur takes at most {limit[0]} x {limit[1]} in either "
        "orientation; scale it down"
    )


def disc_radius(height: int, width: int, scale: int, strength: float, spec: BlurSpec) -> float:
    """Disc radius in plan pixels: the same share of the photo's diagonal whatever its size and shape.

    At most `spec.max_radius`, because the photo's diagonal fits the plan's.
    """
    return strength * spec.radius_share * math.hypot(height, width) / scale
