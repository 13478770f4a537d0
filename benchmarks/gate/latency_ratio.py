"""Latency of two files as a ratio: both take turns, so that a busy machine slows both."""

from __future__ import annotations

import statistics

from portraitlite.benchmarks.latency import measure_latency

__all__ = ["latency_ratio"]

TURNS, RUNS, WARMUP = 5, 8, 2


def latency_ratio(
    model: bytes, reference: bytes, *, threads: int = 1, backend: str | None = None, what: str = "the model"
) -> float:
    """Median over the turns of (median of the model / median of the reference).

    Raises:
        InputError: one of them cannot be run.
    """

    def median(content: bytes, name: str) -> float:
        measured = measure_latency(content, runs=RUNS, warmup=WARMUP, threads=threads, backend=backend, what=name)
        return statistics.median(measured.latency_ms)

    return statistics.median(median(model, what) / median(reference, "the reference") for _ in range(TURNS))
