"""Runs the blur graphs over a photo: one plan, then the finished picture tile by tile."""

from __future__ import annotations

import itertools
import math
import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.backends import Runner, open_model
from portraitlite.runtime.blur.host import Box, Bytes, Floats, noise_input, plan_inputs
from portraitlite.runtime.blur.levels import nearest_layer
from portraitlite.runtime.blur.sizing import PlanChoice, choose_scale
from portraitlite.runtime.blur.spec import BlurSpec, bundled_folder
from portraitlite.runtime.blur.tile_worker import LatestGraphs, TileJob, TileWorker
from portraitlite.runtime.blur.tiles import Tile, tiles
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.in_threads import in_threads

__all__ = ["BlurRenderer"]


class BlurRenderer:
    """Blurs the background of photos of any size. Not thread-safe.

    Graphs are loaded when first needed; the latest plan and tile graphs stay, so photos of one format pay for loading
    once.

    Attributes:
        spec: the numbers behind the graphs.
    """

    def __init__(self, *, threads: int = 1, backend: str | None = None, models: Path | None = None) -> None:
        """
        Args:
            threads: CPU threads; every one has tile graphs of its own. The result is the same for any number.
            backend: see `open_model`.
            models: folder with graphs and `spec.json`; None takes the bundled ones.

        Raises:
            InputError: the folder has no usable spec.
        """
        self._models = bundled_folder() if models is None else models
        self.spec = BlurSpec.load(self._models)
        self._threads = threads
        self._backend = backend
        self._plans = LatestGraphs(lambda name: self._open(name, threads))
        self._workers = [TileWorker(self._open, self.spec) for _ in range(threads)]

    def render(
        self,
        pixels: Bytes,
        mask: Bytes,
        *,
        strength: float,
        mask_box: Box | None = None,
        coc: npt.NDArray[np.floating] | None = None,
        highlights: float = 0.0,
        grain: float = 0.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Bytes:
        """The photo with its background blurred.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            mask: (mh, mw) uint8, 255 = subject, at any resolution.
            strength: 0..1; 0 gives the pixels back unchanged, 1 a disc radius of 1/63 of the photo's diagonal.
            mask_box: left, top, right, bottom of the photo in mask pixels; None: the mask spans the photo.
            coc: (h, w) float in 0..1 over the whole photo, blur relative to `strength`; 0 stays as sharp as the photo.
            highlights: 0..1, how far small clipped lights count as brighter than white; they blur to bokeh balls.
            grain: 0..1, how much of the photo's own noise the blurred part gets back.
            progress: called with (steps done, steps in all) after every step.

        Returns:
            (H, W, 3) uint8 RGB, a new array.

        Raises:
            InputError: an argument has another type, shape or range, or the photo is too large.
        """
        _check(pixels, mask, mask_box, coc, strength=strength, highlights=highlights, grain=grain)
        if strength == 0:
            return pixels.copy()
        choice = choose_scale(pixels.shape[0], pixels.shape[1], self.spec)
        height, width = self.spec.tile_size(choice.scale)
        total = 1 + -(-pixels.shape[0] // height) * -(-pixels.shape[1] // width)
        report = progress or (lambda done, total: None)
        report(0, total)
        plan = self.plan(pixels, mask, choice, strength=strength, mask_box=mask_box, coc=coc, highlights=highlights)
        report(1, total)
        noise = noise_input(pixels, choice.scale, self.spec, grain=grain)
        job = TileJob(pixels, plan, noise, choice.scale, np.empty_like(pixels))
        todo = tiles(pixels.shape[0], pixels.shape[1], plan, choice.scale, self.spec)
        rows = [list(row) for _, row in itertools.groupby(todo, lambda tile: tile.top)]
        finished = itertools.chain.from_iterable(self._finish(rows, job))
        for done, _ in enumerate(finished, 2):
            report(done, total)
        return job.out

    def plan(
        self,
        pixels: Bytes,
        mask: Bytes,
        choice: PlanChoice,
        *,
        strength: float,
        mask_box: Box | None = None,
        coc: npt.NDArray[np.floating] | None = None,
        highlights: float = 0.0,
    ) -> Floats:
        """The plan of a photo; arguments as in `render`.

        Returns:
            (plan_height, plan_width, 12) float32: aR aG aB b of alpha = clip(a . photo + b, 0, 1), the blurred
            background R G B in 0..1, fade, its weight in 0..1, rim R G B, by how much the subject's colour differs from
            its surroundings', and a channel of zeros.
        """
        level = None if coc is None else coc.astype(np.float32)
        inputs = plan_inputs(
            pixels,
            mask,
            choice,
            self.spec,
            strength=strength,
            mask_box=mask_box,
            coc=level,
            highlights=highlights,
            threads=self._threads,
        )
        name = self.spec.plan_file(choice.orientation, nearest_layer(inputs["coc"], self.spec))
        (batch,) = self._plans.get("plan", name).run(inputs)
        plan: Floats = batch[0]
        return plan

    def _finish(self, rows: list[list[Tile]], job: TileJob) -> Iterator[list[Tile]]:
        """Fill in all tiles; yields the finished rows."""
        idle: queue.SimpleQueue[TileWorker] = queue.SimpleQueue()
        for worker in self._workers:
            idle.put(worker)

        def finish(row: list[Tile]) -> list[Tile]:
            worker = idle.get()
            try:
                worker.finish(row, job)
            finally:
                idle.put(worker)
            return row

        return in_threads(finish, rows, self._threads)

    def _open(self, name: str, threads: int = 1) -> Runner:
        path = self._models / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"blur graph {path} cannot be read ({error.strerror}); build the graphs again") from error
        return open_model(content, threads=threads, backend=self._backend, what=f"blur graph {name}")


def _check(pixels: Bytes, mask: Bytes, box: Box | None, coc: npt.NDArray[np.floating] | None, **shares: float) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise InputError(f"pixels are {pixels.dtype} {list(pixels.shape)}; give uint8 [height, width, 3] in RGB")
    if mask.dtype != np.uint8 or mask.ndim != 2 or mask.size == 0:
        raise InputError(f"the mask is {mask.dtype} {list(mask.shape)}; give uint8 [height, width], 255 = subject")
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"{name} is {share}; give a number from 0 to 1")
    if box is not None:
        if not all(math.isfinite(edge) for edge in box) or box[0] >= box[2] or box[1] >= box[3]:
            raise InputError(f"the mask box is {box}; give left < right and top < bottom in mask pixels")
        if min(box[:2]) < -max(mask.shape) or max(box[2:]) > 2 * max(mask.shape):
            raise InputError(f"the mask box is {box} for a mask of {mask.shape[1]} x {mask.shape[0]}; it lies outside")
    if coc is not None:
        if coc.dtype.kind != "f" or coc.ndim != 2 or coc.size == 0:
            raise InputError(f"the blur map is {coc.dtype} {list(coc.shape)}; give float [height, width] in 0..1")
        if not (coc.min() >= 0 and coc.max() <= 1):
            raise InputError(f"the blur map spans {coc.min()}..{coc.max()}; give values from 0 to 1")
