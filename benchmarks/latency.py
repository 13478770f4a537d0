"""How long one inference takes: `invoke()` alone, on seeded random input, run by run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.schedule import Progress, Schedule, take_turns
from portraitlite.runtime.backends import InterpreterRunner, TensorInfo, load_backend, open_model
from portraitlite.runtime.errors import InputError

__all__ = ["Latency", "LoadedModel", "fill_inputs", "load_model", "measure_latency", "random_inputs"]


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


@dataclasses.dataclass(frozen=True)
class LoadedModel:
    """A model that has run once.

    Attributes:
        interpreter: the runtime's own object, its inputs filled.
        what: how messages call the file.
        backend, backend_version, load_ms, first_ms: as in `Latency`.
    """

    interpreter: Any
    what: str
    backend: str
    backend_version: str
    load_ms: float
    first_ms: float

    def run_ms(self) -> float:
        """Time of one inference in ms.

        Raises:
            InputError: it fails.
        """
        return _invoke_ms(self.interpreter, self.what)


def load_model(
    model: bytes, *, threads: int = 1, backend: str | None = None, seed: int = 0, what: str = "the model"
) -> LoadedModel:
    """Open, fill the inputs with `random_inputs` and run once.

    Args:
        model: the whole `.tflite` file.
        threads: CPU threads, at least 1.
        backend: as for `open_model`.
        seed: of the random input.
        what: how messages call the file.

    Raises:
        InputError: the file cannot be loaded or run.
        MissingDependencyError: no runtime.
    """
    _, module = load_backend(backend)
    module.version()  # the first look-up reads package metadata from disk, which would count as loading
    start_ns = time.perf_counter_ns()
    runner = open_model(model, threads=threads, backend=backend, what=what)
    load_ms = (time.perf_counter_ns() - start_ns) / 1e6
    assert isinstance(runner, InterpreterRunner)
    interpreter = runner.interpreter
    fill_inputs(runner, seed, what)
    first_ms = _invoke_ms(interpreter, what)
    return LoadedModel(interpreter, what, runner.backend, runner.backend_version, load_ms, first_ms)


def fill_inputs(runner: InterpreterRunner, seed: int, what: str) -> None:
    """Put `random_inputs` into the interpreter; raises as that does."""
    values = random_inputs(runner.inputs, seed, what=what)
    for detail, value in zip(runner.interpreter.get_input_details(), values, strict=True):
        runner.interpreter.set_tensor(detail["index"], value)


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
        model, threads, backend, seed, what: as for `load_model`.
        runs: timed inferences, at least 1.
        warmup: untimed inferences between the first and the timed ones, at least 0.
        progress: as for `take_turns`.

    Raises:
        InputError: the file cannot be loaded or run, or a count is out of range.
        MissingDependencyError: no runtime.
    """
    schedule = Schedule(runs=runs, warmup=warmup)
    loaded = load_model(model, threads=threads, backend=backend, seed=seed, what=what)
    (latency_ms,) = take_turns([loaded.run_ms], schedule, first_ms=loaded.first_ms, progress=progress)
    return Latency(loaded.backend, loaded.backend_version, loaded.load_ms, loaded.first_ms, latency_ms)


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
