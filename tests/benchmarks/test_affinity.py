from __future__ import annotations

import os

import pytest

from portraitlite.benchmarks.affinity import fixed_affinity
from portraitlite.runtime.errors import InputError, MissingDependencyError

linux = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no sched_setaffinity")


@linux
def test_it_holds_inside_and_is_undone_after() -> None:
    before = os.sched_getaffinity(0)
    one = min(before)
    with fixed_affinity([one]):
        assert os.sched_getaffinity(0) == {one}
    assert os.sched_getaffinity(0) == before
    with pytest.raises(ZeroDivisionError), fixed_affinity([one]):
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == before
    with fixed_affinity(None):
        assert os.sched_getaffinity(0) == before


@linux
@pytest.mark.parametrize("cpus", [[], [99_999]])
def test_cpus_that_are_not_there(cpus: list[int]) -> None:
    with pytest.raises(InputError, match="are not among the usable"), fixed_affinity(cpus):
        pytest.fail("entered")


def test_a_system_that_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pytest.raises(MissingDependencyError, match="leave --cpus out"), fixed_affinity([0]):
        pytest.fail("entered")
