"""`--engine ray`: on a local cluster of two workers the figures are the same to the last digit.

ray is large and has an environment of its own: PORTRAITLITE_RAY_PYTHON names a Python with `pip install '.[ray]'`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_segmenter import SIDE, save_photo_and_mask, tiny_segmenter

from portraitlite.benchmarks.accuracy.datasets import open_dataset
from portraitlite.benchmarks.accuracy.engine import Engine
from portraitlite.benchmarks.accuracy.evaluate import evaluate
from portraitlite.runtime.errors import MissingDependencyError

ROOT = Path(__file__).resolve().parents[2]
# Two machines of one CPU each, as far as Ray can tell; who did the work comes back beside the figures.
SCRIPT = """
import json, os, sys
from pathlib import Path
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster
from portraitlite.benchmarks.accuracy import ray_engine
from portraitlite.benchmarks.accuracy.datasets import open_dataset
from portraitlite.benchmarks.accuracy.engine import Engine
from portraitlite.benchmarks.accuracy.evaluate import evaluate
from portraitlite.runtime.errors import InputError

class Noted(ray_engine._Scorer):
    def score(self, unit):
        outcome = super().score(unit)
        (folder / f"pid-{os.getpid()}").touch()
        if unit[0].key.startswith("kill"):
            os._exit(1)
        return outcome

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    ray_engine._Scorer = Noted
    said = {}
    try:
        for name in ("good", "broken", "killed"):
            data = open_dataset(f"folder:{folder / name}", label_map="person")
            for engine in Engine if name == "good" else [Engine.RAY]:
                try:
                    said[f"{name} {engine}"] = evaluate([folder / "m.tflite"], data, engine=engine, jobs=2).to_dict()
                except InputError as error:
                    said[f"{name} {engine}"] = str(error)
                if name == "good":
                    said["workers"] = len(list(folder.glob("pid-*")))
        try:
            evaluate([folder / "m.tflite"], data, engine=Engine.RAY, threads=2)
        except InputError as error:
            said["threads"] = str(error)
    finally:
        cluster.shutdown()
    print(json.dumps(said))
"""


def make(folder: Path, names: list[str]) -> None:
    for i, name in enumerate(names):
        labels = np.zeros((SIDE, SIDE - i), np.uint8)
        labels[4:30, 5 : 12 + i] = 1
        seen = np.roll(labels, i, axis=0)
        save_photo_and_mask(folder / f"images/{name}.png", folder / f"masks/{name}.png", seen, labels * 255)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    tiny_segmenter(tmp_path / "m.tflite", ("background", "person"))
    make(tmp_path / "good", list("abcdefgh"))
    make(tmp_path / "broken", list("abc"))
    (tmp_path / "broken/images/b.png").write_bytes(b"no picture")
    make(tmp_path / "killed", ["a", "kill"])
    return tmp_path


def test_two_workers_give_the_same_figures(place: Path) -> None:
    python = os.environ.get("PORTRAITLITE_RAY_PYTHON")
    if not python:
        pytest.skip(reason="needs PORTRAITLITE_RAY_PYTHON=a Python with `pip install '.[ray]'`")
    (place / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        [python, str(place / "script.py"), str(place)], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    there, here = said["good ray"], said["good local"]
    del there["created"], here["created"]
    assert there == here
    assert there["dataset"]["photos"] == 8
    assert 0.3 < there["models"][0]["figures"]["subject_iou"]["value"] < 1
    assert said["workers"] == 2
    assert "b.png" in said["broken ray"]
    assert said["killed ray"].startswith("kill.png: a worker of the Ray cluster failed")
    assert said["threads"] == "no machine of the Ray cluster has 2 CPUs; use fewer --threads"


def test_without_ray_the_extra_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    data = open_dataset(f"folder:{place / 'good'}", label_map="person")
    with pytest.raises(MissingDependencyError, match=r"pip install 'portraitlite\[ray\]'"):
        evaluate([place / "m.tflite"], data, engine=Engine.RAY)
