"""One of those that take turns: loaded, run once, and ready to be timed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from portraitlite.benchmarks.latency import load_model
from portraitlite.benchmarks.record import ModelFacts
from portraitlite.benchmarks.schedule import timed
from portraitlite.benchmarks.stages import PHOTO_SIZE, Stage, open_stage
from portraitlite.runtime.backends import load_backend
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError

__all__ = ["BLUR_GRAPHS", "Contestant", "open_contestant", "read_model"]

BLUR_GRAPHS = "blur graphs"  # what stands for the model where a stage uses none


@dataclasses.dataclass(frozen=True)
class Contestant:
    """Attributes as in `RunRecord`, and:

    Attributes:
        model_name: what was asked for.
        run_ms: runs once and returns its time in ms.
    """

    model_name: str
    model: ModelFacts
    stage: Stage
    photo_size: tuple[int, int] | None
    threads: int
    backend: str
    backend_version: str
    load_ms: float
    first_ms: float
    run_ms: Callable[[], float]


def open_contestant(
    model: str | Path,
    stage: Stage = Stage.INVOKE,
    *,
    threads: int = 1,
    backend: str | None = None,
    photo_size: tuple[int, int] | None = None,
    seed: int = 0,
) -> Contestant:
    """Load and run once; arguments as for `open_stage`.

    Raises:
        InputError: the file cannot be read, loaded or run.
        MissingDependencyError: no runtime.
    """
    if threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}")
    if stage is Stage.INVOKE:
        name, content = read_model(model)
        loaded = load_model(content, threads=threads, backend=backend, seed=seed, what=name)
        return Contestant(
            *(str(model), ModelFacts.of(name, content), stage, None, threads),
            *(loaded.backend, loaded.backend_version, loaded.load_ms, loaded.first_ms, loaded.run_ms),
        )
    size = photo_size or PHOTO_SIZE
    if stage.uses_model:
        facts = ModelFacts.of(*read_model(model))
    else:
        from portraitlite.runtime.blur.spec import bundled_folder

        graphs = sorted(bundled_folder().glob("*.tflite"))
        facts = ModelFacts.of(BLUR_GRAPHS, b"".join(path.read_bytes() for path in graphs))
    backend_name, module = load_backend(backend)
    version = module.version()
    opening = open_stage(model, stage, threads=threads, backend=backend, photo_size=size, seed=seed)
    start_ns = time.perf_counter_ns()
    run_ms = timed(opening())
    load_ms = (time.perf_counter_ns() - start_ns) / 1e6
    return Contestant(str(model), facts, stage, size, threads, backend_name, version, load_ms, run_ms(), run_ms)


def read_model(model: str | Path) -> tuple[str, bytes]:
    """Name and content of a bundled model or a file.

    Raises:
        InputError: it cannot be read.
    """
    path = resolve_model(model)
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a .tflite file") from error
