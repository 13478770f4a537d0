"""The example workflow and its action: read as YAML, and their commands run as a runner would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from tiny_segmenter import tiny_segmenter

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "github"
WORKFLOW, ACTION = FOLDER / "model-check.yml", FOLDER / "check" / "action.yml"


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def steps() -> list[dict[str, Any]]:
    return [*load(WORKFLOW)["jobs"]["check"]["steps"], *load(ACTION)["runs"]["steps"]]


def filled(text: str, values: dict[str, str]) -> str:
    """`${{ name }}` replaced; an unknown name is an error."""
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values[found[1]], text)


def test_actions_of_others_are_pinned_to_commits() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert len(used) == 4
    for name in used:
        assert name == "./examples/github/check" or re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name), name
    assert (ROOT / "examples/github/check/action.yml") == ACTION


def test_nothing_from_outside_is_written_into_a_script() -> None:
    scripts = [step for step in steps() if "run" in step]
    assert len(scripts) == 3
    assert not [step for step in scripts if "${{" in step["run"]]
    assert load(WORKFLOW)["permissions"] == {"contents": "read"}


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    (use,) = [step for step in steps() if step.get("uses", "").startswith("./")]
    inputs = load(ACTION)["inputs"]
    needed = {name for name, one in inputs.items() if one.get("required")}
    assert needed <= use["with"].keys() <= inputs.keys()
    for model in load(WORKFLOW)["jobs"]["check"]["strategy"]["matrix"]["model"]:
        assert (ROOT / filled(use["with"]["baseline"], {"matrix.model": model})).is_file()


def test_the_action_installs_what_it_comes_with() -> None:
    (install,) = [step["run"] for step in steps() if step.get("name") == "Install"]
    paths = re.findall(r'"\$GITHUB_ACTION_PATH/([^"]+)"', install)
    assert [(ACTION.parent / path.removesuffix("[report]")).resolve() for path in paths] == [
        ROOT / "constraints.txt",
        ROOT,
    ]


def run_step(name: str, values: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """As a runner: bash -e, the step's environment, in the checkout (here a folder with a link to the examples)."""
    (step,) = [step for step in steps() if step.get("name") == name]
    program = folder / "bin" / "portraitlite"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m portraitlite "$@"\n')
    program.chmod(0o755)
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        **{key: filled(value, values) for key, value in step["env"].items()},
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def inputs(model: str, baseline: str) -> dict[str, str]:
    defaults = {f"inputs.{name}": one.get("default", "") for name, one in load(ACTION)["inputs"].items()}
    return {**defaults, "inputs.model": model, "inputs.baseline": baseline}


@pytest.mark.parametrize("model", ["portrait", "scene"])
def test_the_bundled_models_pass_their_baselines(model: str, tmp_path: Path) -> None:
    done = run_step("Check", inputs(model, f"examples/github/{model}.toml"), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    suites = ElementTree.parse(tmp_path / "portraitlite-check.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("8", "0")
    assert "on `regression`: passed" in (tmp_path / "summary.md").read_text()


def test_a_broken_model_fails_the_step(tmp_path: Path) -> None:
    model = tiny_segmenter(tmp_path / "m.tflite", ("background", "person"))
    done = run_step("Check", inputs(str(model), "examples/github/portrait.toml"), tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("::error title=portraitlite check::m.tflite: ") >= 5
    assert done.stderr.splitlines()[-1].startswith("portraitlite: m.tflite breaks ")


def test_the_report_step_writes_what_is_uploaded(tmp_path: Path) -> None:
    done = run_step("Report", {"matrix.model": "portrait"}, tmp_path)
    assert done.returncode == 0, done.stderr
    (upload,) = [step["with"]["path"].split() for step in steps() if "upload-artifact" in step.get("uses", "")]
    made = {path.name for path in tmp_path.iterdir()}
    junit = load(ACTION)["inputs"]["junit"]["default"]
    assert set(upload) <= made | {junit}
    assert "worst.png" in (tmp_path / "report.html").read_text(encoding="utf-8")
