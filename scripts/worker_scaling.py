"""Throughput of `evaluate` with a process on every CPU against one process: the goal is 0.9 of the number of CPUs.

    python scripts/worker_scaling.py [MODEL] [--jobs 2] [--rounds 5] [--repeat 8] [--json scaling.json]

The photos of the regression set are scored again and again. Both take turns. Loading models and starting processes is
left out: time counts from the moment at which every process has delivered a photo, which is what matters for a data set
of thousands.

Other programs on the machine spoil photos per second; the load average of the minute before is printed beside. What
they spoil less (Linux only): CPU time per photo, and the share of the time in which the processes had work, running or
waiting for a CPU. Their product is an estimate, no measurement, of how throughput would scale if every process had a
CPU to itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import os
import statistics
import time
from pathlib import Path

from portraitlite.benchmarks.accuracy.datasets import Dataset, open_dataset
from portraitlite.benchmarks.accuracy.evaluate import evaluate
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.worker_pool import cpu_count

GOAL = 0.9


def repeated(dataset: Dataset, times: int) -> Dataset:
    """The single photos of a data set, several times under different names."""
    photos = [unit[0] for unit in dataset.units if len(unit) == 1]
    units = [(dataclasses.replace(photo, key=f"{turn}/{photo.key}"),) for turn in range(times) for photo in photos]
    return dataclasses.replace(dataset, units=tuple(units))


@dataclasses.dataclass(frozen=True)
class Pass:
    """One evaluation; `busy` is the share of the time in which the processes had work."""

    photos_per_second: float
    cpu_ms_per_photo: float
    busy: float


def clocks(jobs: int) -> tuple[float, float]:
    """Seconds on a CPU and seconds waiting for one, of the processes that do the work."""
    pids = [os.getpid()] if jobs == 1 else [child.pid for child in multiprocessing.active_children()]
    rows = [Path(f"/proc/{pid}/schedstat").read_text().split() for pid in pids]
    return sum(int(row[0]) for row in rows) / 1e9, sum(int(row[1]) for row in rows) / 1e9


def measure(model: str, dataset: Dataset, jobs: int) -> Pass:
    seen: list[tuple[int, float, float, float]] = []

    def note(stage: str, done: int, total: int) -> None:
        # Begin when every process has delivered; end while all of them are still there.
        if done in (jobs, total - jobs):
            seen.append((done, time.perf_counter(), *clocks(jobs)))

    evaluate([model], dataset, jobs=jobs, progress=note)
    photos, wall, running, waiting = (end - begin for begin, end in zip(*seen, strict=True))
    return Pass(photos / wall, 1000 * running / photos, (running + waiting) / (wall * jobs))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="portrait")
    parser.add_argument("--jobs", type=int, default=cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=8)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    dataset, rows = repeated(open_dataset("regression"), given.repeat), []
    for _ in range(given.rounds):
        load = os.getloadavg()[0]
        with native_stderr_silenced():
            one, many = (measure(given.model, dataset, jobs) for jobs in (1, given.jobs))
        wall = many.photos_per_second / one.photos_per_second / given.jobs
        work = one.cpu_ms_per_photo / many.cpu_ms_per_photo * many.busy / one.busy
        rows.append({"load": load, "one": dataclasses.asdict(one), "many": dataclasses.asdict(many)})
        rows[-1] |= {"by_wall": wall, "by_work": work}
        print(
            f"load {load:4.1f}: {one.photos_per_second:.2f} photos/s alone, {many.photos_per_second:.2f} with "
            f"{given.jobs} processes: {wall:.3f} of {given.jobs} x alone; CPU {one.cpu_ms_per_photo:.0f} and "
            f"{many.cpu_ms_per_photo:.0f} ms a photo, {many.busy:.3f} busy: {work:.3f} estimated"
        )
    medians = {name: statistics.median(row[name] for row in rows) for name in ("by_wall", "by_work")}
    print(
        f"medians {medians['by_wall']:.3f} and {medians['by_work']:.3f}, goal {GOAL}; {len(dataset.units)} photos a run"
    )
    if given.json is not None:
        document = {"model": given.model, "jobs": given.jobs, "photos": len(dataset.units), "rounds": rows}
        given.json.write_text(json.dumps({**document, "medians": medians}, indent=2) + "\n")


if __name__ == "__main__":
    main()
