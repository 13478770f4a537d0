from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.runtime.bilinear import bilinear
from portraitlite.runtime.network_input import fit_photo
from portraitlite.runtime.types import Fit

ORACLE: Any = runpy.run_path(str(Path(__file__).parents[1] / "oracles" / "pillow_bilinear.py"))["resize"]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


# Tall photos, made both smaller and larger: there Pillow 13 takes the columns first, and other bytes come out.
@pytest.mark.parametrize("size", [(40, 60), (300, 30), (30, 300), (300, 20), (33, 33), (513, 40)])
@pytest.mark.parametrize("threads", [1, 3])
def test_rows_come_first_whatever_the_shape(size: tuple[int, int], threads: int) -> None:
    pixels = noise(*size, 3)
    wanted = ORACLE(pixels, 33, 33)
    np.testing.assert_array_equal(bilinear(pixels, 33, 33, threads=threads), wanted)
    np.testing.assert_array_equal(fit_photo(pixels, 33, 33, Fit.STRETCH, threads).pixels, wanted)


def test_part_of_a_map() -> None:
    values, box = noise(90, 20), (0.375, 2.5, 19.25, 88.0)
    np.testing.assert_array_equal(bilinear(values, 31, 44, box), ORACLE(values, 31, 44, box))


def test_the_whole_at_its_own_size_is_itself() -> None:
    pixels = noise(300, 21, 3)
    np.testing.assert_array_equal(bilinear(pixels, 300, 21), pixels)


def test_floats_are_those_of_one_call() -> None:
    values = noise(9, 12).astype(np.float32)
    one_call = Image.fromarray(values).resize((66, 50), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(bilinear(values, 50, 66), np.asarray(one_call), atol=1e-4)
