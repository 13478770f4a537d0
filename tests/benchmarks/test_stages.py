from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.benchmarks.contestant import BLUR_GRAPHS, open_contestant
from portraitlite.benchmarks.memory import Memory, measure_memory
from portraitlite.benchmarks.stages import Stage, made_mask, made_photo, open_stage
from portraitlite.runtime import PortraitResult, Segmentation
from portraitlite.runtime.errors import InputError

SIZE = (320, 240)


def test_the_photo_is_made_by_the_seed_and_has_clipped_lights() -> None:
    photo = made_photo(SIZE)
    assert (photo.shape, photo.dtype) == ((240, 320, 3), np.uint8)
    assert np.array_equal(photo, made_photo(SIZE))
    assert not np.array_equal(photo, made_photo(SIZE, seed=1))
    assert (photo == 255).all(axis=2).sum() >= 4
    assert len(np.unique(photo)) > 100


@pytest.mark.parametrize("size", [(31, 900), (20_000, 20_000)])
def test_a_photo_that_cannot_be(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="give sides from 32"):
        made_photo(size)


def test_the_mask_has_a_subject_in_the_middle() -> None:
    mask = made_mask()
    assert mask[60, 128] == mask[191, 128] == 255
    assert mask[0, 0] == mask[60, 5] == 0


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (Stage.SEGMENT, Segmentation),
        (Stage.PLAN, np.ndarray),
        (Stage.APPLY, np.ndarray),
        (Stage.PORTRAIT, PortraitResult),
    ],
)
def test_stages_do_their_part(stage: Stage, kind: type) -> None:
    run = open_stage("portrait", stage, photo_size=SIZE)()
    result: Any = run()
    assert isinstance(result, kind)
    if stage is Stage.APPLY:
        assert result.shape == (240, 320, 3)
    if stage is Stage.PORTRAIT:
        assert result.strength > 0


def test_apply_gives_the_picture_of_the_whole_blur() -> None:
    from portraitlite.runtime.blur import BlurRenderer

    photo = made_photo(SIZE)
    whole = BlurRenderer().render(photo, made_mask(), strength=0.6, highlights=0.5, grain=1.0)
    applied = np.asarray(open_stage("-", Stage.APPLY, photo_size=SIZE)()())
    assert np.array_equal(applied, whole)


def test_a_contestant_says_what_it_is(model_file: Path) -> None:
    one = open_contestant(model_file, threads=2)
    assert (one.model.name, one.stage, one.photo_size, one.threads) == ("add.tflite", Stage.INVOKE, None, 2)
    assert min(one.load_ms, one.first_ms, one.run_ms()) > 0
    blur = open_contestant("portrait", Stage.PLAN, photo_size=SIZE)
    assert (blur.model.name, blur.photo_size) == (BLUR_GRAPHS, SIZE)
    assert min(blur.load_ms, blur.first_ms, blur.run_ms()) > 0
    assert (blur.backend, one.backend) == ("litert", "litert")


def test_no_threads(model_file: Path) -> None:
    with pytest.raises(InputError, match="threads must be at least 1"):
        open_contestant(model_file, threads=0)


linux = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")


@linux
def test_memory_of_a_model(make_model: Callable[..., bytes], tmp_path: Path) -> None:
    side = 1024
    path = tmp_path / "large.tflite"
    path.write_bytes(make_model(shape=(1, side, side, 3)))
    found = measure_memory(str(path), Stage.INVOKE)
    assert found is not None
    tensor_bytes = side * side * 3 * 4
    assert found.activations_bytes == 3 * tensor_bytes
    assert found.before_bytes < found.loaded_bytes < found.run_bytes
    # The inputs are written and the output too: three tensors are resident after a run, and not many more.
    assert 2.5 * tensor_bytes < found.run_bytes - found.before_bytes < 8 * tensor_bytes
    if found.peak_run_bytes is not None:
        assert found.peak_run_bytes >= found.run_bytes
        assert found.unavailable == {}


@linux
def test_memory_of_a_stage() -> None:
    found = measure_memory("portrait", Stage.PLAN, photo_size=SIZE)
    assert isinstance(found, Memory)
    assert found.activations_bytes is None
    assert found.unavailable["activations_bytes"]
    assert found.run_bytes > found.before_bytes


@linux
def test_memory_of_a_file_that_cannot_run(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"\0\0\0\0TFL3" + bytes(99))
    with pytest.raises(InputError, match=r"cannot be measured \("):
        measure_memory(str(path), Stage.INVOKE)


def test_a_system_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("portraitlite.benchmarks.memory.STATUS", tmp_path / "none")
    assert measure_memory("portrait", Stage.INVOKE) is None
