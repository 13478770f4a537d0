"""Runs the two blur graphs over a photo: one plan, then the finished picture tile by tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.backends import Runner, open_model
from portraitlite.runtime.blur.host import Box, Bytes, Floats, plan_inputs
from portraitlite.runtime.blur.sizing import PlanChoice, choose_scale
from portraitlite.runtime.blur.spec import BlurSpec, PixelType, bundled_folder
from portraitlite.runtime.errors import InputError

__all__ = ["BlurRenderer"]


class BlurRenderer:
    """Blurs the background of photos of any size. Not thread-safe.

    Graphs are loaded when first needed. Both plans stay; of the apply graphs only the latest scale's does.

    Attributes:
        spec: the numbers behind the graphs.
    """

    def __init__(self, *, threads: int = 1, backend: str | None = None, models: Path | None = None) -> None:
        """
        Args:
            threads: CPU threads of the graphs; the result is the same for any number.
            backend: see `open_model`.
            models: folder with graphs and `spec.json`; None takes the bundled ones.

        Raises:
            InputError: the folder has no usable spec.
        """
        self._models = bundled_folder() if models is None else models
        self.spec = BlurSpec.load(self._models)
        self._threads = threads
        self._backend = backend
        self._plans: dict[str, Runner] = {}
        self._apply: tuple[str, Runner] | None = None

    def render(
        self,
        pixels: Bytes,
        mask: Bytes,
        *,
        strength: float,
        mask_box: Box | None = None,
        coc: npt.NDArray[np.floating] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Bytes:
        """The photo with its background blurred.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            mask: (mh, mw) uint8, 255 = subject, at any resolution.
            strength: 0..1; 0 gives the pixels back unchanged, 1 a disc radius of 1/63 of the photo's diagonal.
            mask_box: left, top, right, bottom of the photo in mask pixels; None: the mask spans the photo.
            coc: (h, w) float in 0..1 over the whole photo, blur relative to `strength`; 0 stays as sharp as the photo.
            progress: called with (steps done, steps in all) after every step.

        Returns:
            (H, W, 3) uint8 RGB, a new array.

        Raises:
            InputError: an argument has another type, shape or range, or the photo is too large.
        """
        _check(pixels, mask, strength, mask_box, coc)
        if strength == 0:
            return pixels.copy()
        choice = choose_scale(pixels.shape[0], pixels.shape[1], self.spec)
        tiles = list(self._tiles(pixels, choice))
        if progress:
            progress(0, len(tiles) + 1)
        plan = self.plan(pixels, mask, choice, strength=strength, mask_box=mask_box, coc=coc)
        out = np.empty_like(pixels)
        for done, (y, x) in enumerate(tiles, 1):
            if progress:
                progress(done, len(tiles) + 1)
            self._render_tile(pixels, plan, choice, y, x, out)
        if progress:
            progress(len(tiles) + 1, len(tiles) + 1)
        return out

    def plan(
        self,
        pixels: Bytes,
        mask: Bytes,
        choice: PlanChoice,
        *,
        strength: float,
        mask_box: Box | None = None,
        coc: npt.NDArray[np.floating] | None = None,
    ) -> Floats:
        """The plan of a photo; arguments as in `render`.

        Returns:
            (plan_height, plan_width, 8) float32: aR aG aB b of alpha = clip(a . photo + b, 0, 1), the blurred
            background R G B in 0..1, and fade, its weight in 0..1.
        """
        level = None if coc is None else coc.astype(np.float32)
        inputs = plan_inputs(pixels, mask, choice, self.spec, strength=strength, mask_box=mask_box, coc=level)
        name = self.spec.plan_file(choice.orientation)
        if name not in self._plans:
            self._plans[name] = self._open(name)
        (batch,) = self._plans[name].run(inputs)
        plan: Floats = batch[0]
        return plan

    def _tiles(self, pixels: Bytes, choice: PlanChoice) -> Iterator[tuple[int, int]]:
        """Top left corners of all tiles, row by row."""
        height, width = self.spec.tile_size(choice.scale)
        for y in range(0, pixels.shape[0], height):
            for x in range(0, pixels.shape[1], width):
                yield y, x

    def _render_tile(self, pixels: Bytes, plan: Floats, choice: PlanChoice, y: int, x: int, out: Bytes) -> None:
        height, width = self.spec.tile_size(choice.scale)
        tile = pixels[y : y + height, x : x + width]
        h, w = tile.shape[:2]
        if (h, w) != (height, width):
            tile = np.pad(tile, ((0, height - h), (0, width - w), (0, 0)), mode="edge")
        plan_height, plan_width = self.spec.plan_tile_size(choice.scale)
        # One plan pixel more on every side, the plan's edge repeated: so tiles join without a seam.
        rows = np.arange(plan_height) + (y // choice.scale - 1)
        columns = np.arange(plan_width) + (x // choice.scale - 1)
        cut = plan.take(rows, 0, mode="clip").take(columns, 1, mode="clip")
        (picture,) = self._apply_runner(choice.scale).run({"rgb": tile[None], "plan": cut[None]})
        out[y : y + h, x : x + w] = picture[0, :h, :w]

    def _apply_runner(self, scale: int) -> Runner:
        name = self.spec.apply_file(scale, PixelType.UINT8)
        if self._apply is None or self._apply[0] != name:
            self._apply = None  # frees the old one before the new one takes its memory
            self._apply = (name, self._open(name))
        return self._apply[1]

    def _open(self, name: str) -> Runner:
        path = self._models / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"blur graph {path} cannot be read ({error.strerror}); build the graphs again") from error
        return open_model(content, threads=self._threads, backend=self._backend, what=f"blur graph {name}")


def _check(pixels: Bytes, mask: Bytes, strength: float, box: Box | None, coc: npt.NDArray[np.floating] | None) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise InputError(f"pixels are {pixels.dtype} {list(pixels.shape)}; give uint8 [height, width, 3] in RGB")
    if mask.dtype != np.uint8 or mask.ndim != 2 or mask.size == 0:
        raise InputError(f"the mask is {mask.dtype} {list(mask.shape)}; give uint8 [height, width], 255 = subject")
    if not 0 <= strength <= 1:
        raise InputError(f"strength is {strength}; give a number from 0 to 1")
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
