"""Finishes the tiles of a photo, with interpreters of its own: one worker for every thread."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.backends import Runner
from portraitlite.runtime.blur.spec import BlurSpec, PixelType
from portraitlite.runtime.blur.tiles import Tile, TileKind

__all__ = ["LatestGraphs", "TileJob", "TileWorker"]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class LatestGraphs:
    """Of every role the graph that was used last, so that photos of one format pay for loading once."""

    def __init__(self, open_graph: Callable[[str], Runner]) -> None:
        """`open_graph` loads a graph by its file name."""
        self._open = open_graph
        self._graphs: dict[str, tuple[str, Runner]] = {}

    def get(self, role: str, name: str) -> Runner:
        if role not in self._graphs or self._graphs[role][0] != name:
            self._graphs.pop(role, None)  # frees the old one before the new one takes its memory
            self._graphs[role] = (name, self._open(name))
        return self._graphs[role][1]


@dataclasses.dataclass(frozen=True)
class TileJob:
    """What all tiles of a photo share.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        plan: (plan_height, plan_width, 12) float32.
        noise: (1, tile_height, tile_width, 3) float32.
        scale: photo pixels per plan pixel.
        out: (H, W, 3) uint8, filled tile by tile.
    """

    pixels: Bytes
    plan: Floats
    noise: Floats
    scale: int
    out: Bytes


class TileWorker:
    """Not thread-safe: one per thread."""

    def __init__(self, open_graph: Callable[[str], Runner], spec: BlurSpec) -> None:
        self._graphs = LatestGraphs(open_graph)
        self._spec = spec

    def finish(self, row: Sequence[Tile], job: TileJob) -> None:
        """Fill in the tiles of one row, all of the same `top`."""
        plan_rows = job.plan.take(row[0].rows, 0)
        height, width = self._spec.tile_size(job.scale)
        for tile in row:
            place = (slice(tile.top, tile.top + height), slice(tile.left, tile.left + width))
            photo = job.pixels[place]
            if tile.kind is TileKind.COPY:
                job.out[place] = photo
                continue
            inputs: dict[str, npt.NDArray[Any]] = {
                "noise": job.noise,
                "plan": plan_rows.take(tile.columns, 1)[None],
            }
            h, w = photo.shape[:2]
            if tile.kind is TileKind.FILL:
                name = self._spec.fill_file(job.scale, PixelType.UINT8)
            else:
                name = self._spec.apply_file(job.scale, PixelType.UINT8)
                if (h, w) != (height, width):
                    photo = np.pad(photo, ((0, height - h), (0, width - w), (0, 0)), mode="edge")
                inputs["rgb"] = photo[None]
            (picture,) = self._graphs.get(tile.kind, name).run(inputs)
            job.out[place] = picture[0, :h, :w]
