"""Damaged pictures and models, a few hundred of them; `scripts/full` opens ten thousand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = FOLDER.parents[1] / "src"

# Each line of the input is Python for the other process.
PROBE = """
import sys
from sandbox import Sandbox

def attempt(folder, name, data):
    exec(data)
    return "fine"

if __name__ == "__main__":
    with Sandbox(attempt, limit_s=2, memory_bytes=2 << 30) as sandbox:
        for line in sys.stdin:
            print(sandbox.run("probe", line.encode()))
"""


def python(*arguments: str | Path, path: list[Path], text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, *arguments],
        input=text,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_no_damage_crashes_hangs_or_escapes() -> None:
    run = python(FOLDER / "run.py", "--cases", "300", "--seed", "1", path=[SOURCES])
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.search(r"300 cases, (\d+) fine, (\d+) refused, 0 findings", run.stdout)
    assert found, run.stdout
    # If nearly all were refused, or nearly none, the damage would test little.
    assert min(map(int, found.groups())) > 60


def test_crashes_and_hangs_are_seen_and_the_next_case_works(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    cases = {
        "pass": "fine",
        "import os; os.abort()": "the process died with -6",
        "pass  # after a crash": "fine",
        "import time; time.sleep(60)": "hang of more than 2 s",
        "pass  # after a hang": "fine",
        "bytearray(3 << 30)": "the process died with 1",
    }
    run = python(tmp_path / "probe.py", path=[SOURCES, FOLDER], text="\n".join(cases))
    assert run.stdout.splitlines() == list(cases.values()), run.stderr
