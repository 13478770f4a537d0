"""Does the bench measure what it says? Three answers, each with its limit; exit code 1 where one is broken.

    python scripts/check_harness.py [--model portrait] [--runs 100] [--rounds 5] [--pairs 10] [--cpus 0]

- agreement: the median of `litert-benchmark`, which ships with ai-edge-litert, against the bench's, both in fresh
  processes in turns; the median ratio of the rounds is within 5 %.
- band: two runs of the bench in fresh processes differ by less than the band that `compare` states, in 9 of 10 pairs.
- cost: the time that the harness spends between inferences, less than 2 % of theirs.

On a busy machine the first two answers are about the machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from portraitlite.benchmarks.affinity import fixed_affinity
from portraitlite.benchmarks.compare import Verdict, compare_runs
from portraitlite.benchmarks.latency import load_model
from portraitlite.benchmarks.official import run_official
from portraitlite.benchmarks.run_set import RunSet, load_run
from portraitlite.benchmarks.schedule import Schedule, take_turns
from portraitlite.runtime.bundled import resolve_model

MAX_DISAGREEMENT, LEAST_AGREEING, MAX_COST = 0.05, 0.9, 0.02


def bench(model: str, runs: int) -> RunSet:
    """One run in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        command = [sys.executable, "-m", "portraitlite", "bench", model]
        subprocess.run([*command, "--runs", str(runs), "--quiet", "-o", str(path)], check=True, capture_output=True)
        return load_run(path)


def agreement(model: str, runs: int, rounds: int) -> float:
    """Median over rounds of the official median / ours."""
    program = Path(sys.executable).with_name("litert-benchmark")
    ratios = []
    for number in range(rounds):
        ours = bench(model, runs).records[0].figures.statistics.p50_ms
        official = run_official(program, model, runs=runs).result.median_ms
        if official is None:
            raise SystemExit("litert-benchmark gave no median")
        ratios.append(official / ours)
        print(f"agreement, round {number + 1}: litert-benchmark {official:.2f} ms, bench {ours:.2f} ms")
    return statistics.median(ratios)


def agreeing_pairs(model: str, runs: int, pairs: int) -> float:
    """Share of pairs of runs that `compare` calls the same."""
    same = 0
    for number in range(pairs):
        (pair,) = compare_runs(bench(model, runs), bench(model, runs), other_environment=True).pairs
        same += pair.verdict is Verdict.SAME
        print(f"band, pair {number + 1}: ratio {pair.ratio:.3f}, band {pair.band_ratio:.3f}, {pair.verdict}")
    return same / pairs


def cost(model: str, runs: int) -> float:
    """Share of the wall time of a measurement that is not inference."""
    path = resolve_model(model)
    loaded = load_model(path.read_bytes(), what=path.name)
    start = time.perf_counter()
    (taken,) = take_turns([loaded.run_ms], Schedule(runs=runs, warmup=0))
    return 1 - sum(taken) / (1e3 * (time.perf_counter() - start))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="portrait")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--cpus", type=lambda text: [int(cpu) for cpu in text.split(",")], default=None)
    arguments = parser.parse_args()
    with fixed_affinity(arguments.cpus):
        share = cost(arguments.model, arguments.runs)
        ratio = agreement(arguments.model, arguments.runs, arguments.rounds)
        same = agreeing_pairs(arguments.model, arguments.runs, arguments.pairs)
    answers = (
        (f"cost {100 * share:.3f} % (limit {100 * MAX_COST:.0f} %)", share < MAX_COST),
        (
            f"litert-benchmark / bench {ratio:.3f} (limit {100 * MAX_DISAGREEMENT:.0f} %)",
            abs(ratio - 1) <= MAX_DISAGREEMENT,
        ),
        (f"{100 * same:.0f} % of pairs within their band (limit {100 * LEAST_AGREEING:.0f} %)", same >= LEAST_AGREEING),
    )
    for text, holds in answers:
        print(f"{'holds' if holds else 'BROKEN'}: {text}")
    return int(not all(holds for _, holds in answers))


if __name__ == "__main__":
    raise SystemExit(main())
