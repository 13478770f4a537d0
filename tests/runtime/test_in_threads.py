from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from portraitlite.runtime.in_threads import in_threads


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads: int) -> None:
    def work(i: int) -> int:
        time.sleep(0.002 * (i % 3))
        return 10 * i

    assert list(in_threads(work, range(12), threads)) == [10 * i for i in range(12)]


def test_one_thread_is_the_callers_and_starts_nothing_early() -> None:
    seen: list[int] = []

    def items() -> Iterator[int]:
        for i in range(3):
            seen.append(i)
            yield i

    found = in_threads(lambda i: threading.get_ident(), items(), 1)
    assert next(found) == threading.get_ident()
    assert seen == [0]


def test_several_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)
    assert list(in_threads(lambda i: both.wait() >= 0, range(2), 2)) == [True, True]


def test_the_first_error_ends_it() -> None:
    begun: list[int] = []

    def work(i: int) -> None:
        begun.append(i)
        if i == 1:
            raise ValueError("one")
        time.sleep(0.005)

    with pytest.raises(ValueError, match="one"):
        list(in_threads(work, range(200), 2))
    assert len(begun) < 100
