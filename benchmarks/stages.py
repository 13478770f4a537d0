"""What can be measured: one inference, or a stage of the portrait on a photo of a given size."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError

if TYPE_CHECKING:
    from portraitlite.runtime.blur import BlurRenderer

__all__ = ["GRAIN", "HIGHLIGHTS", "PHOTO_SIZE", "STRENGTH", "Stage", "made_mask", "made_photo", "open_stage"]

PHOTO_SIZE = (4032, 3024)  # width, height: what phones of today take
STRENGTH, HIGHLIGHTS, GRAIN = 0.6, 0.5, 1.0
Bytes = npt.NDArray[np.uint8]


class Stage(enum.StrEnum):
    """What is timed.

    `invoke`: the inference alone. `segment`: photo to class confidences, with the resize. `plan`: the blur's small
    graph, with its inputs. `apply`: grain and all tiles at full size; its loading includes one plan. `portrait`: photo
    to portrait, without files.
    """

    INVOKE = "invoke"
    SEGMENT = "segment"
    PLAN = "plan"
    APPLY = "apply"
    PORTRAIT = "portrait"

    @property
    def uses_model(self) -> bool:
        """Whether a segmentation model takes part."""
        return self in (Stage.INVOKE, Stage.SEGMENT, Stage.PORTRAIT)


def open_stage(
    model: str | Path,
    stage: Stage,
    *,
    threads: int = 1,
    backend: str | None = None,
    photo_size: tuple[int, int] | None = None,
    seed: int = 0,
) -> Callable[[], Callable[[], object]]:
    """A function that loads and gives back one that runs once; pictures are made here, outside of both.

    Args:
        model: bundled name or path; not looked at by `plan` and `apply`.
        stage: what to run.
        threads, backend: as for `open_model`.
        photo_size: width and height of the made photo; None takes `PHOTO_SIZE`.
        seed: of the random input.

    Raises:
        InputError: when called: the model cannot be used, or the photo's size.
    """
    if stage is Stage.INVOKE:
        return lambda: _open_invoke(model, threads, backend, seed)
    photo = made_photo(photo_size or PHOTO_SIZE, seed)
    if stage in (Stage.PLAN, Stage.APPLY):
        return lambda: _open_blur(photo, stage, threads, backend)

    def load() -> Callable[[], object]:
        from portraitlite.runtime import IfNoSubject, Portrait, Segmenter

        if stage is Stage.SEGMENT:
            segmenter = Segmenter(model, threads=threads, backend=backend)
            return lambda: segmenter(photo)
        portrait = Portrait(model, threads=threads, backend=backend)
        # A made photo may have no subject; with BLUR the work is the same.
        return lambda: portrait(photo, strength=STRENGTH, if_no_subject=IfNoSubject.BLUR)

    return load


def made_photo(size: tuple[int, int], seed: int = 0) -> Bytes:
    """(H, W, 3) uint8 of a width and height: soft colours with a sensor's noise and a few clipped lights."""
    width, height = size
    if min(size) < 32 or width * height > 150_000_000:
        raise InputError(f"a photo of {width} x {height} pixels; give sides from 32 and at most 150 megapixels")
    from PIL import Image

    generator = np.random.default_rng(seed)
    coarse = generator.integers(30, 220, (6, 8, 3), np.uint8)
    soft = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.int16)
    noise = generator.integers(-6, 7, (256, 256, 3), np.int16)
    tiled = np.tile(noise, (-(-height // 256), -(-width // 256), 1))[:height, :width]
    photo: npt.NDArray[np.uint8] = np.clip(soft + tiled, 0, 255).astype(np.uint8)
    for y, x in zip(generator.integers(height, size=20), generator.integers(width, size=20), strict=True):
        photo[y : y + max(2, height // 200), x : x + max(2, width // 200)] = 255
    return photo


def made_mask(height: int = 192, width: int = 256) -> Bytes:
    """(height, width) uint8: a head and shoulders in the middle."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    head = ((x - 0.5) / 0.12) ** 2 + ((y - 0.35) / 0.2) ** 2 < 1
    body = ((x - 0.5) / 0.25) ** 2 + ((y - 1) / 0.5) ** 2 < 1
    mask = np.zeros((height, width), np.uint8)
    mask[head | body] = 255
    return mask


def _open_invoke(model: str | Path, threads: int, backend: str | None, seed: int) -> Callable[[], object]:
    from portraitlite.benchmarks.latency import fill_inputs
    from portraitlite.runtime.backends import InterpreterRunner, open_model
    from portraitlite.runtime.bundled import resolve_model

    path = resolve_model(model)
    runner = open_model(path.read_bytes(), threads=threads, backend=backend, what=path.name)
    assert isinstance(runner, InterpreterRunner)
    fill_inputs(runner, seed, path.name)
    invoke: Callable[[], Any] = runner.interpreter.invoke
    return invoke


def _open_blur(photo: Bytes, stage: Stage, threads: int, backend: str | None) -> Callable[[], object]:
    from portraitlite.runtime.blur import BlurRenderer
    from portraitlite.runtime.blur.sizing import choose_scale

    renderer, mask = BlurRenderer(threads=threads, backend=backend), made_mask()
    choice = choose_scale(photo.shape[0], photo.shape[1], renderer.spec)
    if stage is Stage.PLAN:
        return lambda: renderer.plan(photo, mask, choice, strength=STRENGTH, highlights=HIGHLIGHTS)
    kept = renderer.plan(photo, mask, choice, strength=STRENGTH, highlights=HIGHLIGHTS)
    planned = _with_plan(renderer, kept)
    return lambda: planned.render(photo, mask, strength=STRENGTH, highlights=HIGHLIGHTS, grain=GRAIN)


def _with_plan(renderer: BlurRenderer, kept: npt.NDArray[np.float32]) -> BlurRenderer:
    """`renderer` with a plan that is there already, so that `render` does the rest alone."""

    def plan(*_: object, **__: object) -> npt.NDArray[np.float32]:
        return kept

    renderer.plan = plan  # type: ignore[method-assign]
    return renderer
