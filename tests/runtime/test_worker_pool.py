"""Processes that die take only their own task with them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.worker_pool import WorkerDied, run_in_processes

# The functions of a test module cannot be imported by other processes; those of the standard library can.


def doubling() -> Callable[[], Callable[[int], int]]:
    return partial(partial, pow, 2)


def shell() -> Callable[[], Callable[[str], int]]:
    """Each task is a Python expression, done in the worker."""
    return partial(partial, eval)


def test_all_tasks_are_done_whatever_the_order() -> None:
    found = dict(run_in_processes(doubling(), range(20), 3))
    assert found == {n: 2**n for n in range(20)}
    assert list(run_in_processes(doubling(), [], 3)) == []


def test_a_killed_process_is_replaced_and_named() -> None:
    kill = f"__import__('os').kill(__import__('os').getpid(), {int(signal.SIGKILL)})"
    tasks = ["1 + 1", kill, "2 + 2", kill + " ", "3 + 3", "__import__('os')._exit(0)"]
    found = dict(run_in_processes(shell(), tasks, 2))
    assert [found[task] for task in ("1 + 1", "2 + 2", "3 + 3")] == [2, 4, 6]
    for task in (kill, kill + " "):
        assert isinstance(found[task], WorkerDied)
        assert "SIGKILL" in str(found[task])
    assert "ended" in str(found[tasks[5]])


def test_processes_are_reused() -> None:
    tasks = [f"__import__('os').getpid() + 0 * {n}" for n in range(8)]
    processes = {outcome for _, outcome in run_in_processes(shell(), tasks, 2)}
    assert 1 <= len(processes) <= 2
    assert os.getpid() not in processes


def test_errors_of_the_start_are_raised() -> None:
    from portraitlite.runtime.segmenter import Segmenter

    with pytest.raises(InputError, match="does not exist"):
        list(run_in_processes(partial(Segmenter, "absent.tflite"), [1, 2], 2))
    with pytest.raises(WorkerDied, match="while it was starting"):
        list(run_in_processes(partial(os._exit, 3), [1, 2], 2))


def test_stopping_early_lets_processes_clean_up(tmp_path: Path) -> None:
    """The caller leaves, as on Ctrl-C: every process unwinds, so that `finally` removes its unfinished file."""
    script = (
        "exec('import time\\ntry:\\n open({0!r}, \"w\").close()\\n time.sleep(60)\\n'"
        "'finally:\\n open({1!r}, \"w\").close()')"
    )
    begun, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    # The long task first: the other's result then shows that both were given out.
    long = script.replace("{0!r}", f'"{begun}"').replace("{1!r}", f'"{cleaned}"')
    running = run_in_processes(shell(), [long, "1"], 2)
    assert next(running) == ("1", 1)
    deadline = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert begun.exists()
    running.close()  # type: ignore[attr-defined]
    assert cleaned.exists()
