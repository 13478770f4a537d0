"""Latency of models and stages on this machine, as run records."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from pathlib import Path

from portraitlite.benchmarks.contestant import Contestant, open_contestant
from portraitlite.benchmarks.environment import Environment, MachineState, read_environment, read_state
from portraitlite.benchmarks.memory import measure_memory
from portraitlite.benchmarks.record import Configuration, Figures, RunRecord
from portraitlite.benchmarks.run_set import RunSet, compare_turns
from portraitlite.benchmarks.schedule import Progress, Schedule, take_turns
from portraitlite.benchmarks.stages import Stage
from portraitlite.benchmarks.statistics import LatencyStatistics, Stability, stability, summarize

__all__ = ["DEVICE", "MAX_DRIFT", "MAX_RELATIVE_MAD", "bench_desktop", "bench_models", "noise_warnings"]

DEVICE = "desktop"
DELEGATE = "default"
SEED = 0
MAX_RELATIVE_MAD = 0.1
MAX_DRIFT = 0.1  # of the last quarter against the first
MAX_CLOCK_CHANGE = 0.1  # of any CPU from before to after


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
        runs, warmup: as in `Schedule`.
        threads, backend: as for `open_model`.
        progress: as for `take_turns`.

    Raises:
        InputError: the file cannot be read, loaded or run, or a count is out of range.
        MissingDependencyError: no runtime.
    """
    schedule = Schedule(runs=runs, warmup=warmup)
    return bench_models([model], schedule, threads=[threads], backend=backend, progress=progress).records[0]


def bench_models(
    models: Sequence[str | Path],
    schedule: Schedule,
    *,
    stage: Stage = Stage.INVOKE,
    threads: Sequence[int] = (1,),
    backend: str | None = None,
    photo_size: tuple[int, int] | None = None,
    memory: bool = False,
    progress: Progress | None = None,
) -> RunSet:
    """Measure every model with every number of threads; all of them take turns.

    Args:
        models: names of bundled models or paths; the first one is what ratios compare with.
        schedule: how long.
        stage: what to time.
        threads: numbers of CPU threads.
        backend: as for `open_model`.
        photo_size: width and height of the made photo that stages other than `invoke` work on.
        memory: also measure memory, each contestant in a process of its own.
        progress: as for `take_turns`.

    Raises:
        InputError: a file cannot be read, loaded or run, or a count is out of range.
        MissingDependencyError: no runtime.
    """
    pairs = list(itertools.product(models[:1] if not stage.uses_model else models, threads))
    before = read_state()
    racing = [
        open_contestant(model, stage, threads=count, backend=backend, photo_size=photo_size, seed=SEED)
        for model, count in pairs
    ]
    taken_ms = take_turns(
        [one.run_ms for one in racing], schedule, first_ms=sum(one.first_ms for one in racing), progress=progress
    )
    after = read_state()
    records = tuple(
        _record(one, latency_ms, schedule, len(racing), before, after, memory=memory)
        for one, latency_ms in zip(racing, taken_ms, strict=True)
    )
    return RunSet(records, compare_turns(records))


def noise_warnings(
    statistics: LatencyStatistics, environment: Environment, threads: int, steadiness: Stability | None = None
) -> tuple[str, ...]:
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
    if steadiness is not None and abs(steadiness.drift_ratio - 1) > MAX_DRIFT:
        found.append(
            f"the runs drift (the last quarter took {steadiness.drift_ratio:.2f} of the first); "
            f"let the machine cool down or measure longer"
        )
    early_mhz, late_mhz = environment.before.cpu_mhz, environment.after.cpu_mhz
    if early_mhz is not None and late_mhz is not None:
        pairs = zip(early_mhz, late_mhz, strict=False)
        change = max((abs(late / early - 1) for early, late in pairs if early > 0), default=0.0)
        if change > MAX_CLOCK_CHANGE:
            found.append(f"a CPU clock changed by {100 * change:.0f} % during the run; fix the clock or warm up longer")
    return tuple(found)


def _record(
    one: Contestant,
    latency_ms: tuple[float, ...],
    schedule: Schedule,
    contestants: int,
    before: MachineState,
    after: MachineState,
    *,
    memory: bool,
) -> RunRecord:
    environment = read_environment(backend_version=one.backend_version, before=before, after=after)
    statistics, steadiness = summarize(latency_ms), stability(latency_ms)
    configuration = Configuration(
        device=DEVICE,
        backend=one.backend,
        delegate=DELEGATE,
        threads=one.threads,
        rule=schedule.rule.value,
        runs=len(latency_ms),
        warmup=schedule.warmup,
        contestants=contestants,
        seed=SEED,
        scope=one.stage.value,
        photo_size=one.photo_size,
    )
    taken, warnings = None, noise_warnings(statistics, environment, one.threads, steadiness)
    if memory:
        taken = measure_memory(
            one.model_name, one.stage, threads=one.threads, backend=one.backend, photo_size=one.photo_size
        )
        if taken is None:
            warnings += ("memory is not measured: this system has no /proc/self/status; leave --memory out",)
    return RunRecord(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        model=one.model,
        configuration=configuration,
        figures=Figures(one.load_ms, one.first_ms, statistics, steadiness, taken, latency_ms),
        environment=environment,
        phone=None,
        warnings=warnings,
    )
