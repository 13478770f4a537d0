from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur import BlurRenderer, BlurSpec, Orientation, PixelType, choose_scale
from portraitlite.runtime.blur.host import plan_inputs
from portraitlite.runtime.blur.spec import PLAN_CHANNELS, bundled_folder
from portraitlite.runtime.errors import InputError

ORACLES = Path(__file__).parents[1] / "oracles"
Mirror: Any = runpy.run_path(str(ORACLES / "blur_mirror.py"))["Mirror"]
SCENES = runpy.run_path(str(ORACLES / "blur_scenes.py"))
SPEC = BlurSpec()
MASK: Any = SCENES["mask"]()


@pytest.fixture(scope="module")
def renderer() -> BlurRenderer:
    return BlurRenderer()


def largest_difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def ramp(height: int = 90, width: int = 120) -> np.ndarray:
    return np.tile(np.linspace(1, 0, height, dtype=np.float32)[:, None], (1, width))


@pytest.mark.parametrize("size", [(64, 64), (505, 379), (700, 700), (240, 1200)])
@pytest.mark.parametrize("depth", [False, True])
def test_graphs_equal_the_numpy_mirror(renderer: BlurRenderer, size: tuple[int, int], depth: bool) -> None:
    photo = SCENES["portrait"](*size)
    coc = ramp() if depth else None
    choice = choose_scale(*size, SPEC)
    inputs = plan_inputs(photo, MASK, choice, SPEC, strength=0.8, coc=coc)
    mirror = Mirror(SPEC, choice.orientation)
    wanted = mirror.apply(
        photo, mirror.plan(*(inputs[name][0] for name in ("rgb", "mask", "coc", "boost"))), choice.scale
    )
    got = renderer.render(photo, MASK, strength=0.8, coc=coc)
    assert largest_difference(got, wanted) <= 1
    assert largest_difference(got, photo) > 10


