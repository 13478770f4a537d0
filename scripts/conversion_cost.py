"""Convert a random network of full size to int8 and print seconds and peak memory.

    python scripts/conversion_cost.py mobilenet_v2   # 513x513, 100 calibration photos; exit code 1 above 120 s or 4 GB
    python scripts/conversion_cost.py xception_65    # 513x513, 8 calibration photos; exit code 1 above 8 GB

Builds an official-shaped checkpoint and photos of smooth noise in a temporary folder and runs the command line on them,
with what it takes by default. Arguments after the name go to `convert`, such as `--recipe mixed`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclasses.dataclass(frozen=True)
class Case:
    """One network.

    Attributes:
        spec: of the network, beside its backbone.
        photos: for calibration.
        seconds, megabytes: limits.
    """

    spec: dict[str, Any]
    photos: int
    seconds: float
    megabytes: float


CASES = {
    "mobilenet_v2": Case({}, 100, 120, 4000),
    "xception_65": Case({"atrous_rates": (6, 12, 18), "decoder_stride": 4}, 8, float("inf"), 8000),
}


def write_checkpoint(name: str, prefix: Path) -> None:
    """Random variables of the official names and shapes, batch norms near the identity."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    from portraitlite.convert.networks import build_network
    from portraitlite.convert.spec import Backbone, DeepLabSpec

    spec = DeepLabSpec(backbone=Backbone(name), **CASES[name].spec)
    rows = build_network(spec).rows  # outside the graph, or the saver would save Keras' variables too
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for row in rows:
            for variable, shape in row.variables().items():
                kernel = len(shape) == 4
                scale = 1 / np.sqrt(np.prod(shape[:3])) if kernel else 0.1
                value = rng.normal(0 if kernel or "mean" in variable or "beta" in variable else 1, scale, shape)
                tf.compat.v1.get_variable(variable, initializer=np.abs(value) if "variance" in variable else value)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(prefix), write_meta_graph=False, write_state=False)


def write_photos(folder: Path, count: int) -> None:
    """Smooth noise, 640x480."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        small = Image.fromarray(rng.integers(0, 256, (9, 12, 3)).astype(np.uint8))
        small.resize((640, 480), Image.Resampling.BICUBIC).save(folder / f"{number:03}.jpg")


def main(name: str, more: list[str]) -> int:
    case = CASES[name]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subprocess.run([sys.executable, __file__, "--write", name, str(folder / "model.ckpt")], check=True)
        write_photos(folder / "photos", case.photos)
        command = [sys.executable, "-m", "portraitlite", "convert", str(folder / "model.ckpt")]
        command += ["-o", str(folder / "m.tflite"), "--calibrate", str(folder / "photos")]
        start = time.perf_counter()
        run = subprocess.run([*command, "--recipe", "int8", "--json", *more], check=True, stdout=subprocess.PIPE)
        seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6  # of the largest child
    card = json.loads(run.stdout)
    print(
        f"{name} to {card['metadata']['recipe']}, {case.photos} photos: {seconds:.0f} s, peak {megabytes:.0f} MB, "
        f"file {card['size_bytes'] / 1e6:.1f} MB"
    )
    return int(seconds > case.seconds or megabytes > case.megabytes)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--write":
        write_checkpoint(sys.argv[2], Path(sys.argv[3]))
    elif len(sys.argv) > 1 and sys.argv[1] in CASES:
        raise SystemExit(main(sys.argv[1], sys.argv[2:]))
    else:
        raise SystemExit(f"usage: conversion_cost.py {'|'.join(CASES)} [flags of convert]")
