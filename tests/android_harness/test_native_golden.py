"""The golden vectors, done by the native program: with sanitizers here, and built for arm64 under qemu."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from golden_steps import STEPS
from golden_vectors import Case, read_cases
from native_build import native_harness
from native_steps import NATIVE_STEPS, native_step

from portraitlite.android_harness.build import Target

CASES = [case for case in read_cases() if case.step in NATIVE_STEPS]
WITH_GRAPHS = {"segment", "apply", "fill", "render"}  # tests/android_harness/test_native_portrait.py
# Of C's expf, which may differ from numpy's in the last bit; all other steps are equal bit by bit.
TOLERANCE = {("mask", "mask"): 1}
EMULATED = {"fit", "mask", "figures", "scale", "place", "level", "plan", "light", "noise"}  # where floats are involved


def hold(case: Case, found: dict[str, np.ndarray]) -> None:
    wanted = {name: array for name, array in case.outputs.items() if (case.step, name) != ("plan", "plan")}
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        limit = TOLERANCE.get((case.step, name), 0)
        difference = np.abs(found[name].astype(np.float64) - array.astype(np.float64))
        assert difference.max(initial=0) <= limit, name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_native_program_makes_them(case: Case, tmp_path: Path) -> None:
    hold(case, native_step(native_harness(Target.HOST_ASAN), case, tmp_path))


def test_so_does_its_arm64_build(tmp_path: Path) -> None:
    """A sample: an emulator starts slowly."""
    program, emulator = native_harness(Target.AARCH64_LINUX_GNU), shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip("no qemu-aarch64-static: install qemu-user-static")
    wrapper = tmp_path / "emulated"
    wrapper.write_text(f'#!/bin/sh\nexec {emulator} -cpu cortex-a76 -L /usr/aarch64-linux-gnu {program} "$@"\n')
    wrapper.chmod(0o755)
    for number, case in enumerate(case for case in CASES if case.step in EMULATED):
        folder = tmp_path / str(number)
        folder.mkdir()
        hold(case, native_step(wrapper, case, folder))


def test_no_step_is_forgotten() -> None:
    assert set(STEPS) == set(NATIVE_STEPS) | WITH_GRAPHS
