"""`map` in several threads, for work done outside Python: by interpreters, Pillow or numpy, band by band."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_threads"]

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """What `work` makes of every item, in order; with one thread in the caller's, one by one.

    The first error is raised; what has not begun by then is not begun.
    """
    if threads < 2:
        yield from map(work, items)
        return
    executor = ThreadPoolExecutor(threads)
    try:
        yield from executor.map(work, items)
    finally:
        executor.shutdown(cancel_futures=True)
