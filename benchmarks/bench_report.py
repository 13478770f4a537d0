"""What `bench` shows on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portraitlite.benchmarks.record import RunRecord
from portraitlite.benchmarks.run_set import RunSet

if TYPE_CHECKING:
    from portraitlite.benchmarks.official import OfficialRun
    from portraitlite.benchmarks.profile import Profile

__all__ = ["print_official", "print_profile", "print_run"]

MB = 1e6
SHOWN_OPS = 15


def print_run(run: RunSet) -> None:
    """Latency, ratios and memory of all records."""
    from rich.console import Console
    from rich.table import Table

    first, many = run.records[0], len(run.records) > 1
    configuration, environment, steadiness = first.configuration, first.environment, first.figures.stability
    title = f"{first.model.name}, {first.model.size_bytes / MB:.2f} MB: latency in ms"
    band, drift = f"{100 * steadiness.band_ratio:.0f} %", f"; last quarter / first quarter {steadiness.drift_ratio:.2f}"
    if many:
        title, band, drift = "latency in ms", "the band", ""
    size, threads = configuration.photo_size, configuration.threads
    photo = "()" if size is None else f" on a photo of {' x '.join(map(str, size))}"
    alike = len({record.configuration.threads for record in run.records}) == 1
    shared = f"{threads} thread{'s' * (threads > 1)}, " if alike else ""
    caption = (
        f"{configuration.runs} runs of {configuration.scope}{photo} after {configuration.warmup} warm-ups"
        f"{', in turns' * many}, {shared}"
        f"{configuration.backend} {environment.backend_version}, {environment.cpu_model or environment.architecture}; "
        f"percentiles by {first.figures.statistics.percentile_method.replace('_', ' ')}; two such runs of one model "
        f"differ by less than {band} in 9 of 10 cases{drift}"
    )
    table = Table(title=title, caption=caption)
    columns = ("p50", "p90", "MAD", "load", "first", "band") if many else tuple(_figures(first))
    for name in (*(("model", "threads") if many else ()), *columns, *(("/ first [95 %]",) if many else ())):
        table.add_column(name, justify="left" if name in ("model", "/ first [95 %]") else "right", overflow="fold")
    ratios = {turn.record: turn.interval for turn in run.turns}
    for number, record in enumerate(run.records):
        cells = _figures(record) | {"band": f"{100 * record.figures.stability.band_ratio:.0f} %"}
        name = [record.model.name.removesuffix(".tflite"), str(record.configuration.threads)] if many else []
        ratio = ["1"] if many else []
        if number in ratios:
            ratio = [f"{ratios[number].ratio:.3f} [{ratios[number].low:.3f}, {ratios[number].high:.3f}]"]
        table.add_row(*name, *(cells[column] for column in columns), *ratio)
    console = Console(markup=False)  # names in a file may hold what rich takes for markup
    console.print(table)
    if any(record.figures.memory is not None for record in run.records):
        console.print(_memory_table(run))


def _figures(record: RunRecord) -> dict[str, str]:
    statistics = record.figures.statistics
    values = {
        "min": statistics.min_ms,
        "p50": statistics.p50_ms,
        "p90": statistics.p90_ms,
        "p99": statistics.p99_ms,
        "mean": statistics.mean_ms,
        "std": statistics.std_ms,
        "MAD": statistics.mad_ms,
        "load": record.figures.load_ms,
        "first": record.figures.first_ms,
    }
    return {name: f"{value:.2f}" for name, value in values.items()}


def _memory_table(run: RunSet) -> object:
    from rich.table import Table

    table = Table(
        title="memory in MB",
        caption="resident memory of a fresh process, above what Python and the runtime take; activations: the most "
        "that the file's tensors need at one moment",
    )
    for name in ("model", "threads", "file", "activations", "loaded", "after a run", "peak loading", "peak running"):
        table.add_column(name, justify="left" if name == "model" else "right", overflow="fold")
    for record in run.records:
        memory = record.figures.memory
        if memory is None:
            continue
        grown = [
            None if value is None else value - memory.before_bytes
            for value in (memory.loaded_bytes, memory.run_bytes, memory.peak_load_bytes, memory.peak_run_bytes)
        ]
        values = (record.model.size_bytes, memory.activations_bytes, *grown)
        cells = ("-" if value is None else f"{value / MB:.1f}" for value in values)
        table.add_row(record.model.name.removesuffix(".tflite"), str(record.configuration.threads), *cells)
    return table


def print_profile(profile: Profile, *, to_stderr: bool = False) -> None:
    """Time by kind of op, and how the sum agrees with the whole."""
    from rich.console import Console
    from rich.table import Table

    caption = (
        f"{profile.runs} runs; ops together {profile.ops_ms:.2f} ms of {profile.invoke_ms:.2f} ms with the profiler "
        f"on and {profile.plain_ms:.2f} ms with it off; {profile.partitions} delegated partitions"
    )
    table = Table(title=f"{profile.model_name}: time by op", caption=caption)
    for name in ("op", "runs on", "count", "ms", "%"):
        table.add_column(name, justify="right" if name in ("count", "ms", "%") else "left")
    for total in profile.by_kind()[:SHOWN_OPS]:
        share = f"{100 * profile.share(total.total_ms):.1f}"
        table.add_row(total.kind, total.runs_on, str(total.count), f"{total.total_ms:.3f}", share)
    Console(stderr=to_stderr, markup=False).print(table)


def print_official(run: OfficialRun) -> None:
    """What the official program measured."""
    from rich.console import Console
    from rich.table import Table

    result = run.result
    table = Table(
        title=f"{run.model_name}: {run.program} in ms",
        caption=f"{result.runs or 'unknown number of'} runs, {run.threads} threads; '-' is what it does not say",
    )
    figures = {
        "mean": result.mean_ms,
        "min": result.min_ms,
        "median": result.median_ms,
        "p95": result.p95_ms,
        "max": result.max_ms,
        "std": result.std_ms,
        "load": result.init_ms,
        "first": result.first_ms,
    }
    for name in figures:
        table.add_column(name, justify="right")
    table.add_row(*("-" if value is None else f"{value:.2f}" for value in figures.values()))
    Console(markup=False).print(table)
