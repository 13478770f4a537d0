"""What docs/accuracy.md says is there is there, and the other way round."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from portraitlite.benchmarks.accuracy import bootstrap, command
from portraitlite.benchmarks.accuracy.datasets import DatasetKind
from portraitlite.benchmarks.accuracy.figures import METRICS
from portraitlite.benchmarks.accuracy.label_map import read_label_map
from portraitlite.benchmarks.gate import command as gate
from portraitlite.benchmarks.gate.figures import FIGURES, PERCENT
from portraitlite.benchmarks.report import command as report

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


def first_cells() -> set[str]:
    """Names in backquotes in the first column of every table."""
    rows = re.findall(r"^\| ([^|]*) \|", TEXT, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_figure_and_data_set_has_its_row() -> None:
    kinds = {kind if kind is DatasetKind.REGRESSION else f"{kind}:PATH" for kind in DatasetKind}
    costs = {name for name in FIGURES if name not in METRICS and not name.endswith(PERCENT)}
    assert first_cells() == {*METRICS, *kinds, *costs, f"METRIC{PERCENT}", "--dataset"}
    assert f"{bootstrap.RESAMPLES} resamples" in TEXT


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[1])
def test_every_command_is_one(arguments: list[str]) -> None:
    app = typer.Typer()
    for module in (command, gate, report):
        module.register(app)
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert arguments[0] == "portraitlite"
    # Parses the options and looks at their values; nothing runs.
    assert verbs[arguments[1]].make_context(arguments[1], arguments[2:]).params


def test_the_label_map_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "map.toml").write_text(example)
    assert read_label_map(tmp_path / "map.toml").labels == ("background", "person")


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / link).exists(), link
