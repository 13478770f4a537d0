"""What others may import is written down: a name that comes or goes is a decision, and changes public_api.txt too."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("public_api.txt")
PINNED = dict(line.split(": ") for line in LIST.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("module", PINNED)
def test_public_names_are_those_of_the_list(module: str) -> None:
    found = importlib.import_module(module)
    assert sorted(found.__all__) == PINNED[module].split(), (
        f"{module}: change {LIST.name} and CHANGELOG.md if it is meant"
    )
    missing = [name for name in found.__all__ if not hasattr(found, name)]
    assert not missing


def test_every_package_with_public_names_is_listed() -> None:
    root = LIST.parents[2]
    parts = ("convert", "runtime", "benchmarks", "android_harness")
    packages = {
        f"portraitlite.{'.'.join(path.parent.relative_to(root).parts)}"
        for part in parts
        for path in (root / part).rglob("__init__.py")
        if "__all__" in path.read_text(encoding="utf-8")
    }
    assert packages <= set(PINNED)


@pytest.mark.parametrize("module", PINNED)
def test_public_names_are_documented(module: str) -> None:
    found = importlib.import_module(module)
    things = {name: getattr(found, name) for name in found.__all__}
    # A dataclass without a docstring gets its signature for one.
    bare = [
        name
        for name, thing in things.items()
        if (inspect.isclass(thing) or inspect.isfunction(thing))
        and (thing.__doc__ or f"{name}(").startswith(f"{name}(")
    ]
    assert not bare
