"""Latency of two files as a ratio: both take turns, so that a busy machine slows both."""

from __future__ import annotations

from portraitlite.benchmarks.latency import load_model
from portraitlite.benchmarks.schedule import Schedule, take_turns
from portraitlite.benchmarks.statistics import paired_ratio

__all__ = ["latency_ratio"]

WARMUP = 2


def latency_ratio(
    model: bytes,
    reference: bytes,
    *,
    runs: int = 40,
    threads: int = 1,
    backend: str | None = None,
    what: str = "the model",
) -> float:
    """Median over pairs of runs of (ms of the model / ms of the reference).

    Args:
        model, reference: whole `.tflite` files.
        runs: timed pairs.
        threads, backend, what: as for `load_model`.

    Raises:
        InputError: one of them cannot be run.
    """
    loaded = [
        load_model(content, threads=threads, backend=backend, what=name)
        for content, name in ((model, what), (reference, "the reference"))
    ]
    return paired_ratio(*take_turns([one.run_ms for one in loaded], Schedule(runs=runs, warmup=WARMUP))).ratio
