"""How long one inference takes: `invoke()` alone, on seeded random input, run by run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.backends import InterpreterRunner, TensorInfo, load_backend, open_model
from portraitlite.runtime.errors import InputError

__all__ = ["SCOPE", "Latency", "Progress", "measure_latency", "random_inputs"]

SCOPE = "invoke"  # neither filling the inputs nor fetching the outputs is timed
Progress = Callable[[int, int, float], None]


@dataclasses.dataclass(frozen=True)
class Latency:
    """One measurement.

    Attributes:
        backend, backend_version: the runtime that ran it.
        load_ms: opening the file's bytes and allocating the tensors; importing the runtime is not in it.
        first_ms: the very first inference.
        latency_ms: the timed inferences, in the order they ran.
    """

    backend: str
    backend_version: str
    load_ms: float
    first_ms: float
    latency_ms: tuple[float, ...]


def measure_latency(
    model: bytes,
    *,
    runs: int = 50,
    warmup: int = 5,
    threads: int = 1,
    backend: str | None = None,
    seed: int = 0,
    what: str = "the model",
    progress: Progress | None = None,
) -> Latency:
    """Load `model`, run it once, then `warmup` times untimed, then `runs` times timed.

    Args:
        model: the whole `.tflite` file.
        runs: timed inferences, at least 1.
        warmup: untimed inferences between the first and the timed ones, at least 0.
        threads: CPU threads, at least 1.
        backend: as for `open_model`.
        seed: of the random input.
        what: how messages call the file.
        progress: called between inferences with (done, total, first_ms). What it does is not timed, but
            it can empty the caches, so it should be short and mostly idle.

    Raises:
        InputError: the file cannot be loaded or run, or a count is out of range.
        MissingDependencyError: no runtime.
    """
    if runs < 1 or warmup < 0:
        raise InputError(f"bench needs at least 1 run and 0 warm-ups; it got {runs} and {warmup}")
    _, module = load_backend(backend)
    module.version()  # the first look-up reads package metadata from disk, which would count as loading
    start_ns = time.perf_counter_ns()
    runner = open_model(model, threads=threads, backend=backend, what=what)
    load_ms = (time.perf_counter_ns() - start_ns) / 1e6
    assert isinstance(runner, InterpreterRunner)
    interpreter = runner.interpreter
    for detail, value in zip(
        interpreter.get_input_details(), random_inputs(runner.inputs, seed, what=what), strict=True
    ):
        interpreter.set_tensor(detail["index"], value)

    first_ms = _invoke_ms(interpreter, what)
    total = warmup + runs
    latency_ms = []
    for done in range(total):
        elapsed_ms = _invoke_ms(interpreter, what)
        if done >= warmup:
            latency_ms.append(elapsed_ms)
        if progress is not None:
            progress(done + 1, total, first_ms)
    return Latency(runner.backend, runner.backend_version, load_ms, first_ms, tuple(latency_ms))


def random_inputs(inputs: Sequence[TensorInfo], seed: int, *, what: str = "the model") -> list[npt.NDArray[Any]]:
    """One array per input: floats uniform in [-1, 1], 8- and 16-bit integers uniform over their whole range.

    A dynamic first side (the batch) becomes 1, which is what the runtime allocates for it.

    Raises:
        InputError: another dtype (an index, say, for which random values could be out of range), or another dynamic
            side, for which no size would mean anything.
    """
    generator = np.random.default_rng(seed)
    values: list[npt.NDArray[Any]] = []
    for info in inputs:
        shape = (1, *info.shape[1:]) if info.shape[:1] == (-1,) else info.shape
        if -1 in shape:
            raise InputError(
                f"{what} has an input {info.name!r} of dynamic shape {list(info.shape)}; bench needs static shapes"
            )
        if info.dtype.kind == "f":
            values.append(generator.uniform(-1, 1, shape).astype(info.dtype))
        elif info.dtype.kind in "iu" and info.dtype.itemsize <= 2:
            bounds = np.iinfo(info.dtype)
            values.append(generator.integers(bounds.min, bounds.max, shape, info.dtype, endpoint=True))
        else:
            raise InputError(
                f"{what} has an input {info.name!r} of type {info.dtype}; bench fills floats and 8- or 16-bit integers"
            )
    return values


def _invoke_ms(interpreter: Any, what: str) -> float:
    """Time of one inference in ms."""
    try:
        start_ns = time.perf_counter_ns()
        interpreter.invoke()
        return (time.perf_counter_ns() - start_ns) / 1e6
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{what} loads but does not run ({reason}); convert it again") from error
