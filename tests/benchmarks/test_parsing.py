from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from portraitlite.benchmarks.parsing import parse


@dataclasses.dataclass(frozen=True)
class Leaf:
    name: str
    count: int | None


@dataclasses.dataclass(frozen=True)
class Tree:
    leaf: Leaf
    values: tuple[float, ...]
    notes: dict[str, str]


GOOD: dict[str, Any] = {"leaf": {"name": "a", "count": None}, "values": [1, 2.5], "notes": {"x": "y"}}


def test_builds_the_dataclass() -> None:
    tree = parse(Tree, GOOD, "tree")
    assert tree == Tree(Leaf("a", None), (1.0, 2.5), {"x": "y"})
    assert type(tree.values[0]) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leaf": {"name": "a"}}, "tree.leaf lacks count"),
        ({"leaf": {"name": "a", "count": 1, "b": 2}}, "tree.leaf has unknown keys b"),
        ({"leaf": {"name": 1, "count": 1}}, "tree.leaf.name is int, not str"),
        ({"leaf": {"name": "a", "count": True}}, "tree.leaf.count is bool, not int"),
        ({"leaf": {"name": "a", "count": 1.5}}, "tree.leaf.count is float, not int"),
        ({"leaf": []}, "tree.leaf is list, not Leaf"),
        ({"values": {}}, "tree.values is dict, not tuple"),
        ({"values": [1, "2"]}, "tree.values[1] is str, not float"),
        ({"values": [float("inf")]}, "tree.values[0] is inf, not a finite number"),
        ({"notes": {"x": None}}, "tree.notes.x is NoneType, not str"),
    ],
)
def test_says_where_it_does_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        parse(Tree, GOOD | change, "tree")
    assert str(caught.value) == message
