"""Latency of a `.tflite` file, as a run record that says how and where it was measured.

from portraitlite.benchmarks import bench_desktop, save_record
record = bench_desktop("model.tflite", runs=50, threads=1)
save_record(Path("run.json"), record)
"""

from portraitlite.benchmarks.desktop import bench_desktop
from portraitlite.benchmarks.environment import Environment, MachineState
from portraitlite.benchmarks.latency import Latency, measure_latency
from portraitlite.benchmarks.record import (
    Configuration,
    Figures,
    ModelFacts,
    RunRecord,
    load_record,
    save_record,
)
from portraitlite.benchmarks.statistics import LatencyStatistics, summarize

__all__ = [
    "Configuration",
    "Environment",
    "Figures",
    "Latency",
    "LatencyStatistics",
    "MachineState",
    "ModelFacts",
    "RunRecord",
    "bench_desktop",
    "load_record",
    "measure_latency",
    "save_record",
    "summarize",
]
