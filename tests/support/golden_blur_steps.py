"""The blur's steps of the golden vectors, done by the runtime; see `golden_steps`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
from golden_vectors import Array

from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur import BlurRenderer, BlurSpec, Orientation, PixelType, choose_scale, renderer
from portraitlite.runtime.blur.grain import noise_level, noise_tile
from portraitlite.runtime.blur.highlights import clipped_light, light_boost
from portraitlite.runtime.blur.host import area_reduce, noise_input, place_map, plan_inputs
from portraitlite.runtime.blur.levels import level_of_radius
from portraitlite.runtime.blur.sizing import disc_radius
from portraitlite.runtime.blur.spec import PLAN_CHANNELS, bundled_folder
from portraitlite.runtime.blur.tiles import TileKind
from portraitlite.runtime.blur.tiles import tiles as all_tiles

__all__ = ["BLUR_STEPS", "KIND_CHANNELS", "SPEC", "pattern"]

Arrays = Mapping[str, Array]
Parameters = Mapping[str, Any]

SPEC = BlurSpec()
KIND_CHANNELS = (0, 1, 2, 3, 7)  # of the plan, those that decide a tile's kind: aR aG aB b, fade


def scale(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    rows, radii = [], []
    for height, width in arrays["sizes"].tolist():
        choice = choose_scale(height, width, SPEC)
        portrait = int(choice.orientation is Orientation.PORTRAIT)
        rows.append([choice.scale, portrait, choice.used_height, choice.used_width])
        radii.append(disc_radius(height, width, choice.scale, 1.0, SPEC))
    return {"choices": np.array(rows, np.int32), "radii": np.array(radii)}


def reduce(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"reduced": area_reduce(arrays["pixels"], parameters["scale"])}


def light(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    boost = light_boost(arrays["pixels"], parameters["scale"], parameters["highlights"])
    return {"clipped": clipped_light(arrays["pixels"], parameters["scale"]), "boost": one_of_equals(boost)}


def place(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    height, width = parameters["height"], parameters["width"]
    box = parameters["box"]
    edges = (box[0], box[1], box[2], box[3]) if box else None
    return {"placed": place_map(arrays["map"], (height, width), choose_scale(height, width, SPEC), edges)}


def level(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"level": level_of_radius(arrays["radius"], SPEC)}


def plan(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    """The plan's inputs and the plan, as far as the photo covers them."""
    photo, mask = arrays["photo"], arrays["mask"]
    choice = choose_scale(photo.shape[0], photo.shape[1], SPEC)
    options = {**parameters, "coc": arrays.get("coc")}
    used = (slice(choice.used_height), slice(choice.used_width))
    outputs = {name: array[0][used] for name, array in plan_inputs(photo, mask, choice, SPEC, **options).items()}
    outputs["boost"] = one_of_equals(outputs["boost"])
    return outputs | {"plan": BlurRenderer().plan(photo, mask, choice, **options)[used]}


def grain_level(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"level": np.array([noise_level(arrays["pixels"])], np.int32)}


def grain_tile(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"tile": noise_tile(parameters["height"], parameters["width"], parameters["seed"])}


