"""A made run record, and variations of it, for the tests of what reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from portraitlite.benchmarks.environment import Environment, MachineState
from portraitlite.benchmarks.record import Configuration, Figures, ModelFacts, RunRecord
from portraitlite.benchmarks.statistics import stability, summarize

__all__ = ["made_environment", "made_record"]


def made_environment(**changes: Any) -> Environment:
    """A machine without any secrets."""
    state = MachineState(0.5, (1000.0,), 10, {})
    environment = Environment(
        portraitlite="1",
        python="3",
        numpy="2",
        backend_version="2",
        os="Linux",
        architecture="x86_64",
        cpu_model="CPU",
        cpu_features=("avx2",),
        cpu_count=1,
        cpu_affinity=(0,),
        cpu_governor=("performance",),
        memory_total_bytes=100,
        before=state,
        after=state,
        unavailable={},
    )
    return dataclasses.replace(environment, **changes)


def made_record(
    latency_ms: Sequence[float],
    *,
    name: str = "m.tflite",
    sha256: str = "ab" * 32,
    warnings: tuple[str, ...] = (),
    environment: Environment | None = None,
    **changes: Any,
) -> RunRecord:
    """A record of these latencies; `changes` are of the configuration."""
    configuration = Configuration("desktop", "litert", "default", 1, "quick", len(latency_ms), 0, 1, 0, "invoke", None)
    return RunRecord(
        created="2025-01-02T03:04:05+00:00",
        model=ModelFacts(name, 12, sha256),
        configuration=dataclasses.replace(configuration, **changes),
        figures=Figures(1.5, 2.5, summarize(latency_ms), stability(latency_ms), None, tuple(latency_ms)),
        environment=environment or made_environment(),
        phone=None,
        warnings=warnings,
    )
