"""The example notebooks run from top to bottom, and are committed without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# In a process of its own: Jupyter's event loops and sockets warn where the suite takes warnings for errors.
RUN = """
import sys, nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
manager = KernelManager()
manager.kernel_spec.argv[0] = sys.executable
NotebookClient(nbformat.read(sys.argv[1], as_version=4), km=manager, timeout=300).execute()
"""


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["convert", "depth"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_holds_no_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient", reason="nbclient is not installed: run scripts/install")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: run scripts/install")
    own = dict.fromkeys(("TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"), str(tmp_path))
    command = [sys.executable, "-c", RUN, str(path)]
    run = subprocess.run(command, cwd=FOLDER, env=os.environ | own, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
