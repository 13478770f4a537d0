"""The same work on a Ray cluster: every worker is an actor that scores one unit after another.

Ray decides which cluster: the one that RAY_ADDRESS names or that runs on this machine, else one is started here for as
long as the evaluation takes. Models and photos must lie at the same path on every machine.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from portraitlite.benchmarks.accuracy.worker import Unit, UnitResult, WorkerTask, open_worker
from portraitlite.runtime.errors import InputError, MissingDependencyError, PortraitLiteError
from portraitlite.runtime.worker_pool import WorkerDied

__all__ = ["run_on_ray"]


class _Scorer:
    """Lives in a process of the cluster."""

    def __init__(self, task: WorkerTask) -> None:
        self._task = task
        self._work: Callable[[Unit], UnitResult | str] | None = None

    def score(self, unit: Unit) -> UnitResult | str:
        """As `open_worker`; models are opened with the first unit, so that what is wrong comes back as its outcome."""
        try:
            self._work = self._work or open_worker(self._task)
        except PortraitLiteError as error:
            return " ".join(str(error).split())
        return self._work(unit)


def run_on_ray(
    task: WorkerTask, units: Sequence[Unit], jobs: int | None
) -> Iterator[tuple[Unit, UnitResult | str | WorkerDied]]:
    """(unit, outcome) in the order in which they are finished, as `run_in_processes`.

    Args:
        task: what every worker needs.
        units: to score.
        jobs: workers, at most as many as the cluster has CPUs for; None takes so many.

    Raises:
        MissingDependencyError: ray is not installed.
        InputError: the cluster cannot be reached, or no machine of it has enough CPUs.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingDependencyError("--engine ray needs ray; pip install 'portraitlite[ray]'")
    with _cluster() as ray:
        cpus = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        room = sum(count // task.threads for count in cpus)
        if room == 0:
            raise InputError(f"no machine of the Ray cluster has {task.threads} CPUs; use fewer --threads")
        actor = ray.remote(num_cpus=task.threads)(_Scorer)
        idle = [actor.remote(task) for _ in range(min(jobs or room, room, len(units)))]
        waiting, present = deque(units), dict[Any, tuple[Any, Unit]]()
        while waiting or present:
            while waiting and idle:
                worker, unit = idle.pop(), waiting.popleft()
                present[worker.score.remote(unit)] = worker, unit
            (ready, *_), _ = ray.wait(list(present), num_returns=1)
            worker, unit = present.pop(ready)
            try:
                yield unit, ray.get(ready)
            except ray.exceptions.RayError as error:
                yield unit, WorkerDied(f"a worker of the Ray cluster failed ({type(error).__name__})")
            else:
                idle.append(worker)


@contextlib.contextmanager
def _cluster() -> Iterator[Any]:
    """The module `ray`, connected; a connection made here ends with the work."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unless the user asks
    import ray

    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(log_to_driver=False, logging_level="error", include_dashboard=False)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the Ray cluster cannot be reached ({reason}); check RAY_ADDRESS, or unset it") from error
    try:
        yield ray
    finally:
        ray.shutdown()
