"""Does a LiteRT library do what the native harness expects of it? A tiny model whose answer is known exactly.

An unlisted library must pass before anything is measured with it. The model has two inputs and two outputs, a
convolution in float32 and one in int8; weights and scales are chosen so that no result needs rounding, so every
correct kernel gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.android_harness.device_errors import PhoneProgramError
from portraitlite.android_harness.phone_harness import run_harness
from portraitlite.android_harness.place import Place
from portraitlite.android_harness.self_test_model import SIDE, WEIGHTS, model_bytes
from portraitlite.runtime.errors import CheckFailedError, InputError

__all__ = ["SelfTest", "check_answer", "run_self_test", "self_test"]

MODEL_NAME = "self_test.tflite"
LIMIT_S = 120.0  # far more than it takes, also under emulation


@dataclasses.dataclass(frozen=True)
class SelfTest:
    """What to run in mode `run`, and what must come out.

    Attributes:
        model: of a `.tflite` file.
        inputs, outputs: packed bytes by tensor name.
    """

    model: bytes
    inputs: Mapping[str, bytes]
    outputs: Mapping[str, bytes]


@functools.cache
def self_test() -> SelfTest:
    """The test; always the same."""
    count = SIDE * SIDE * 3
    small = ((np.arange(count) * 37 % 61) - 30).astype(np.int8).reshape(SIDE, SIDE, 3)
    exact = _convolve(small.astype(np.int32))
    # int8: weights count quarters, and sums reach beyond the type's range on purpose.
    stored = np.clip(exact, -128, 127).astype(np.int8)
    inputs = {"floats": small.astype("<f4").tobytes(), "bytes": small.tobytes()}
    outputs = {"float_sums": exact.astype("<f4").tobytes(), "byte_sums": stored.tobytes()}
    return SelfTest(model_bytes(), inputs, outputs)


def run_self_test(place: Place, program: str, library: str) -> None:
    """The test on a phone or here.

    Args:
        place: where; a folder `self_test` is made there.
        program, library: paths there.

    Raises:
        CheckFailedError: the library crashes, refuses or miscalculates.
        DeviceLostError: the phone went away.
        MissingDependencyError: the program cannot be started.
    """
    test = self_test()
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as name:
        folder = Path(name)
        (folder / MODEL_NAME).write_bytes(test.model)
        for tensor, data in test.inputs.items():
            (folder / f"{tensor}.in").write_bytes(data)
        there = place.put_named(sorted(folder.iterdir()), "self_test")
        options = [("library", library), ("model", f"{there}/{MODEL_NAME}"), ("warm-up", "0")]
        options += [("input", f"{tensor}={there}/{tensor}.in") for tensor in test.inputs]
        options += [("output", f"{tensor}={there}/{tensor}.out") for tensor in test.outputs]
        try:
            run_harness(place, program, "run", options, limit_s=LIMIT_S)
        except (PhoneProgramError, InputError) as error:
            raise CheckFailedError(f"the LiteRT library fails the self-test: {error}") from error
        found = {}
        for tensor, data in test.outputs.items():
            place.fetch(f"self_test/{tensor}.out", folder / "answer", size_bytes=len(data))
            found[tensor] = (folder / "answer").read_bytes()
    check_answer(found)


def check_answer(found: Mapping[str, bytes]) -> None:
    """Hold what came out against the known answer.

    Args:
        found: packed bytes by tensor name.

    Raises:
        CheckFailedError: something is missing or differs.
    """
    for name, wanted in self_test().outputs.items():
        if found.get(name) != wanted:
            raise CheckFailedError(
                f"the LiteRT library fails the self-test: {name} of a tiny model is not the known answer; take a "
                "listed library (portraitlite harness info)"
            )


def _convolve(picture: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """(h, w, 3) -> (h, w, outputs), 3 x 3, zeros around."""
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    sums: npt.NDArray[np.int32] = np.einsum("hwcyx,oyxc->hwo", windows, WEIGHTS.astype(np.int32))
    return sums
