"""The golden vectors: whole, complete, and what the runtime makes today."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from golden_steps import STEPS
from golden_vectors import FOLDER, Case, read_cases, read_index, write_cases

from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import DEFAULT_MODEL, resolve_model

CASES = read_cases()
MADE_BY = "run scripts/make_golden.py if the change is wanted"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_runtime_makes_them(case: Case) -> None:
    outputs = STEPS[case.step](case.inputs, case.parameters)
    assert outputs.keys() == case.outputs.keys(), MADE_BY
    for name, wanted in case.outputs.items():
        found = outputs[name]
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), MADE_BY
        difference = np.abs(found.astype(np.float64) - wanted.astype(np.float64)).max()
        assert difference <= case.tolerance.get(name, 0), f"{name}: {MADE_BY}"


def test_every_step_has_a_case_and_the_names_are_unique() -> None:
    assert {case.step for case in CASES} == set(STEPS)
    assert len({case.name for case in CASES}) == len(CASES)


def test_they_come_from_the_bundled_models() -> None:
    files = [resolve_model(DEFAULT_MODEL), *bundled_folder().glob("*.tflite")]
    assert read_index()["models"] == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}, (
        MADE_BY
    )


def test_they_stay_small_and_nothing_lies_about() -> None:
    files = {
        place["file"] for row in read_index()["cases"] for side in ("inputs", "outputs") for place in row[side].values()
    }
    assert {path.name for path in FOLDER.iterdir()} == files | {"index.json"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000


def test_a_changed_byte_is_noticed(tmp_path: Any) -> None:
    case = Case("a/b", "a", {"n": 1}, {"x": np.arange(6, dtype=np.int32)}, {"y": np.ones((2, 3), np.float32)}, {"y": 1})
    write_cases([case], {}, tmp_path)
    (again,) = read_cases(tmp_path)
    assert (again.parameters, again.tolerance) == ({"n": 1}, {"y": 1})
    np.testing.assert_array_equal(again.inputs["x"], case.inputs["x"])
    np.testing.assert_array_equal(again.outputs["y"], case.outputs["y"])
    content = bytearray((tmp_path / "a.bin").read_bytes())
    content[3] ^= 1
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(AssertionError, match="does not fit the index"):
        read_cases(tmp_path)
