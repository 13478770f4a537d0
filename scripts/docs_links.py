"""A hook of `mkdocs build`: links from `docs/` to files elsewhere in the repository work on the site too.

The pages are written for a plain view of the files, where `../runtime/models/portrait.md` is right. What they link to
joins the site under its path in the repository, pages as pages, and the links are turned accordingly.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = "docs/"
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what pages link to outside of `docs/`, and what that links to."""
    queue = [DOCS + page.src_uri for page in files.documentation_pages()]
    seen = set(queue)
    while queue:
        page = queue.pop()
        for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
            target = _target(page, link)
            if target is None or target in seen or target.startswith(DOCS):
                continue
            seen.add(target)
            files.append(File.generated(config, _site_path(target), abs_src_path=str(ROOT / target)))
            if target.endswith(".md"):
                queue.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns the links of one page from paths in the repository to paths in the site."""
    here = page.file.src_uri
    # A page from elsewhere keeps its path in the repository; all others lie in docs/.
    source = here if page.file.generated_by else DOCS + here

    def turned(match: re.Match[str]) -> str:
        target = _target(source, match[1])
        if target is None:
            return match[1]
        return posixpath.relpath(_site_path(target), posixpath.dirname(here) or ".")

    return LINK.sub(turned, markdown)


def _target(page: str, link: str) -> str | None:
    """The repository path that a link of a page names; None where there is no such file."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    return target if not target.startswith("..") and (ROOT / target).is_file() else None


def _site_path(target: str) -> str:
    path = target.removeprefix(DOCS)
    return path if Path(path).suffix else f"{path}.txt"  # browsers show what ends in .txt
