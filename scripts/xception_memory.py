"""Convert a random Xception-65 DeepLab-v3+ (41 M parameters, 513x513) to int8 and print the peak memory.

    python scripts/xception_memory.py PHOTOS

Builds an official-shaped checkpoint in a temporary folder and runs the command line on it; exit code 1 above 8 GB.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LIMIT_BYTES = 8_000_000_000


def write_checkpoint(prefix: Path) -> None:
    """Random variables of the official names and shapes, batch norms near the identity."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    from portraitlite.convert.networks import build_network
    from portraitlite.convert.spec import Backbone, DeepLabSpec

    spec = DeepLabSpec(backbone=Backbone.XCEPTION_65, atrous_rates=(6, 12, 18), decoder_stride=4)
    rows = build_network(spec).rows  # outside the graph, or the saver would save Keras' variables too
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for row in rows:
            for name, shape in row.variables().items():
                kernel = len(shape) == 4
                scale = 1 / np.sqrt(np.prod(shape[:3])) if kernel else 0.1
                value = rng.normal(0 if kernel or "mean" in name or "beta" in name else 1, scale, shape)
                tf.compat.v1.get_variable(name, initializer=np.abs(value) if "variance" in name else value)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(prefix), write_meta_graph=False, write_state=False)


def main() -> None:
    photos = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, __file__, "--write", str(folder / "model.ckpt")], check=True)
        command = [sys.executable, "-m", "portraitlite", "convert", str(folder / "model.ckpt")]
        command += ["-o", str(folder / "m.tflite"), "--calibrate", str(photos), "--calibration-count", "8", "--json"]
        start = time.perf_counter()
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    size = json.loads(run.stdout)["size_bytes"]
    print(f"int8 file {size / 1e6:.1f} MB, peak memory {peak_bytes / 1e9:.2f} GB, {seconds:.0f} s")
    sys.exit(peak_bytes > LIMIT_BYTES)


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write_checkpoint(Path(sys.argv[2]))
    else:
        main()
