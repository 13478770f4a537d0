"""The photo in tiles, and what each of them needs: most hold nothing but subject or nothing but background."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.spec import BlurSpec

__all__ = ["Tile", "TileKind", "tiles"]

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


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
    rows: Indices
    columns: Indices
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
    red, green, blue, b, fade = np.ascontiguousarray(plan[..., (0, 1, 2, 3, 7)].transpose(2, 0, 1))
    least = np.minimum(red, 0) + np.minimum(green, 0) + np.minimum(blue, 0) + b
    largest = np.maximum(red, 0) + np.maximum(green, 0) + np.maximum(blue, 0) + b
    tile_height, tile_width = spec.tile_size(scale)
    plan_height, plan_width = spec.plan_tile_size(scale)
    rows = [
        (np.arange(plan_height) + (top // scale - 1)).clip(0, plan.shape[0] - 1)
        for top in range(0, height, tile_height)
    ]
    columns = [
        (np.arange(plan_width) + (left // scale - 1)).clip(0, plan.shape[1] - 1) for left in range(0, width, tile_width)
    ]
    subject = _everywhere((least >= 1) | (fade <= 0), rows, columns).tolist()
    background = _everywhere((largest <= 0) & (fade >= 1), rows, columns).tolist()
    for i, tile_rows in enumerate(rows):
        for j, tile_columns in enumerate(columns):
            kind = TileKind.COPY if subject[i][j] else TileKind.FILL if background[i][j] else TileKind.APPLY
            yield Tile(i * tile_height, j * tile_width, tile_rows, tile_columns, kind)


def _everywhere(flags: Flags, rows: Sequence[Indices], columns: Sequence[Indices]) -> Flags:
    """(rows, columns): whether all flags of a tile are set."""
    bands = np.stack([flags[tile_rows[0] : tile_rows[-1] + 1].all(0) for tile_rows in rows])
    return np.stack([bands[:, tile_columns[0] : tile_columns[-1] + 1].all(1) for tile_columns in columns], 1)
