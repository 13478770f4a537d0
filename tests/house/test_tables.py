"""Every table that is made from a record says what the record says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "scripts" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_records(tables: ModuleType) -> None:
    found = set()
    for name in tables.FILES:
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = [block[2] for block in tables.BLOCK.finditer(text)]
        assert text.count("<!-- table:") == len(blocks), f"{name}: a table without its end"
        found |= set(blocks)
        assert tables.filled(text) == text, f"{name} differs from its records; run python scripts/tables.py"
    assert found == set(tables.TABLES), "a table that stands nowhere"


def test_a_changed_figure_is_noticed(tables: ModuleType) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    figure = next(tables.BLOCK.finditer(text))[0].splitlines()[3].split(" | ")[1]
    assert tables.filled(text.replace(f"| {figure} |", "| 99.9 |", 1)) == text
