"""The steps that a photo spends its time in, besides the networks, under pytest-benchmark; not part of the test suite.

    python -m pytest scripts/hot_paths -p pytest_benchmark.plugin --benchmark-autosave
    python -m pytest scripts/hot_paths -p pytest_benchmark.plugin --benchmark-compare \\
        --benchmark-compare-fail=median:20%

The first keeps the times in `.benchmarks/`; the second fails where a median grew by a fifth. The photo is made
and has 12 megapixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.benchmarks.record import RunRecord
from portraitlite.benchmarks.stages import PHOTO_SIZE, made_mask, made_photo
from portraitlite.benchmarks.statistics import paired_ratio, stability, summarize
from portraitlite.runtime import Segmenter, load_photo, save_photo, subject_mask
from portraitlite.runtime.blur import BlurRenderer, choose_scale
from portraitlite.runtime.blur.host import noise_input, plan_inputs
from portraitlite.runtime.network_input import fit_photo
from portraitlite.runtime.types import Fit

Benchmark = Callable[..., Any]


@pytest.fixture(scope="module")
def photo() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return made_photo(PHOTO_SIZE)


def test_load_a_jpeg(benchmark: Benchmark, photo: Any, tmp_path: Any) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(photo).save(path, quality=95)
    benchmark(load_photo, path)


def test_save_a_jpeg(benchmark: Benchmark, photo: Any, tmp_path: Any) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(photo).save(path, quality=95)
    benchmark(save_photo, tmp_path / "out.jpg", photo, load_photo(path), force=True)


def test_photo_to_network_input(benchmark: Benchmark, photo: Any) -> None:
    benchmark(fit_photo, photo, 401, 401, Fit.STRETCH)


def test_subject_of_a_segmentation(benchmark: Benchmark, photo: Any) -> None:
    benchmark(subject_mask, Segmenter()(photo))


def test_inputs_of_the_plan(benchmark: Benchmark, photo: Any) -> None:
    renderer = BlurRenderer()
    choice = choose_scale(photo.shape[0], photo.shape[1], renderer.spec)
    benchmark(plan_inputs, photo, made_mask(), choice, renderer.spec, strength=0.6, highlights=0.5)


def test_noise_of_the_tiles(benchmark: Benchmark, photo: Any) -> None:
    renderer = BlurRenderer()
    scale = choose_scale(photo.shape[0], photo.shape[1], renderer.spec).scale
    benchmark(noise_input, photo, scale, renderer.spec, grain=1.0)


def test_figures_of_a_thousand_runs(benchmark: Benchmark) -> None:
    values = np.random.default_rng(0).uniform(9, 11, 1024).tolist()
    benchmark(lambda: (summarize(values), stability(values), paired_ratio(values, values[::-1])))


def test_reading_a_record(benchmark: Benchmark) -> None:
    from portraitlite.benchmarks.desktop import bench_desktop

    document = bench_desktop("portrait", runs=2, warmup=0).to_dict()
    document["figures"]["latency_ms"] = [1.0] * 1024
    document["configuration"]["runs"] = 1024
    benchmark(RunRecord.from_dict, document)
