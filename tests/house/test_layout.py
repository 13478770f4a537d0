"""The rules of the house: what the wheel holds, who imports whom, what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("convert", "runtime", "benchmarks", "android_harness")
MAY_IMPORT = {
    "convert": {"convert", "benchmarks", "runtime"},
    "benchmarks": {"benchmarks", "android_harness", "runtime"},
    "android_harness": {"android_harness", "runtime"},
    "runtime": {"runtime"},
}
HEAVY = {"tensorflow", "keras"}


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("part", PARTS)
def test_parts_import_only_what_they_may(part: str) -> None:
    for path in (ROOT / part).rglob("*.py"):
        for name in _imports(path):
            pieces = name.split(".")
            if pieces[0] == "portraitlite" and len(pieces) > 1 and pieces[1] in PARTS:
                assert pieces[1] in MAY_IMPORT[part], f"{path.relative_to(ROOT)} imports {name}"
            if pieces[0] in HEAVY:
                allowed = part == "convert" or path == ROOT / "runtime" / "backends" / "tensorflow.py"
                assert allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_wheel_holds_one_package(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"portraitlite"}
    assert len(tops) == 2
    here = {str(p.relative_to(ROOT)) for part in PARTS for p in (ROOT / part).rglob("*.py")}
    assert {f"portraitlite/{name}" for name in here} <= set(names)
    for name in ("py.typed", "cli.py", "__main__.py", "runtime/models/portrait_int8.tflite"):
        assert f"portraitlite/{name}" in names
    assert any(name.startswith("portraitlite/runtime/models/blur/plan_") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".jpg"))]


def test_importing_the_runtime_is_light() -> None:
    """Nothing beyond numpy and Pillow: not even a TFLite runtime. That keeps it under 0.3 s (`-X importtime`)."""
    code = (
        "import sys, portraitlite.runtime; "
        "heavy = ('tensorflow', 'keras', 'matplotlib', 'ai_edge_litert', 'typer', 'rich'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert run.stdout.strip() == "[]"


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for part in (*PARTS, "src")
        for p in (ROOT / part).rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 400
    }
    assert not long
