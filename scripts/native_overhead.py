"""What the native harness adds to what it measures; exit code 1 where it is 1 % or more.

    python scripts/native_overhead.py [--model portrait] [--rounds 5] [--runs 30] [--photo-side 512]

Two answers, from a build for this machine:

- outside: of the wall time of timed runs, the share that belongs to no stage of any run, which is the harness's own
  book-keeping; of portraits, and of a model alone.
- processor time of one inference in the harness against the same library's Python interpreter, each in a process of its
  own, in turns; start-up is taken off by a second process with one run. Processor time, as wall time is about the load.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import interpreter
from PIL import Image

from portraitlite.android_harness.build import Target, build_harness
from portraitlite.android_harness.model_facts import blur_facts, model_facts
from portraitlite.runtime import Segmenter
from portraitlite.runtime.blur.spec import BlurSpec, bundled_folder
from portraitlite.runtime.bundled import resolve_model

MAX_SHARE = 0.01
LIBRARY = Path(interpreter.__file__).with_name("libLiteRt.so")
PHOTO = Path(__file__).resolve().parents[1] / "examples" / "photos" / "man.jpg"
INTERPRETER = """
import sys
from ai_edge_litert.interpreter import Interpreter
runner = Interpreter(sys.argv[1], num_threads=1)
runner.allocate_tensors()
for _ in range(int(sys.argv[2])):
    runner.invoke()
"""


def harness(program: Path, mode: str, *options: str | Path) -> dict[str, Any]:
    command = [str(program), mode, "--library", str(LIBRARY), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-2])
    return document


def of_portraits(program: Path, folder: Path, model: str, side: int, runs: int) -> float:
    """As `outside`, of the whole path."""
    segmenter = Segmenter(model)
    with Image.open(PHOTO) as image:
        pixels = np.asarray(image.convert("RGB").resize((side, side)))
    (folder / "photo").write_bytes(pixels.tobytes())
    spec = BlurSpec.load(bundled_folder())
    (folder / "facts").write_text(model_facts(segmenter.metadata) + blur_facts(spec))
    options = ("--photo", folder / "photo", "--size", f"{side}x{side}", "--facts", folder / "facts")
    graphs = ("--model", resolve_model(model), "--blur", bundled_folder())
    return outside(harness(program, "portrait", *options, *graphs, "--runs", str(runs))["timing"])


def outside(timing: dict[str, Any]) -> float:
    """Share of the wall time, from the first timed run to the end of the last, that is in no stage of any run."""
    inner = sum(sum(taken) for stage, taken in timing["stages_ms"].items() if stage != "tiles_invoke")
    return float(1 - inner / (timing["start_ms"][-1] + timing["total_ms"][-1]))


def processor_ms(command: list[str], runs: int) -> float:
    """Of one run; the number of runs is the command's last word."""

    def used_s(count: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, str(count)], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return 1e3 * (used_s(runs + 1) - used_s(1)) / runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="portrait")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--photo-side", type=int, default=512)
    arguments = parser.parse_args()
    path, runs = str(resolve_model(arguments.model)), arguments.runs
    with tempfile.TemporaryDirectory() as name:
        program = build_harness(Path(name), Target.HOST).path
        shares = [of_portraits(program, Path(name), arguments.model, arguments.photo_side, runs)]
        shares.append(outside(harness(program, "run", "--model", path, "--runs", str(runs))["timing"]))
        run = [str(program), "run", "--library", str(LIBRARY), "--model", path, "--warm-up", "0", "--runs"]
        pairs = []
        for _ in range(arguments.rounds):
            theirs = processor_ms([sys.executable, "-c", INTERPRETER, path], runs)
            pairs.append((processor_ms(run, runs), theirs))
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    answers = (
        (
            max(shares),
            f"outside of all stages are {100 * shares[0]:.4f} % of portraits, {100 * shares[1]:.4f} % of runs",
        ),
        (ours / theirs - 1, f"a run takes {ours:.2f} ms of a processor, the interpreter's {theirs:.2f} ms"),
    )
    for share, text in answers:
        print(f"{'holds' if share < MAX_SHARE else 'BROKEN'}: {text} (limit {100 * MAX_SHARE:.0f} %)")
    return int(any(share >= MAX_SHARE for share, _ in answers))


if __name__ == "__main__":
    raise SystemExit(main())
