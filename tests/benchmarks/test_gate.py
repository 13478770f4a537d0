"""Baselines, verdicts, and everything that could make a gate pass by accident."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import typer
from tiny_segmenter import SIDE, save_photo_and_mask, tiny_segmenter
from typer.testing import CliRunner

from portraitlite.benchmarks.gate import command
from portraitlite.benchmarks.gate.baseline import read_baseline
from portraitlite.benchmarks.gate.ci import error_annotations, junit_xml, step_summary, write_step_summary
from portraitlite.benchmarks.gate.coverage import delegate_coverage
from portraitlite.benchmarks.gate.figures import FIGURES, new_limit
from portraitlite.benchmarks.gate.gate import Limit, Verdict
from portraitlite.benchmarks.gate.latency_ratio import latency_ratio
from portraitlite.runtime.errors import CheckFailedError, InputError, PortraitLiteError

FIGURE_OPTIONS = [
    f"--figure={name}" for name in ("mean_iou", "subject_iou_percent_of_float", "agreement", "size_bytes")
]


def run(*arguments: object) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, ["check", *map(str, arguments), "--jobs", "1"])


def code(result: Any) -> int:
    return result.exception.exit_code if isinstance(result.exception, PortraitLiteError) else result.exit_code


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A model, its swapped twin, three photos, and a baseline that the model passes."""
    return Path(shutil.copytree(made, tmp_path / "place"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("gate")
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[4:20, 4:16], labels[22:30, 2:10] = 1, 2
    for i in range(3):
        seen = labels.copy()
        seen[10 : 12 + i, 4:8] = 0
        save_photo_and_mask(tmp_path / f"set/images/{i}.png", tmp_path / f"set/masks/{i}.png", seen, labels)
    (tmp_path / "map.toml").write_text(
        'schema_version = 1\nlabels = ["background", "person", "dog"]\n'
        '[data]\n0 = "background"\n1 = "person"\n2 = "dog"\n'
    )
    model = tiny_segmenter(tmp_path / "m.tflite")
    tiny_segmenter(tmp_path / "swapped.tflite", swap=True)
    options = ["--dataset", "folder:set", "--label-map", "map.toml", "--float", "m.tflite", *FIGURE_OPTIONS]
    first = run(model, "-b", tmp_path / "b.toml", "--update", "--reason", "the  first", *options)
    assert first.exit_code == 0, first.exception
    return tmp_path


def test_a_model_passes_its_own_baseline(place: Path) -> None:
    result = run(place / "m.tflite", "-b", place / "b.toml", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["passed"]
    assert {row["figure"] for row in document["limits"]} == {option.split("=")[1] for option in FIGURE_OPTIONS}
    baseline = read_baseline(place / "b.toml")
    assert baseline.history[0].reason == "the first"
    assert baseline.data.photos == 3
    assert baseline.minimum["subject_iou_percent_of_float"] == 99.5


def test_a_worse_model_breaks_it_with_a_line_for_each_breach(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "summary.md"))
    result = run(place / "swapped.tflite", "-b", place / "b.toml", "--junit", place / "j.xml", "--quiet")
    assert isinstance(result.exception, CheckFailedError)
    lines = result.stderr.splitlines()
    plain, marked = [line for line in lines if line[0] != ":"], [line for line in lines if line[0] == ":"]
    assert len(plain) == len(marked) == 3
    assert all(line.startswith("swapped.tflite: ") and "breaks the minimum" in line for line in plain)
    assert all(line.startswith("::error title=portraitlite check::swapped.tflite: ") for line in marked)
    suite = ElementTree.parse(place / "j.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), len(suite.findall("testcase/failure"))) == ("4", "3", 3)
    assert "3 of 4 limits broken" in (place / "summary.md").read_text()
    assert (place / "summary.md").read_text().count("❌") == 3


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("schema_version = 1", "schema_version = 2", "schema_version is 2"),
        ("schema_version = 1", "", "schema_version is None"),
        ("[minimum]", "[minimum]\nmean_loU = 0.5", "limits 'mean_loU', which is no figure"),
        ("[minimum]", "[minimum]\nmatte_mse = 0.5", "matte_mse is not defined on"),
        ("[minimum]", "[minimum]\npixel_accuracy = nan", "not a finite number"),
        ("[minimum]", "[minimum]\npixel_accuracy = true", "pixel_accuracy is bool"),
        ("[minimum]", "[minimum]\nlatency_ratio = 1.0", "needs a reference model"),
        ("[minimum]", "[minimum]\nsize_bytes = 1.0", "a minimum and a maximum of size_bytes"),
        ("[maximum]", "[maximun]", "unknown keys maximun"),
        ("[maximum]", "[maximum]\npixel_accuracy = 0.5", "a maximum of pixel_accuracy, which only a minimum can guard"),
        ("[minimum]", "[minimum]\npeak_memory_bytes = 5", "which only a maximum can guard"),
        ("photos = 3", "photos = 4", "has 3 photos, the baseline 4"),
        ('sha256 = "', 'sha256 = "0', "photos or labels of folder:set are not those of the baseline"),
        ('"person", "dog"', '"person", "cat"', "has the labels background, person, dog, the baseline"),
        ('float = "m.tflite"', "", "names none"),
        ('float = "m.tflite"', 'float = "gone.tflite"', "does not exist"),
        ('dataset = "folder:set"', 'dataset = "folder:gone"', "is not a folder"),
    ],
)
def test_what_cannot_be_judged_is_exit_code_two(place: Path, old: str, new: str, reason: str) -> None:
    edit(place / "b.toml", old, new)
    result = run(place / "m.tflite", "-b", place / "b.toml")
    assert isinstance(result.exception, InputError)
    assert code(result) == 2
    assert reason in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_baseline_without_limits_or_file(place: Path) -> None:
    text = (place / "b.toml").read_text()
    head, tail = text.split("[minimum]")
    (place / "b.toml").write_text(head + "[[history]]" + tail.split("[[history]]")[1])
    assert "it has no limits" in str(run(place / "m.tflite", "-b", place / "b.toml").exception)
    assert code(run(place / "m.tflite", "-b", place / "none.toml")) == 2


def test_broken_data_and_models(place: Path) -> None:
    nan = tiny_segmenter(place / "nan.tflite", gain=float("nan"))
    result = run(nan, "-b", place / "b.toml")
    assert (code(result), "not finite" in str(result.exception)) == (2, True)
    other = tiny_segmenter(place / "other.tflite", ("background", "person"))
    result = run(other, "-b", place / "b.toml")
    assert (code(result), "knows no class 'dog'" in str(result.exception)) == (2, True)
    (place / "set/masks/1.png").unlink()
    result = run(place / "m.tflite", "-b", place / "b.toml")
    assert (code(result), "is missing" in str(result.exception)) == (2, True)
    for photo in (place / "set/images").iterdir():
        photo.unlink()
    result = run(place / "m.tflite", "-b", place / "b.toml")
    assert (code(result), "holds no photos" in str(result.exception)) == (2, True)


def test_an_update_needs_a_reason_and_keeps_history(place: Path) -> None:
    before = (place / "b.toml").read_bytes()
    result = run(place / "swapped.tflite", "-b", place / "b.toml", "--update", "--reason", "  ")
    assert (code(result), (place / "b.toml").read_bytes()) == (2, before)
    assert code(run(place / "m.tflite", "-b", place / "b.toml", "--reason", "x")) == 2
    reason = 'a "new" ö \\ 😀 \x7f'
    assert run(place / "swapped.tflite", "-b", place / "b.toml", "--update", "--reason", reason).exit_code == 0
    assert [update.reason for update in read_baseline(place / "b.toml").history] == ["the first", reason]
    assert run(place / "swapped.tflite", "-b", place / "b.toml").exit_code == 0


@pytest.mark.parametrize("place_of", ["gone/j.xml", ".", "b.toml"])
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    place: Path, place_of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portraitlite.benchmarks.gate.gate.check_model", lambda *given, **options: 1 / 0)
    result = run(place / "m.tflite", "-b", place / "b.toml", "--junit", place / place_of)
    assert (code(result), isinstance(result.exception, InputError)) == (2, True)


def test_a_summary_that_cannot_be_written_is_refused_before_the_work(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "gone" / "summary.md"))
    monkeypatch.setattr("portraitlite.benchmarks.gate.gate.check_model", lambda *given, **options: 1 / 0)
    result = run(place / "m.tflite", "-b", place / "b.toml")
    assert (code(result), "GITHUB_STEP_SUMMARY" in str(result.exception)) == (2, True)


