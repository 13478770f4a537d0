"""Which tiles are copied, filled or mixed, and that it makes no difference to the picture."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.runtime.blur import BlurRenderer, BlurSpec, renderer
from portraitlite.runtime.blur.spec import PLAN_CHANNELS
from portraitlite.runtime.blur.tiles import Tile, TileKind, tiles
from portraitlite.runtime.photo import load_photo

SCENES: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "oracles" / "blur_scenes.py"))
SPEC = BlurSpec()
MASK: Any = SCENES["mask"]()
SCALE = 8
ROWS, COLUMNS = (side // SCALE for side in SPEC.tile_size(SCALE))  # plan pixels of a tile


@pytest.fixture(scope="module")
def blur() -> BlurRenderer:
    return BlurRenderer()


def apply_only(*arguments: Any) -> Iterator[Tile]:
    for tile in tiles(*arguments):
        yield dataclasses.replace(tile, kind=TileKind.APPLY)


def depth(nearest: float, farthest: float) -> np.ndarray:
    return np.tile(np.linspace(farthest, nearest, 90, dtype=np.float32)[:, None], (1, 120))


CASES: dict[str, tuple[tuple[int, int], set[TileKind], dict[str, Any]]] = {
    "all_kinds": ((1500, 2000), set(TileKind), {"strength": 1.0}),
    "lights_and_grain": ((1500, 2000), set(TileKind), {"strength": 0.6, "highlights": 1.0, "grain": 1.0}),
    "portrait": ((2016, 1512), set(TileKind), {"strength": 0.35}),
    "depth": ((1500, 2000), set(TileKind), {"strength": 1.0, "coc": depth(0.0, 1.0)}),
    "in_focus_below": (
        (1400, 1001),
        set(TileKind),
        {"strength": 0.9, "coc": np.array([[1], [1], [0], [0]], np.float32)},
    ),
    "little_fade": ((1500, 2000), {TileKind.APPLY, TileKind.COPY}, {"strength": 0.1}),  # fades 0.8 at most
    "small": ((65, 70), {TileKind.APPLY}, {"strength": 1.0}),
    "one_row": ((1, 640), {TileKind.APPLY}, {"strength": 1.0}),
}


@pytest.mark.parametrize(("size", "wanted", "options"), CASES.values(), ids=CASES)
def test_kinds_change_nothing(
    blur: BlurRenderer, monkeypatch: pytest.MonkeyPatch, size: Any, wanted: set[TileKind], options: Any
) -> None:
    photo = SCENES["portrait"](*size)
    plans: list[tuple[Any, ...]] = []
    monkeypatch.setattr(renderer, "tiles", lambda *arguments: (plans.append(arguments), tiles(*arguments))[1])
    picture = blur.render(photo, MASK, **options)
    monkeypatch.setattr(renderer, "tiles", apply_only)
    slow = blur.render(photo, MASK, **options)
    same(picture, slow)
    found = list(tiles(*plans[0]))
    assert {tile.kind for tile in found} == wanted
    for tile in found:
        if tile.kind is TileKind.COPY:
            place = area(tile, plans[0][3])
            np.testing.assert_array_equal(slow[place], photo[place])  # the apply graph's word for it


@pytest.mark.parametrize("name", ["man", "woman", "terrace"])
def test_kinds_change_nothing_on_photos(
    blur: BlurRenderer, monkeypatch: pytest.MonkeyPatch, photos: Path, name: str
) -> None:
    photo = load_photo(photos / f"{name}.jpg").pixels.repeat(3, 0).repeat(3, 1)
    picture = blur.render(photo, MASK, strength=0.7, highlights=0.5, grain=1.0)
    monkeypatch.setattr(renderer, "tiles", apply_only)
    same(picture, blur.render(photo, MASK, strength=0.7, highlights=0.5, grain=1.0))
    assert (picture != photo).mean() > 0.1


def same(picture: np.ndarray, slow: np.ndarray) -> None:
    """But for the rounding of `photo + (background - photo)`, which is seen once in ten million bytes."""
    difference = np.abs(picture.astype(np.int16) - slow)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= 3


def area(tile: Tile, scale: int) -> tuple[slice, slice]:
    height, width = SPEC.tile_size(scale)
    return slice(tile.top, tile.top + height), slice(tile.left, tile.left + width)


def a_plan(*, a: tuple[float, float, float] = (0, 0, 0), b: float = 0, fade: float = 1) -> np.ndarray:
    """Two by two tiles, the same everywhere."""
    plan = np.zeros((2 * ROWS, 2 * COLUMNS, PLAN_CHANNELS), np.float32)
    plan[..., :8] = (*a, b, 0.5, 0.5, 0.5, fade)
    plan[..., 8:11] = 3  # the rim has no say
    return plan


def kinds(plan: np.ndarray) -> list[TileKind]:
    """Of a photo that covers the whole plan but for a few pixels."""
    height, width = SPEC.tile_size(SCALE)
    return [tile.kind for tile in tiles(2 * height - 3, 2 * width - 5, plan, SCALE, SPEC)]


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (a_plan(b=1), TileKind.COPY),
        (a_plan(b=0.999), TileKind.APPLY),
        (a_plan(b=7), TileKind.COPY),
        (a_plan(a=(-0.5, 0.25, -0.25), b=1.75), TileKind.COPY),  # 1 where red and blue are white
        (a_plan(a=(-0.5, 0.25, -0.25), b=1.74), TileKind.APPLY),
        (a_plan(b=0.5, fade=0), TileKind.COPY),
        (a_plan(b=0, fade=0), TileKind.COPY),
        (a_plan(b=0.5, fade=0.01), TileKind.APPLY),
        (a_plan(b=0), TileKind.FILL),
        (a_plan(b=0.001), TileKind.APPLY),
        (a_plan(b=0, fade=0.999), TileKind.APPLY),
        (a_plan(a=(0.5, -0.25, 0.25), b=-0.75), TileKind.FILL),  # 0 where red and blue are white
        (a_plan(a=(0.5, -0.25, 0.25), b=-0.74), TileKind.APPLY),
        (a_plan(b=float("nan")), TileKind.APPLY),
    ],
)
def test_the_rules(plan: np.ndarray, kind: TileKind) -> None:
    assert kinds(plan) == [kind] * 4


def test_subject_and_focus_together_are_copied() -> None:
    plan = a_plan(b=1)
    plan[:5] = a_plan(b=0.3, fade=0)[:5]
    assert kinds(plan) == [TileKind.COPY] * 4


def test_one_plan_pixel_beyond_the_tile_counts_and_the_next_does_not() -> None:
    for y, x, touched in (
        (ROWS + 1, COLUMNS + 1, {3}),
        (ROWS, COLUMNS, {0, 1, 2, 3}),  # the first pixel of the last tile is the one beyond of all others
        (ROWS + 1, COLUMNS - 1, {2, 3}),
        (ROWS - 2, COLUMNS, {0, 1}),
        (0, 0, {0}),
        (2 * ROWS - 1, 2 * COLUMNS - 1, {3}),
    ):
        plan = a_plan(b=1)
        plan[y, x, 3] = 0.9
        assert {i for i, kind in enumerate(kinds(plan)) if kind is TileKind.APPLY} == touched


def test_places_and_plan_pixels() -> None:
    height, width = SPEC.tile_size(SCALE)
    found = list(tiles(height + 1, 2 * width, a_plan(), SCALE, SPEC))
    assert [(tile.top, tile.left) for tile in found] == [(0, 0), (0, width), (height, 0), (height, width)]
    first, last = found[0], found[-1]
    assert first.rows.tolist() == [0, *range(ROWS + 1)]
    assert first.columns.tolist() == [0, *range(COLUMNS + 1)]
    assert last.rows.tolist() == [*range(ROWS - 1, 2 * ROWS), 2 * ROWS - 1]
    assert last.columns.tolist() == [*range(COLUMNS - 1, 2 * COLUMNS), 2 * COLUMNS - 1]
    assert all((len(tile.rows), len(tile.columns)) == SPEC.plan_tile_size(SCALE) for tile in found)
