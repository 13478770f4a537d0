"""Who scores the photos: this machine or a Ray cluster. The command line imports this module, hence it is light."""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.worker_pool import WorkerDied, cpu_count, run_in_processes

if TYPE_CHECKING:
    from portraitlite.benchmarks.accuracy.worker import Unit, UnitResult, WorkerTask

__all__ = ["Engine", "score_units"]


class Engine(enum.StrEnum):
    """`local`: processes of this machine. `ray`: see `ray_engine`."""

    LOCAL = "local"
    RAY = "ray"


def score_units(task: WorkerTask, units: Sequence[Unit], engine: Engine, jobs: int | None) -> Iterator[UnitResult]:
    """Results in the order in which they are finished.

    Args:
        task, units: what to score.
        engine: who does it.
        jobs: how many at a time; None takes one for each CPU.

    Raises:
        InputError: a unit cannot be scored, or a worker died.
        MissingDependencyError: no ray.
    """
    for unit, outcome in _outcomes(task, units, engine, jobs):
        if isinstance(outcome, WorkerDied):
            raise InputError(f"{unit[0].key}: {outcome}; use fewer --jobs, then --resume")
        if isinstance(outcome, str):
            raise InputError(outcome)
        yield outcome


def _outcomes(
    task: WorkerTask, units: Sequence[Unit], engine: Engine, jobs: int | None
) -> Iterator[tuple[Unit, UnitResult | str | WorkerDied]]:
    from portraitlite.benchmarks.accuracy.ray_engine import run_on_ray
    from portraitlite.benchmarks.accuracy.worker import open_worker

    if not units:
        return
    if engine is Engine.RAY:
        yield from run_on_ray(task, units, jobs)
        return
    processes = min(jobs or cpu_count(), len(units))
    if processes > 1:
        yield from run_in_processes(functools.partial(open_worker, task), units, processes)
        return
    work = open_worker(task)
    for unit in units:
        yield unit, work(unit)
