"""Every Python block of the README and of docs/ runs, each by itself, in a folder with what the pages speak of."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from doc_blocks import PAGES, code_blocks
from native_build import host_litert
from PIL import Image

BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(code_blocks(page, "python"), 1)
]


@pytest.fixture
def folder(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a block: a photo with its depth, a short training log, the bundled photos."""
    shutil.copy(photos / "man.jpg", tmp_path / "photo.jpg")
    shutil.copytree(photos, tmp_path / "examples" / "photos")
    Image.linear_gradient("L").save(tmp_path / "depth.png")
    (tmp_path / "RUN").mkdir()
    lines: list[dict[str, object]] = [
        {"step": 10, "loss": 0.7},
        {"step": 20, "evaluation": {"coco": {"subject_iou": 0.5}}},
    ]
    (tmp_path / "RUN" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", BLOCKS)
def test_it_runs(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "libLiteRt.so" in block:
        if shutil.which("cmake") is None:
            pytest.skip("cmake is not installed: run scripts/install-test-tools")
        (folder / "libLiteRt.so").symlink_to(host_litert())
    if "matplotlib" in block:
        pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'portraitlite[report]'")
        monkeypatch.setenv("MPLBACKEND", "agg")
    exec(compile(block, "example", "exec"), {"__name__": "example"})
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def test_the_pages_with_examples_are_there() -> None:
    pages = {str(block.id).rsplit("-", 1)[0] for block in BLOCKS}
    assert pages >= {
        "README.md",
        "index.md",
        "api.md",
        "layers.md",
        "portrait.md",
        "video.md",
        "harness.md",
        "training.md",
    }
