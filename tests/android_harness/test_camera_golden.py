"""The camera library makes the golden vectors: the same bytes as the Python runtime."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from camera_program import CameraProgram, running_camera
from golden_steps import STEPS
from golden_vectors import Array, Case, read_cases

from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur.spec import BlurSpec, bundled_folder
from portraitlite.runtime.bundled import DEFAULT_MODEL, resolve_model
from portraitlite.runtime.metadata import read_metadata

CASES = read_cases()
LEFT_OUT = {
    "place/depth": "a map of floats is placed inside plan/portrait_depth",
    "apply/by_4_float32": "tiles of floats are for GPU delegates, which the library does not serve",
    "fill/by_4_float32": "as apply/by_4_float32",
}
# Tighter than what the vectors allow other CPUs' kernels: no kernel has a part in these. hypot may round otherwise.
TOLERANCE = {
    "mask": {"mask": 0, "box": 0},
    "figures": {"boxes": 0, "shares": 0},
    "scale": {"radii": 1e-12},
    "level": {"level": 0},
    "plan": {"coc": 0},
}


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProgram]:
    with running_camera(tmp_path_factory) as program:
        yield program


def parameters_of(case: Case) -> dict[str, Any]:
    """What the program needs to know beside the case's own parameters."""
    if case.step != "segment":
        return case.parameters
    content = resolve_model(DEFAULT_MODEL).read_bytes()
    runner, metadata = open_model(content), read_metadata(content)
    assert metadata is not None
    output = runner.outputs[0]
    return {
        **case.parameters,
        "model_input": [metadata.input_height, metadata.input_width],
        "model_output": list(output.shape[1:3]),
        "model_fit": metadata.fit,
        "model_scale": output.scale,
        "model_zero": output.zero_point,
        "model_signed": output.dtype == np.int8,
    }


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in LEFT_OUT], ids=lambda case: case.name)
def test_java_makes_the_golden_vectors(case: Case, camera: CameraProgram) -> None:
    found = camera.run(case.step, case.inputs, parameters_of(case))
    for name, wanted in case.outputs.items():
        assert (found[name].dtype, found[name].size) == (wanted.dtype, wanted.size), name
        limit = TOLERANCE.get(case.step, {}).get(name, case.tolerance.get(name, 0))
        values: Array = found[name].reshape(wanted.shape)
        assert np.abs(values.astype(np.float64) - wanted.astype(np.float64)).max() <= limit, name


def test_every_step_is_done_and_nothing_is_left_out_twice() -> None:
    assert LEFT_OUT.keys() <= {case.name for case in CASES}
    assert {case.step for case in CASES if case.name not in LEFT_OUT} == set(STEPS)


def test_the_bundled_spec_is_the_graphs_own(camera: CameraProgram) -> None:
    spec, found = BlurSpec.load(bundled_folder()), camera.run("spec")
    sides = [spec.long_side, spec.short_side, spec.tile_height, spec.tile_width]
    assert found["sides"].tolist() == sides
    assert found["scales"].tolist() == list(spec.scales)
    assert found["layers"].tolist() == [spec.layers, spec.noise_seed]
    assert found["max_radius"].tolist() == [spec.max_radius]
