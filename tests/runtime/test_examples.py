"""The examples in the docstrings run and say the truth."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import portraitlite.runtime

MODULES = [portraitlite.runtime.__name__] + [
    module.name for module in pkgutil.walk_packages(portraitlite.runtime.__path__, "portraitlite.runtime.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with a photo and its depth; `numpy_rgb` is a photo's pixels."""
    shutil.copy(photos / "man.jpg", tmp_path / "photo.jpg")
    Image.linear_gradient("L").save(tmp_path / "depth.png")
    monkeypatch.chdir(tmp_path)
    with Image.open(photos / "man.jpg") as image:
        numpy_rgb = np.asarray(image)
    result = doctest.testmod(importlib.import_module(name), extraglobs={"numpy_rgb": numpy_rgb})
    assert result.failed == 0


def test_the_main_classes_have_examples() -> None:
    finder = doctest.DocTestFinder()
    for thing in ("Portrait", "Segmenter", "load_depth", "subject_mask"):
        assert any(found.examples for found in finder.find(getattr(portraitlite.runtime, thing))), thing
