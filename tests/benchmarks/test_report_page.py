from __future__ import annotations

import html.parser
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from accuracy_records import made_accuracy, made_scores
from PIL import Image
from run_records import made_record
from typer.testing import CliRunner

from portraitlite.benchmarks.accuracy.bootstrap import Interval
from portraitlite.benchmarks.accuracy.record import AccuracyRecord, save_accuracy
from portraitlite.benchmarks.record import save_record
from portraitlite.benchmarks.report import command
from portraitlite.benchmarks.report.charts import shown_classes
from portraitlite.benchmarks.report.inputs import Inputs
from portraitlite.benchmarks.report.page import render_page
from portraitlite.runtime.errors import InputError, MissingDependencyError

HOSTILE = '</text><script>document.title = "broken"</script><img src=x onerror="document.title = 1">'
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
BLUE = (37, 99, 235)  # of the first model's bars


def records() -> list[AccuracyRecord]:
    gap = {"mean_iou": Interval(-0.03, -0.04, -0.02)}
    quantized = made_scores("q.tflite", 0.67, sha256="ef" * 32, differences=gap)
    against = made_accuracy(quantized, reference=made_scores(), created="2025-02-02T03:04:05+00:00")
    return [made_accuracy(), made_accuracy(created="2025-01-09T03:04:05+00:00"), against]


def page(accuracy: list[AccuracyRecord]) -> str:
    return render_page(Inputs(tuple(accuracy), (made_record([5.0, 6.0]),), ()))


class Elements(html.parser.HTMLParser):
    """What a page holds: elements with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_it_shows_what_the_records_say() -> None:
    found = Elements(page(records()))
    for text in ("q on voc:VOC2012", "0.6700", "-0.0300", "m.tflite (reference)", "5.00 ms", "Confusion of q.tflite"):
        assert text in found.words, text
    assert [attributes["aria-label"] for tag, attributes in found.found if tag == "svg"] == [
        "mean_iou over latency",
        *("IoU by class", "confusion matrix") * 2,
        "mean_iou from run to run",
    ]
    assert ("span", {"class": "shift"}) in found.found  # the interval does not hold 0
    assert found.words.index("Worst photos of q.tflite") < found.words.index("b.png")


def test_the_page_needs_nothing_beside_itself() -> None:
    found = Elements(page(records())).found
    assert not {tag for tag, _ in found} & {"script", "link", "iframe", "object", "embed", "form"}
    addresses = [
        value
        for _, attributes in found
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "action", "data") and value
    ]
    assert addresses
    assert not [one for one in addresses if not one.startswith(("#", "data:image/png;base64,"))]
    assert ("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in {
        (attributes.get("http-equiv"), attributes.get("content")) for _, attributes in found
    }


def test_names_within_the_page_are_unique() -> None:
    names = [attributes["id"] or "" for _, attributes in Elements(page(records())).found if "id" in attributes]
    # Charts of the same content share the names of the same shapes.
    assert [one for one in set(names) if names.count(one) > 1 and one[0] not in "mp"] == []


def test_the_same_records_give_the_same_page() -> None:
    assert page(records()) == page(records())


def hostile() -> AccuracyRecord:
    labels = ("background", "person", HOSTILE)
    scores = made_scores(HOSTILE, labels=labels, photos=(HOSTILE, "\ud800 \x00 \u202e 狗 $\\frac{1}{2}$"))
    twice = made_scores(HOSTILE, 0.5, labels=labels, sha256="ef" * 32)
    return made_accuracy(scores, twice, labels=labels, name=HOSTILE, created=HOSTILE)


def test_hostile_records_are_text() -> None:
    accuracy = [hostile(), made_accuracy(*hostile().models, labels=hostile().dataset.labels, name=HOSTILE)]
    found = Elements(page(accuracy))
    assert not {tag for tag, _ in found.found} & {"script"}
    assert not [attributes for _, attributes in found.found if any(name.startswith("on") for name in attributes)]
    assert found.words.count("<script>document.title") > 5


def test_only_readable_matrices() -> None:
    matrix = np.diag(np.full(60, 100)).tolist()
    matrix[7][9] = 5
    matrix[50] = matrix[50][:50] + [0] * 10
    for row in matrix:
        row[50] = 0
    found = shown_classes(matrix)
    assert len(found) == 24
    assert {7, 9} <= set(found)
    assert 50 not in shown_classes([row[:] for row in matrix])
    assert shown_classes([[3, 0, 0], [0, 0, 0], [0, 0, 1]]) == [0, 2]


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(MissingDependencyError, match=rf"need {package}; pip install 'portraitlite\[report\]'"):
        page(records())


def run(*arguments: object) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.json" for i in range(5)]
    for path, record in zip(paths, [*records(), hostile()], strict=False):
        save_accuracy(path, record)
    save_record(paths[4], made_record([5.0, 6.0], warnings=("the machine was busy",)))
    picture = tmp_path / "worst.png"
    Image.fromarray(np.full((20, 30, 3), (10, 200, 30), np.uint8)).save(picture)
    return [*paths, picture]


def test_the_verb(files: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    result = run(*files, "-o", output)
    assert result.exit_code == 0, result.exception
    text = output.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "the machine was busy" in text
    result = run(*files, "-o", tmp_path / "again.html", "--json", "--quiet")
    assert json.loads(result.stdout) == {
        "output": str(tmp_path / "again.html"),
        "size_bytes": output.stat().st_size,
        "evaluations": 4,
        "latency_runs": 1,
        "pictures": 1,
    }
    for arguments in (
        (*files, "-o", output),
        (*files, "-o", tmp_path / "x.pdf"),
        (files[-1], "-o", tmp_path / "y.html"),
    ):
        assert isinstance(run(*arguments).exception, InputError)
    assert run(*files, "-o", output, "--force", "--quiet").stderr == ""
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["again.html", "report.html"]


@pytest.fixture
def browser(tmp_path: Path) -> Any:
    """Runs headless Chromium on a page; returns its standard output."""
    names = (os.environ.get("PORTRAITLITE_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if name and (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(reason="needs Chromium: apt-get install chromium, or PORTRAITLITE_CHROMIUM=its path")

    def show(path: Path, *options: str) -> str:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        done = subprocess.run(
            [program, *FLAGS, profile, "--window-size=1100,7000", *options, path.as_uri()],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        return done.stdout

    return show


def test_a_real_browser_shows_it(files: list[Path], tmp_path: Path, browser: Any) -> None:
    output, picture = tmp_path / "report.html", tmp_path / "screenshot.png"
    assert run(*files, "-o", output).exit_code == 0
    tree = browser(output, "--dump-dom")
    assert "<title>portraitlite report</title>" in tree  # no script of a record has run
    assert tree.count("<svg") == output.read_text(encoding="utf-8").count("<svg")
    browser(output, f"--screenshot={picture}")
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert pixels.shape == (7000, 1100, 3)
    assert (pixels == BLUE).all(-1).sum() > 2000, "no bars"
    assert (pixels == (10, 200, 30)).all(-1).sum() == 600, "no picture"