@pytest.mark.parametrize("size", [(600, 1100), (1080, 1920), (3024, 4032)])
def test_tiles_equal_one_piece(renderer: BlurRenderer, size: tuple[int, int]) -> None:
    photo = SCENES["portrait"](size[0] // 2, size[1] // 2).repeat(2, 0).repeat(2, 1)
    choice = choose_scale(*size, SPEC)
    s = choice.scale
    plan = renderer.plan(photo, MASK, choice, strength=1.0)
    got = renderer.render(photo, MASK, strength=1.0)
    # A window over the corner where four tiles meet; its rim is cut off: there the window ends but the photo does not.
    tile_height, tile_width = (side // s for side in SPEC.tile_size(s))
    top, left = max(0, tile_height - 8), max(0, tile_width - 8)
    rows, columns = slice(top * s, (top + 16) * s), slice(left * s, (left + 16) * s)
    window = Mirror(SPEC, choice.orientation).apply(photo[rows, columns], plan[top : top + 16, left : left + 16], s)
    difference = np.abs(got[rows, columns][s:-s, s:-s].astype(int) - window[s:-s, s:-s])
    assert difference.size > 0
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


@pytest.mark.parametrize("scale", SPEC.scales)
@pytest.mark.parametrize("pixel_type", list(PixelType))
def test_every_apply_graph_equals_the_mirror(scale: int, pixel_type: PixelType) -> None:
    rng = np.random.default_rng(scale)
    height, width = SPEC.tile_size(scale)
    tile = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    plan = rng.uniform(-0.5, 1, (*SPEC.plan_tile_size(scale), PLAN_CHANNELS)).astype(np.float32)
    plan[..., 4:8] = np.abs(plan[..., 4:8])
    plan[..., 11] = 0
    noise = rng.normal(0, 0.1, (height, width, 1)).astype(np.float32)
    runner = open_model((bundled_folder() / SPEC.apply_file(scale, pixel_type)).read_bytes())
    rgb = tile if pixel_type is PixelType.UINT8 else tile / np.float32(255)
    (batch,) = runner.run({"rgb": rgb[None], "plan": plan[None], "noise": noise[None].repeat(3, -1)})
    got = batch[0] if pixel_type is PixelType.UINT8 else (batch[0] * 255 + 0.5).clip(0, 255).astype(np.uint8)
    padded = np.pad(tile, ((scale, scale), (scale, scale), (0, 0)))
    noise = np.pad(noise, ((scale, scale), (scale, scale), (0, 0)))
    wanted = Mirror(SPEC, Orientation.LANDSCAPE).apply(padded, plan, scale, noise)[scale:-scale, scale:-scale]
    assert largest_difference(got, wanted) <= 1


@pytest.mark.parametrize("depth", [False, True])
def test_threads_change_nothing(renderer: BlurRenderer, depth: bool) -> None:
    photo = SCENES["portrait"](700, 900)
    photo[300:304, 800:805] = 255
    options: dict[str, Any] = {"strength": 0.7, "highlights": 1.0, "grain": 1.0, "coc": ramp() if depth else None}
    wanted = renderer.render(photo, MASK, **options)
    for threads in (2, 5):
        several = BlurRenderer(threads=threads)
        for _ in range(2):
            np.testing.assert_array_equal(several.render(photo, MASK, **options), wanted)


def test_progress_counts_every_tile_with_threads_too() -> None:
    steps: list[tuple[int, int]] = []
    BlurRenderer(threads=2).render(
        SCENES["portrait"](700, 900), MASK, strength=0.7, progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(i, steps[-1][1]) for i in range(steps[-1][1] + 1)]


@pytest.mark.parametrize("name", ["all", "none", "half", "hard", "soft", "plateau"])
def test_a_photo_of_one_colour_stays(renderer: BlurRenderer, name: str) -> None:
    distance = np.hypot(*(np.mgrid[:65, :65] - 32))
    mask = {
        "all": np.ones((65, 65)),
        "none": np.zeros((65, 65)),
        "half": np.full((65, 65), 0.5),
        "hard": distance < 15,
        "soft": np.clip((20 - distance) / 8, 0, 1),
        "plateau": (distance < 22) * 0.78,
    }[name]
    photo = np.full((400, 500, 3), (200, 120, 60), np.uint8)
    for strength in (0.05, 0.3, 1.0):
        got = renderer.render(photo, (mask * 255).astype(np.uint8), strength=strength)
        assert largest_difference(got, photo) <= 1


def test_a_mask_of_ones_keeps_the_photo(renderer: BlurRenderer) -> None:
    photo = SCENES["portrait"](480, 640)
    got = renderer.render(photo, np.full((33, 33), 255, np.uint8), strength=1.0)
    assert largest_difference(got, photo) <= 1


def test_a_mask_of_zeros_blurs_everything(renderer: BlurRenderer) -> None:
    photo = SCENES["portrait"](480, 640)
    choice = choose_scale(480, 640, SPEC)
    empty = np.zeros((33, 33), np.uint8)
    assert np.isfinite(renderer.plan(photo, empty, choice, strength=1.0)).all()
    got = renderer.render(photo, empty, strength=1.0).astype(int)
    assert np.abs(np.diff(got, axis=1)).mean() < 0.35 * np.abs(np.diff(photo.astype(int), axis=1)).mean()


def test_the_subject_does_not_bleed(renderer: BlurRenderer) -> None:
    photos = [SCENES["portrait"](756, 1008, subject=subject) for subject in ((40, 90, 200), (210, 120, 40))]
    shape = SCENES["subject_shape"](756, 1008)
    # Disc radius 20 pixels. Up to 8 lie the rim pixels that the mask itself mixes; 30 is out of everything's reach.
    rim, reach = grown(shape, 8), grown(shape, 30)

    def change(mask: np.ndarray) -> np.ndarray:
        first, second = (renderer.render(photo, mask, strength=1.0).astype(int) for photo in photos)
        return np.abs(first - second)

    ours, naive = change(MASK), change(np.zeros_like(MASK))
    assert ours[shape].mean() > 50
    assert ours[~reach].max() <= 1
    band = reach & ~rim
    assert naive[band].max() > 60
    assert ours[band].max() <= 8
    assert ours[band].mean() < 0.1 * naive[band].mean()


def grown(shape: np.ndarray, pixels: int) -> np.ndarray:
    """`shape` grown by so many pixels (a diamond)."""
    for _ in range(pixels):
        grown = shape.copy()
        grown[1:] |= shape[:-1]
        grown[:-1] |= shape[1:]
        grown[:, 1:] |= shape[:, :-1]
        grown[:, :-1] |= shape[:, 1:]
        shape = grown
    return shape


def test_apply_survives_half_precision(renderer: BlurRenderer) -> None:
    photo = SCENES["portrait"](756, 1008)
    choice = choose_scale(756, 1008, SPEC)
    plan = renderer.plan(photo, MASK, choice, strength=1.0)
    half = Mirror(SPEC, choice.orientation, half=True).apply(photo, plan, choice.scale)
    assert largest_difference(half, renderer.render(photo, MASK, strength=1.0)) <= 2


def test_strength_zero_gives_a_copy(renderer: BlurRenderer) -> None:
    photo = SCENES["portrait"](50, 40)
    got = renderer.render(photo, MASK, strength=0.0)
    np.testing.assert_array_equal(got, photo)
    assert not np.shares_memory(got, photo)


def test_small_strengths_fade_in(renderer: BlurRenderer) -> None:
    photo = SCENES["portrait"](756, 1008)
    change = [
        np.abs(renderer.render(photo, MASK, strength=strength).astype(int) - photo).mean()
        for strength in (0.005, 0.02, 0.1, 0.4)
    ]
    assert 0 < change[0] < 0.1 * change[2]
    assert change[0] < change[1] < change[2] < change[3]


def test_depth_in_focus_stays_as_sharp_as_the_photo(renderer: BlurRenderer) -> None:
    photo = SCENES["portrait"](756, 1008)
    coc = np.zeros((90, 120), np.float32)
    coc[:, :60] = 1
    got = renderer.render(photo, np.zeros((9, 9), np.uint8), strength=1.0, coc=coc)
    np.testing.assert_array_equal(got[:, 530:], photo[:, 530:])
    assert largest_difference(got[:, :480], photo[:, :480]) > 50


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (1000, 1000), (1080, 1920), (400, 2000), (4000, 6000)])
def test_every_size_comes_back_whole(renderer: BlurRenderer, size: tuple[int, int]) -> None:
    photo = np.empty((*size, 3), np.uint8)
    photo[:] = np.linspace(20, 235, size[1])[None, :, None]
    before = photo.copy()
    steps: list[tuple[int, int]] = []
    got = renderer.render(photo, MASK, strength=1.0, progress=lambda done, total: steps.append((done, total)))
    np.testing.assert_array_equal(photo, before)
    assert got.shape == photo.shape
    assert largest_difference(got, photo) <= 8  # a smooth ramp survives a disc but for its ends
    assert steps == [(i, steps[-1][1]) for i in range(steps[-1][1] + 1)]


