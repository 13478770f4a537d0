"""Latency and memory of `.tflite` files, as run records that say how and where they were measured.

from portraitlite.benchmarks import Schedule, bench_models, save_run
run = bench_models(["a.tflite", "b.tflite"], Schedule(runs=50), threads=[1, 2])
save_run(Path("run.json"), run)
"""

from portraitlite.benchmarks.compare import Comparison, compare_runs
from portraitlite.benchmarks.desktop import bench_desktop, bench_models
from portraitlite.benchmarks.environment import Environment, MachineState
from portraitlite.benchmarks.latency import Latency, measure_latency
from portraitlite.benchmarks.memory import Memory
from portraitlite.benchmarks.record import (
    Configuration,
    Figures,
    ModelFacts,
    RunRecord,
    load_record,
    save_record,
)
from portraitlite.benchmarks.run_set import RunSet, load_run, save_run
from portraitlite.benchmarks.schedule import Rule, Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.benchmarks.statistics import LatencyStatistics, Stability, summarize

__all__ = [
    "Comparison",
    "Configuration",
    "Environment",
    "Figures",
    "Latency",
    "LatencyStatistics",
    "MachineState",
    "Memory",
    "ModelFacts",
    "Rule",
    "RunRecord",
    "RunSet",
    "Schedule",
    "Stability",
    "Stage",
    "bench_desktop",
    "bench_models",
    "compare_runs",
    "load_record",
    "load_run",
    "measure_latency",
    "save_record",
    "save_run",
    "summarize",
]
