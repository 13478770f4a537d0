"""Camera frames to RGB, rotation, crop and resize, against numpy and Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from camera_program import CameraProgram, running_camera
from golden_vectors import Array
from PIL import Image

from portraitlite.runtime.network_input import fit_photo
from portraitlite.runtime.types import Fit

SIZES = [(6, 8), (5, 7), (1, 1), (1, 6), (7, 1), (2, 3), (33, 50)]


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProgram]:
    with running_camera(tmp_path_factory) as program:
        yield program


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def frame(rng: np.random.Generator, height: int, width: int) -> tuple[Array, Array, Array]:
    """Random (y, u, v) of a frame."""
    half = (-(-height // 2), -(-width // 2))
    y, u, v = (rng.integers(0, 256, size, np.uint8) for size in ((height, width), half, half))
    return y, u, v


def expected_rgb(y: Array, u: Array, v: Array) -> Array:
    """Full-range BT.601 in 16-bit fixed point, every chroma sample over 2 x 2 pixels."""
    height, width = y.shape
    blue, red = (np.kron(plane, np.ones((2, 2)))[:height, :width].astype(np.int64) - 128 for plane in (u, v))
    factors = ((0, round(1.402 * 65536)), (-22554, -46802), (round(1.772 * 65536), 0))
    mixed = [y + np.floor((of_blue * blue + of_red * red) / 65536 + 0.5) for of_blue, of_red in factors]
    return np.stack(mixed, -1).clip(0, 255).astype(np.uint8)


def laid_out(samples: Array, row_stride: int, pixel_stride: int, rng: np.random.Generator) -> Array:
    """Samples in memory as cameras have them: rubbish between them, and nothing after the last one."""
    rows, columns = samples.shape
    memory = rng.integers(0, 256, (rows - 1) * row_stride + (columns - 1) * pixel_stride + 1, np.uint8)
    at = np.arange(rows)[:, None] * row_stride + np.arange(columns) * pixel_stride
    memory[at] = samples
    return memory


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("padding", "pixel_stride"), [(0, 1), (13, 1), (0, 2), (7, 2), (2, 3)])
def test_planes_of_any_stride(
    camera: CameraProgram, rng: np.random.Generator, height: int, width: int, padding: int, pixel_stride: int
) -> None:
    planes = dict(zip("yuv", frame(rng, height, width), strict=True))
    arrays: dict[str, Array] = {}
    parameters: dict[str, Any] = {"height": height, "width": width, "layout": "planes"}
    for name, samples in planes.items():
        pixel = 1 if name == "y" else pixel_stride
        row = samples.shape[1] * pixel + padding
        parameters |= {f"{name}_row": row, f"{name}_pixel": pixel}
        arrays[name] = laid_out(samples, row, pixel, rng)
    wanted = expected_rgb(planes["y"], planes["u"], planes["v"])
    np.testing.assert_array_equal(camera.run("yuv", arrays, parameters)["rgb"], wanted)
    for top, left in ((0, 0), (height > 1, width > 1), (height // 2, width // 3), (height - 1, width - 1)):
        rows, columns = max(1, (height - top) // 2), max(1, (width - left) * 2 // 3)
        part = camera.run("yuv", arrays, {**parameters, "crop": [int(top), int(left), rows, columns]})["rgb"]
        np.testing.assert_array_equal(part, wanted[top : top + rows, left : left + columns])


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("layout", ["nv21", "nv12", "i420"])
def test_frames_in_one_piece(
    camera: CameraProgram, rng: np.random.Generator, layout: str, height: int, width: int
) -> None:
    y, u, v = frame(rng, height, width)
    chroma = {"nv21": np.stack([v, u], -1), "nv12": np.stack([u, v], -1), "i420": np.stack([u, v])}[layout]
    data = np.concatenate([y.ravel(), chroma.ravel()])
    parameters = {"height": height, "width": width, "layout": layout}
    np.testing.assert_array_equal(camera.run("yuv", {"data": data}, parameters)["rgb"], expected_rgb(y, u, v))


def test_all_colours_are_those_of_jpeg(camera: CameraProgram) -> None:
    """Every luma with 32 x 32 chroma values, against exact arithmetic and against Pillow."""
    chroma = np.round(np.linspace(0, 255, 32)).astype(np.uint8)
    luma = np.arange(256, dtype=np.uint8).reshape(16, 16)
    y = np.tile(luma, (32, 32))
    u, v = (np.kron(plane, np.ones((8, 8), np.uint8)) for plane in np.meshgrid(chroma, chroma, indexing="ij"))
    data = np.concatenate([y.ravel(), u.ravel(), v.ravel()])
    found = camera.run("yuv", {"data": data}, {"height": 512, "width": 512, "layout": "i420"})["rgb"].astype(int)
    full = [np.kron(plane, np.ones((2, 2), np.uint8)) for plane in (u, v)]
    blue, red = (plane.astype(float) - 128 for plane in full)
    exact = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], -1).clip(0, 255)
    assert np.abs(found - exact).max() < 0.5 + 0.01
    pillow = Image.merge("YCbCr", [Image.fromarray(plane) for plane in (y, *full)]).convert("RGB")
    assert np.abs(found - np.asarray(pillow, int)).max() <= 1


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_clockwise_then_mirrored(
    camera: CameraProgram, rng: np.random.Generator, degrees: int, mirrored: bool
) -> None:
    stored = rng.integers(0, 256, (5, 7, 3), np.uint8)
    found = camera.run("rotate", {"stored": stored}, {"degrees": degrees, "mirrored": mirrored})["upright"]
    upright = np.rot90(stored, -degrees // 90)
    np.testing.assert_array_equal(found, upright[:, ::-1] if mirrored else upright)


def test_crop_and_bitmap_colours(camera: CameraProgram, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (9, 11, 3), np.uint8)
    part = camera.run("crop", {"pixels": pixels}, {"top": 2, "left": 3, "height": 7, "width": 5})["part"]
    np.testing.assert_array_equal(part, pixels[2:9, 3:8])
    found = camera.run("argb", {"pixels": pixels})
    red, green, blue = np.moveaxis(pixels.astype(np.uint32), -1, 0)
    wanted = np.uint32(0xFF000000) | red << np.uint32(16) | green << np.uint32(8) | blue
    np.testing.assert_array_equal(found["argb"].view(np.uint32), wanted.ravel())
    np.testing.assert_array_equal(found["again"], pixels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("source", "size", "box"),
    [
        ((40, 30), (7, 11), (0, 0, 30, 40)),
        ((7, 11), (40, 30), (0, 0, 11, 7)),
        ((40, 30), (40, 12), (0, 0, 30, 40)),
        ((40, 30), (40, 30), (1, 0, 30, 40)),
        ((40, 30), (3, 3), (0.37, 2.51, 29.9, 39.999)),
        ((1, 1), (5, 9), (0, 0, 1, 1)),
        ((300, 2), (1, 1), (0, 0, 2, 300)),
        ((13, 17), (64, 80), (0.1, 0.2, 16.7, 12.9)),
        ((2, 5000), (2, 700), (4000.1, 0, 4700.3, 2)),  # where single precision shows
    ],
)
def test_resize_is_pillow_s(
    camera: CameraProgram,
    rng: np.random.Generator,
    source: tuple[int, int],
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    channels: int,
) -> None:
    pixels = rng.integers(0, 256, (*source, channels), np.uint8)
    picture = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    # In two steps, as Pillow 13 takes the rows first where they shrink much more than the columns.
    left, top, right, bottom = box
    wide = picture.resize((size[1], source[0]), Image.Resampling.BILINEAR, box=(left, 0, right, source[0]))
    wanted = np.asarray(wide.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=(0, top, size[1], bottom)))
    parameters = {"height": size[0], "width": size[1], "box": list(box)}
    found = camera.run("resize", {"pixels": pixels}, parameters)["resized"]
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize(("side", "size"), [(21, 51), (22, 30), (97, 45), (31, 31), (400, 7)])
def test_padding_truncates_as_python_does(camera: CameraProgram, side: int, size: int) -> None:
    """21 * (51 / 21) is a little less than 51."""
    pixels = np.zeros((side, side // 2, 3), np.uint8)
    wanted = fit_photo(pixels, size, size, Fit.PAD)
    found = camera.run("fit", {"pixels": pixels}, {"height": size, "width": size, "fit": "pad"})
    assert found["used"].tolist() == [wanted.used_height, wanted.used_width]
    np.testing.assert_array_equal(found["input"], wanted.pixels)
