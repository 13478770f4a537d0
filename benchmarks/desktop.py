"""One model's latency on this machine, as a run record."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

from portraitlite.benchmarks.environment import Environment, read_environment, read_state
from portraitlite.benchmarks.latency import SCOPE, Progress, measure_latency
from portraitlite.benchmarks.record import Configuration, Figures, ModelFacts, RunRecord
from portraitlite.benchmarks.statistics import LatencyStatistics, summarize
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError

__all__ = ["DEVICE", "MAX_RELATIVE_MAD", "bench_desktop", "noise_warnings"]

DEVICE = "desktop"
DELEGATE = "default"
SEED = 0
MAX_RELATIVE_MAD = 0.1


def bench_desktop(
    model: str | Path,
    *,
    runs: int = 50,
    warmup: int = 5,
    threads: int = 1,
    backend: str | None = None,
    progress: Progress | None = None,
) -> RunRecord:
    """Measure how long one inference takes.

    Args:
        model: name of a bundled model or path of a `.tflite` file.
        runs, warmup, threads, backend, progress: as for `measure_latency`.

    Raises:
        InputError: the file cannot be read, loaded or run, or a count is out of range.
        MissingDependencyError: no runtime.
    """
    path = resolve_model(model)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a .tflite file") from error
    before = read_state()
    measured = measure_latency(
        content,
        runs=runs,
        warmup=warmup,
        threads=threads,
        backend=backend,
        seed=SEED,
        what=path.name,
        progress=progress,
    )
    after = read_state()
    environment = read_environment(backend_version=measured.backend_version, before=before, after=after)
    statistics = summarize(measured.latency_ms)
    return RunRecord(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        model=ModelFacts(path.name, len(content), hashlib.sha256(content).hexdigest()),
        configuration=Configuration(DEVICE, measured.backend, DELEGATE, threads, runs, warmup, SEED, SCOPE),
        figures=Figures(measured.load_ms, measured.first_ms, statistics, measured.latency_ms),
        environment=environment,
        warnings=noise_warnings(statistics, environment, threads),
    )


def noise_warnings(statistics: LatencyStatistics, environment: Environment, threads: int) -> tuple[str, ...]:
    """Why the figures may not repeat, one line each."""
    found = []
    usable = environment.cpu_affinity
    if usable is not None and len(usable) < threads:
        found.append(f"{threads} threads share {len(usable)} usable CPUs; take fewer threads or allow more CPUs")
    load, cpus = environment.before.load_average_1min, environment.cpu_count
    # Only the load before counts: the one after contains the benchmark itself.
    if load is not None and cpus is not None and load > cpus:
        found.append(f"the machine was busy before the run (load {load:.1f} on {cpus} CPUs); stop other programs")
    if statistics.mad_ms > MAX_RELATIVE_MAD * statistics.p50_ms:
        share = 100 * statistics.mad_ms / statistics.p50_ms
        found.append(
            f"the runs scatter (MAD is {share:.0f} % of p50, above {100 * MAX_RELATIVE_MAD:.0f} %); measure again"
        )
    return tuple(found)
