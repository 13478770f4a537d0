"""Work spread over processes that may die: each task's outcome is known, and the others go on.

`concurrent.futures` gives up all tasks when one process is killed, and does not say which task it was.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

from portraitlite.runtime.errors import PortraitLiteError

__all__ = ["WorkerDied", "cpu_count", "run_in_processes"]

_STOP_SECONDS = 10

T = TypeVar("T")
R = TypeVar("R")


class WorkerDied(PortraitLiteError):
    """The process that did the task is gone."""


def cpu_count() -> int:
    """CPUs that this process may use: fewer than the machine has, in containers and under taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_in_processes(
    start: Callable[[], Callable[[T], R]], tasks: Sequence[T], processes: int
) -> Iterator[tuple[T, R | WorkerDied]]:
    """(task, result) in the order in which they are finished.

    Every process calls `start` once and then the function that it returned for one task after another; `start`, tasks
    and results must be picklable. A process that dies is replaced, and its task yields WorkerDied. When the caller
    stops early (Ctrl-C) the processes are asked to end, so that they can remove their unfinished files; when this
    process is killed they end after their present task.

    Raises:
        PortraitLiteError: `start` raised it, or died.
    """
    context = multiprocessing.get_context("spawn")
    waiting = deque(tasks)
    workers: dict[Connection, SpawnProcess] = {}
    present: dict[Connection, T] = {}
    try:
        while waiting or present:
            while len(workers) < min(processes, len(waiting) + len(present)):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, start), daemon=True)
                process.start()
                theirs.close()  # or its end would never be seen here
                workers[ours] = process
            for ready in wait(list(workers)):
                assert isinstance(ready, Connection)
                try:
                    outcome = ready.recv()
                except (EOFError, OSError):
                    reason = _end(ready, workers.pop(ready))
                    if ready not in present:
                        raise WorkerDied(f"{reason} while it was starting: try --jobs 1") from None
                    yield present.pop(ready), WorkerDied(reason)
                    continue
                if ready in present:
                    yield present.pop(ready), outcome
                elif isinstance(outcome, PortraitLiteError):
                    raise outcome
                if waiting:
                    # A process killed at this moment shows as the end of its pipe, next time round.
                    present[ready] = waiting.popleft()
                    with contextlib.suppress(OSError):
                        ready.send(present[ready])
                else:
                    _end(ready, workers.pop(ready))
    finally:
        for process in workers.values():
            process.terminate()
        for connection, process in workers.items():
            _end(connection, process)


def _end(connection: Connection, process: SpawnProcess) -> str:
    connection.close()
    process.join(_STOP_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    code = process.exitcode or 0
    return f"the worker process was killed by {signal.Signals(-code).name}" if code < 0 else "the worker process ended"


def _serve(connection: Connection, start: Callable[[], Callable[[T], R]]) -> None:
    # Ctrl-C reaches every process of a terminal: here the parent decides, and its SIGTERM unwinds like an exception.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    try:
        work = start()
    except PortraitLiteError as error:
        connection.send(error)
        return
    connection.send(None)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):  # the pipe was closed, or the parent is gone
            return
        outcome = work(task)
        with contextlib.suppress(OSError):
            connection.send(outcome)
