"""On which CPUs a measurement runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["fixed_affinity"]


@contextlib.contextmanager
def fixed_affinity(cpus: Sequence[int] | None) -> Iterator[None]:
    """Keep this thread, and those that it starts, on some CPUs; None leaves all as it is.

    A runtime's own threads inherit this when they are started: load models inside.

    Raises:
        InputError: a CPU that this process may not use.
        MissingDependencyError: a system without `sched_setaffinity`.
    """
    if cpus is None:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise MissingDependencyError("this system has no sched_setaffinity; leave --cpus out")
    before = os.sched_getaffinity(0)
    if not cpus or not set(cpus) <= before:
        raise InputError(f"CPUs {list(cpus)} are not among the usable {sorted(before)}; choose from these")
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
