"""Links between pages are right in a plain view of the files and on the site, which loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
pytestmark = pytest.mark.skipif(
    not (ROOT / "docs" / "pictures").is_dir(), reason="docs/pictures is missing: sdists leave it out"
)
CARDS = tuple((ROOT / "runtime" / "models").glob("*.md"))


class Loaded(HTMLParser):
    """What a page loads by itself, and what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"script", "img", "iframe", "source"} and (source := values.get("src")):
            self.loads.add(source)
        if target := values.get("href"):
            (self.loads if tag == "link" else self.links).add(target)


def build(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """As scripts/docs does it. Without --quiet, which hides warnings from --strict as well."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: run scripts/install")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: run scripts/install")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        str(config),
        "--site-dir",
        str(folder),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run = build(ROOT / "mkdocs.yml", folder)
    assert run.returncode == 0, run.stderr
    return folder


def test_a_broken_link_fails(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "index.md"
    (tmp_path / "mkdocs.yml").write_text("site_name: a\ntheme: {name: material, font: false}\n")
    page.write_text("[there](index.md)\n")
    assert build(tmp_path / "mkdocs.yml", tmp_path / "site").returncode == 0
    page.write_text("[gone](gone.md)\n")
    run = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert run.returncode == 1
    assert "gone.md" in run.stderr


@pytest.mark.parametrize("page", [*PAGES, *CARDS], ids=lambda page: page.name)
def test_links_name_files_of_the_repository(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not broken


def test_the_site_loads_nothing_from_elsewhere_and_holds_what_it_links_to(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]  # whose links begin with /
    assert len(pages) >= len(list((ROOT / "docs").glob("*.md")))
    for page in pages:
        found = Loaded()
        found.feed(page.read_text(encoding="utf-8"))
        assert not [url for url in found.loads if re.match(r"(https?:)?//", url)], page.name
        for url in found.loads | found.links:
            name = re.sub(r"[?#].*", "", url)
            if name and not re.match(r"[a-z]+:", name):
                assert (page.parent / name).exists(), f"{page.name}: {url}"


def test_pages_from_elsewhere_keep_their_pictures_and_links(site: Path) -> None:
    assert 'href="runtime/models/portrait.html"' in (site / "quantization.html").read_text(encoding="utf-8")
    card = (site / "runtime" / "models" / "portrait.html").read_text(encoding="utf-8")
    assert "../../pictures/" in card


def test_the_reference_has_the_types_of_shared_entries(site: Path) -> None:
    reference = (site / "reference.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>|\s+", " ", reference)
    for name in ("portraitlite.runtime.Portrait", "portraitlite.benchmarks.compare_runs"):
        assert f'id="{name}"' in reference
    # `a, b: the runs.` of compare_runs
    assert re.search(r" a\W+RunSet\W.{0,40}the runs.{0,40} b\W+RunSet\W.{0,40}the runs", text)