def noise(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    """The first rows and columns of what apply and fill are fed."""
    made = noise_input(arrays["pixels"], parameters["scale"], SPEC, grain=parameters["grain"])
    return {"noise": one_of_equals(made[0, : parameters["rows"], : parameters["columns"]])}


def tile_kinds(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    """0 copy, 1 fill, 2 apply, tile by tile; the plan is smaller than a real one, and has only `KIND_CHANNELS`."""
    whole = np.zeros((*arrays["plan"].shape[:2], PLAN_CHANNELS), np.float32)
    whole[..., KIND_CHANNELS] = arrays["plan"]
    kinds = list(TileKind)
    found = all_tiles(parameters["height"], parameters["width"], whole, parameters["scale"], SPEC)
    return {"kinds": np.array([kinds.index(tile.kind) for tile in found], np.uint8)}


def tiles(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    """CRC-32 of what apply is fed, tile by tile, on made pixels: `pattern` for the photo and, times 1/256, the plan."""
    height, width = parameters["height"], parameters["width"]
    choice = choose_scale(height, width, SPEC)
    made = pattern(choice.plan_height, choice.plan_width, parameters["channels"]) * np.float32(1 / 256)
    checksums: list[tuple[int, int]] = []

    class Recorder:
        def __init__(self, what: str) -> None:
            self.what = what

        def run(self, inputs: Arrays) -> tuple[Array, ...]:
            if "plan_" in self.what:
                return (made[None],)
            fed = [np.ascontiguousarray(inputs[name]) for name in ("rgb", "plan")]
            checksums.append((zlib.crc32(fed[0].tobytes()), zlib.crc32(fed[1].astype("<f4").tobytes())))
            return (inputs["rgb"],)

    with mock.patch.object(renderer, "open_model", lambda content, **options: Recorder(options["what"])):
        photo = pattern(height, width, 3)
        BlurRenderer().render(photo, np.full((8, 8), 255, np.uint8), strength=1.0)
    return {"checksums": np.array(checksums, np.uint32)}


def apply(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    """One tile of a photo that is smaller than a tile; written from docs/host-steps.md, not with the renderer."""
    (height, width), (h, w) = SPEC.tile_size(parameters["scale"]), arrays["photo"].shape[:2]
    pixel_type = PixelType(parameters["pixels"])
    photo = np.pad(arrays["photo"], ((0, height - h), (0, width - w), (0, 0)), mode="edge")[None]
    photo = photo if pixel_type is PixelType.UINT8 else photo * np.float32(1 / 255)
    return _tile(SPEC.apply_file(parameters["scale"], pixel_type), arrays, parameters, {"rgb": photo})


def fill(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return _tile(SPEC.fill_file(parameters["scale"], PixelType(parameters["pixels"])), arrays, parameters, {})


def render(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"picture": BlurRenderer().render(arrays["photo"], arrays["mask"], coc=arrays.get("coc"), **parameters)}


def pattern(height: int, width: int, channels: int) -> npt.NDArray[np.uint8]:
    """(height, width, channels) uint8: (7 y + 13 x + 31 c + y x / 32) mod 256, the division rounded down."""
    y, x, c = np.ogrid[:height, :width, :channels]
    return ((7 * y + 13 * x + 31 * c + y * x // 32) % 256).astype(np.uint8)


def one_of_equals(array: Array) -> Array:
    """(h, w, C) of equal channels -> (h, w)."""
    assert (array == array[..., :1]).all()
    return np.ascontiguousarray(array[..., 0])


def _tile(name: str, arrays: Arrays, parameters: Parameters, photo: dict[str, Array]) -> dict[str, Array]:
    """What a tile graph makes of the plan's and the noise's first pixels; the rest is repeated."""
    (height, width), (h, w) = SPEC.tile_size(parameters["scale"]), arrays["noise"].shape
    full = np.pad(arrays["noise"], ((0, height - h), (0, width - w)), mode="edge")
    plan_height, plan_width = SPEC.plan_tile_size(parameters["scale"])
    after = (plan_height - 1 - arrays["plan"].shape[0], plan_width - 1 - arrays["plan"].shape[1])
    cut = np.pad(arrays["plan"], ((1, after[0]), (1, after[1]), (0, 0)), mode="edge")[None]
    inputs = {**photo, "noise": full[None, :, :, None].repeat(3, -1), "plan": cut}
    (picture,) = open_model((bundled_folder() / name).read_bytes()).run(inputs)
    return {"picture": picture[0, :h, :w]}


BLUR_STEPS: dict[str, Callable[[Arrays, Parameters], dict[str, Array]]] = {
    step.__name__: step
    for step in (
        *(scale, reduce, light, place, level, plan, grain_level, grain_tile, noise),
        *(tile_kinds, tiles, apply, fill, render),
    )
}