def test_a_baseline_that_cannot_be_written_is_refused_before_the_work(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portraitlite.benchmarks.gate.gate.update_baseline", lambda *given, **options: 1 / 0)
    for target in (place / "gone" / "b.toml", place):
        result = run(place / "m.tflite", "-b", target, "--update", "--reason", "x")
        assert (code(result), isinstance(result.exception, InputError)) == (2, True)
    result = run(place / "m.tflite", "-b", place / "b.toml", "--update", "--reason", "x", "--junit", place / "j.xml")
    assert (code(result), "leave out --junit" in str(result.exception)) == (2, True)


def test_costs_of_a_model(tmp_path: Path) -> None:
    model = tiny_segmenter(tmp_path / "m.tflite").read_bytes()
    assert delegate_coverage(model) == 1
    assert 0 < latency_ratio(model, model) < 1000
    for cost in (lambda: delegate_coverage(model[:64]), lambda: latency_ratio(model, model[:64])):
        with pytest.raises(InputError):
            cost()


def test_limits_leave_room_on_the_right_side() -> None:
    for name in FIGURES:
        side, limit = new_limit(name, 0.5)
        assert Limit(name, side, limit, 0.5).passed, name
    assert new_limit("mean_iou", 0.9) == ("minimum", 0.895)
    assert new_limit("matte_mse", 0.1) == ("maximum", 0.11)
    assert not Limit("x", "minimum", 0.5, float("nan")).passed
    assert not Limit("x", "maximum", 0.5, float("nan")).passed


def test_texts_of_others_cannot_write_commands_or_tables() -> None:
    verdict = Verdict("a|b\n::error::x.tflite", "0", "d", (Limit("mean_iou", "minimum", 1, 0),))
    (line,) = error_annotations(verdict)
    assert "\n" not in line
    assert "%0A" in line
    assert step_summary(verdict).startswith("### `a\\|b?::error::x.tflite` on `d`: 1 of 1 limits broken\n")


def test_names_that_are_no_text_make_readable_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Verdict("caf\udce9\x1b.tflite", "0", "folder:\x00<&`", (Limit("mean_iou", "minimum", 1, 0),))
    suite = ElementTree.fromstring(junit_xml(verdict))[0]
    assert suite.get("name") == "portraitlite check caf??.tflite"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    write_step_summary(verdict)
    assert (tmp_path / "summary.md").read_text().startswith("### `caf??.tflite` on `folder:?<&'`: 1 of 1")
