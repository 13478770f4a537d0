"""The photo in tiles, and what each of them needs: most hold nothing but subject or nothing but background."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.spec import BlurSpec

__all__ = ["Tile", "TileKind", "tiles"]

Floats = npt.NDArray[np.float32]


class TileKind(enum.StrEnum):
    """What makes the finished tile.

    COPY: alpha is 1 or fade 0 everywhere: the photo. FILL: alpha is 0 and fade 1 everywhere: the fill graph. APPLY: the
    apply graph, which gives the photo bit by bit on the first kind and, but for rounding, the same on the second: one
    byte in ten million by one step.
    """

    COPY = "copy"
    FILL = "fill"
    APPLY = "apply"


@dataclasses.dataclass(frozen=True)
class Tile:
    """One tile of a photo.

    Attributes:
        top, left: in photo pixels; the tile may reach over the photo's rim.
        rows, columns: plan pixels that it reads, its own and one more on every side, the plan's edge repeated.
        kind: what makes it.
    """

    top: int
    left: int
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    kind: TileKind


def tiles(height: int, width: int, plan: Floats, scale: int, spec: BlurSpec) -> Iterator[Tile]:
    """All tiles of a photo, row by row.

    Kinds are sure: alpha = clip(a . photo + b, 0, 1) with the photo in 0..1 lies between b plus the negative parts of
    a and b plus the positive ones, and what is interpolated between plan pixels lies between theirs.

    Args:
        height, width: of the photo.
        plan: (plan_height, plan_width, 12) float32, see `BlurRenderer.plan`.
        scale: photo pixels per plan pixel.
    """
    red, green, blue, b, fade = (plan[..., channel] for channel in (0, 1, 2, 3, 7))
    least = np.minimum(red, 0) + np.minimum(green, 0) + np.minimum(blue, 0) + b
    largest = np.maximum(red, 0) + np.maximum(green, 0) + np.maximum(blue, 0) + b
    subject = (least >= 1) | (fade <= 0)
    background = (largest <= 0) & (fade >= 1)
    tile_height, tile_width = spec.tile_size(scale)
    plan_height, plan_width = spec.plan_tile_size(scale)
    for top in range(0, height, tile_height):
        rows = (np.arange(plan_height) + (top // scale - 1)).clip(0, plan.shape[0] - 1)
        for left in range(0, width, tile_width):
            columns = (np.arange(plan_width) + (left // scale - 1)).clip(0, plan.shape[1] - 1)
            place = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
            kind = TileKind.APPLY
            if subject[place].all():
                kind = TileKind.COPY
            elif background[place].all():
                kind = TileKind.FILL
            yield Tile(top, left, rows, columns, kind)