def test_a_hundred_megapixels(renderer: BlurRenderer) -> None:
    photo = np.full((8660, 11547, 3), (90, 150, 210), np.uint8)
    got = renderer.render(photo, MASK, strength=1.0)
    assert np.abs(np.subtract(got[::7, ::7], photo[::7, ::7], dtype=np.int16)).max() <= 1


MEMORY_PROBE = """
import resource, sys
import numpy as np
from pathlib import Path
from portraitlite.runtime.blur import BlurRenderer

def peak_bytes():
    status = Path("/proc/self/status")  # ru_maxrss would start at the parent's peak there
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

photo = np.random.default_rng(0).integers(0, 256, (3024, 4032, 3), dtype=np.uint8)
before = peak_bytes()
threads, depth = int(sys.argv[1]), sys.argv[2] == "True"
coc = np.tile(np.linspace(0, 1, 90, dtype=np.float32)[:, None], (1, 120)) if depth else None
mask = np.full((257, 257), 99, np.uint8)
BlurRenderer(threads=threads).render(photo, mask, strength=1.0, coc=coc, highlights=1.0, grain=1.0)
print(peak_bytes() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
@pytest.mark.parametrize(("threads", "depth"), [(1, False), (2, True)])
def test_twelve_megapixels_stay_under_200_mb(threads: int, depth: bool) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", MEMORY_PROBE, str(threads), str(depth)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert 36e6 < int(run.stdout) < 200e6


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"pixels": np.zeros((4, 4), np.uint8)}, "pixels"),
        ({"pixels": np.zeros((4, 4, 3), np.float32)}, "pixels"),
        ({"pixels": np.zeros((0, 4, 3), np.uint8)}, "pixels"),
        ({"pixels": np.zeros((4, 4, 4), np.uint8)}, "pixels"),
        ({"pixels": np.zeros((1, 24193, 3), np.uint8)}, "24193"),
        ({"mask": np.zeros((4, 4), np.float32)}, "mask"),
        ({"mask": np.zeros((4, 4, 1), np.uint8)}, "mask"),
        ({"mask": np.zeros((0, 4), np.uint8)}, "mask"),
        ({"strength": -0.1}, "strength"),
        ({"strength": 1.1}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"mask_box": (2, 0, 2, 4)}, "box"),
        ({"mask_box": (0, 0, float("nan"), 4)}, "box"),
        ({"mask_box": (0, 0, 1e9, 4)}, "box"),
        ({"coc": np.full((4, 4), np.nan)}, "blur map"),
        ({"coc": np.full((4, 4), 2.0)}, "blur map"),
        ({"coc": np.zeros((4, 4), np.uint8)}, "blur map"),
    ],
)
def test_bad_arguments_are_one_line(renderer: BlurRenderer, change: dict[str, Any], found: str) -> None:
    arguments = {"pixels": np.zeros((4, 4, 3), np.uint8), "mask": np.zeros((4, 4), np.uint8), "strength": 0.5} | change
    with pytest.raises(InputError, match=found) as raised:
        renderer.render(**arguments)
    assert "\n" not in str(raised.value)


def test_missing_and_broken_graphs(tmp_path: Path) -> None:
    photo, mask = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)
    with pytest.raises(InputError, match=r"spec\.json"):
        BlurRenderer(models=tmp_path)
    shutil.copy(bundled_folder() / "spec.json", tmp_path)
    with pytest.raises(InputError, match="plan_landscape"):
        BlurRenderer(models=tmp_path).render(photo, mask, strength=1.0)
    whole = (bundled_folder() / "plan_landscape.tflite").read_bytes()
    (tmp_path / "plan_landscape.tflite").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="plan_landscape"):
        BlurRenderer(models=tmp_path).render(photo, mask, strength=1.0)


def test_an_unknown_backend() -> None:
    with pytest.raises(InputError, match="backend"):
        BlurRenderer(backend="none").render(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), strength=1.0)
