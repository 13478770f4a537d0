"""The overview of the API names everything that is public; tests/house runs its examples."""

from __future__ import annotations

from pathlib import Path

import portraitlite.runtime

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_overview_names_everything() -> None:
    page = (DOCS / "api.md").read_text()
    kinds = {"CheckFailedError", "MissingDependencyError", "NothingToDoError"}  # "and its kinds"
    missing = [name for name in portraitlite.runtime.__all__ if f"`{name}`" not in page and name not in page]
    assert set(missing) <= kinds
