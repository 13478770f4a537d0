"""The Python blocks of the pages about the runtime run, each by itself, in a folder with a photo and its depth."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

import portraitlite.runtime

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("api.md", "layers.md", "portrait.md", "video.md")
BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_it_runs(block: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(photos / "man.jpg", tmp_path / "photo.jpg")
    Image.linear_gradient("L").save(tmp_path / "depth.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "example", "exec"), {"__name__": "example"})


def test_every_page_has_examples() -> None:
    assert {str(block.id).split("-")[0] for block in BLOCKS} == set(PAGES)


def test_the_overview_names_everything() -> None:
    page = (DOCS / "api.md").read_text()
    kinds = {"CheckFailedError", "MissingDependencyError", "NothingToDoError"}  # "and its kinds"
    missing = [name for name in portraitlite.runtime.__all__ if f"`{name}`" not in page and name not in page]
    assert set(missing) <= kinds
