from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from portraitlite.benchmarks.benchmark_output import BenchmarkOutput, parse_output

NEW = """INFO: STARTING!
INFO: Unconsumed cmdline flags: --use_gpus=true --zoom
INFO: Created TensorFlow Lite delegate for GPU.
VERBOSE: Replacing 40 out of 49 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 3 partitions for subgraph 0.
INFO: Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 3 delegate kernels.
INFO: count=2 first=900 curr=800 min=800 max=900 avg=850 std=50 p5=800 median=900 p95=900

INFO: count=50 first=1100 curr=1200 min=1000 max=1.5e+04 avg=1250 std=7 p5=1010 median=1240 p95=1400

INFO: Inference timings in us: Init: 5664363, First inference: 900, Warmup (avg): 850, Inference (avg): 1250
INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=2
INFO: Overall peak memory footprint (MB) via periodic monitoring: 3.25
"""  # noqa: E501
OLD = """STARTING!
count=27 first=49587 curr=17228 min=17052 max=49587 avg=18851.5 std=6059

count=58 first=17231 curr=17201 min=16993 max=17256 avg=17138 std=58

Inference timings in us: Init: 746, First inference: 49587, Warmup (avg): 18851.5, Inference (avg): 17138
Peak memory footprint (MB): init=2.5 overall=15.75
Profiling Info for Benchmark Initialization:
Timings (microseconds): count=1 curr=110
Operator-wise Profiling Info for Regular Benchmark Runs:
Timings (microseconds): count=58 first=16999 curr=16900 min=16000 max=17000 avg=16500 std=3
count=99 first=1 curr=1 min=1 max=1 avg=1 std=1
"""
OLDEST = "\n\nAverage inference timings in us: Warmup: 83235, Init: 38467, Inference: 79760.9\n"
FAILED = """STARTING!
ERROR: NN API returned error ANEURALNETWORKS_OP_FAILED at line 3779 while completing NNAPI compilation.

ERROR: Restored original execution plan after delegate application failure.
Failed to apply NNAPI delegate.
Benchmarking failed.
"""
LOGCAT = """07-14 13:14:52.097 22838 22838 I tflite  : count=1 curr=250
07-14 13:14:53.097 22838 22838 I tflite  : Inference timings in us: Init: 10, First inference: 20, Warmup (avg): 30, Inference (avg): 1.14039e+07
07-14 13:14:53.197 22838 22838 E tflite  : Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.
"""  # noqa: E501
PYTHON = """Model initialization:  5.64 ms
Warmup (first):        26.08 ms
Warmup (avg):          23.07 ms (5 runs)
Inference (avg):       19.07 ms (7 runs)
Inference (min):       15.56 ms
Inference (median):    20.74 ms
Inference (p95):       21.70 ms
Throughput:            39.64 MB/s
Fully accelerated:     False
"""


def test_the_new_format() -> None:
    found = parse_output(NEW)
    assert found == BenchmarkOutput(
        runs=50,
        mean_ms=1.25,
        min_ms=1.0,
        max_ms=15.0,
        std_ms=0.007,
        median_ms=1.24,
        p5_ms=1.01,
        p95_ms=1.4,
        init_ms=5664.363,
        first_ms=0.9,
        init_memory_bytes=3 << 19,
        overall_memory_bytes=2 << 20,
        peak_memory_bytes=13 << 18,
        failed=False,
        findings=(
            "unknown flags: --use_gpus=true --zoom",
            "TfLiteGpuDelegateV2 takes 40 of 49 ops in 3 partitions; the rest runs on the CPU",
            "the GPU delegate executes a part of the graph only",
        ),
    )


def test_the_old_format_with_profiling_and_without_percentiles() -> None:
    found = parse_output(OLD)
    assert (found.runs, found.mean_ms, found.min_ms, found.max_ms, found.std_ms) == (58, 17.138, 16.993, 17.256, 0.058)
    assert (found.median_ms, found.p5_ms, found.p95_ms) == (None, None, None)
    assert (found.init_ms, found.first_ms) == (0.746, 49.587)
    assert (found.init_memory_bytes, found.peak_memory_bytes) == (5 << 19, 63 << 18)
    assert found.overall_memory_bytes is None
    assert (found.failed, found.findings) == (False, ())


def test_the_oldest_format() -> None:
    found = parse_output(OLDEST)
    assert found.mean_ms == pytest.approx(79.7609)
    assert found.init_ms == pytest.approx(38.467)
    assert (found.runs, found.min_ms, found.first_ms, found.failed) == (None, None, None, False)


def test_a_failure_says_why() -> None:
    found = parse_output(FAILED)
    assert found.failed
    assert found.mean_ms is None
    assert found.findings == (
        "error: NN API returned error ANEURALNETWORKS_OP_FAILED at line 3779 while completing NNAPI compilation.",
        "error: Restored original execution plan after delegate application failure.",
        "Failed to apply NNAPI delegate.",
    )


def test_logcat_one_run_and_scientific_notation() -> None:
    found = parse_output(LOGCAT)
    assert (found.runs, found.mean_ms, found.min_ms, found.failed) == (1, 11403.9, None, False)
    assert found.findings == ("the NNAPI delegate was asked for and executes nothing",)


def test_the_python_program() -> None:
    found = parse_output(PYTHON)
    assert (found.runs, found.mean_ms, found.median_ms, found.p95_ms) == (7, 19.07, 20.74, 21.7)
    assert (found.init_ms, found.first_ms, found.max_ms, found.failed) == (5.64, 26.08, None, False)
    assert found.findings == ("not all ops run on the accelerator; the rest falls back to the CPU",)


def test_a_full_delegation_and_continued_errors() -> None:
    whole = "Replacing 49 out of 49 node(s) with delegate (X) node, yielding 1 partitions"
    assert parse_output(whole).findings == ()
    error = "ERROR: [plugin.cc:259]\n\u2514 Could not load it\nERROR: \n"
    assert parse_output(error).findings == ("error: [plugin.cc:259] Could not load it",)


@pytest.mark.parametrize("text", ["", "hello", NEW[:400], "count=5 first=x min=-", "Inference timings in us: Init: y"])
def test_without_timings_it_failed(text: str) -> None:
    found = parse_output(text)
    assert found.failed == ("Inference timings" not in text)
    assert found.mean_ms is None


@pytest.mark.parametrize(
    "text",
    [
        f"count={'9' * 5000} min=1\nInference timings in us: Inference (avg): 1e999",
        "Memory footprint delta from the start of the tool (MB): init=1e999 overall=1e999",
        f"Inference (avg): 1e999 ms ({'9' * 5000} runs)",
    ],
)
def test_numbers_that_cannot_be_are_unknown(text: str) -> None:
    found = parse_output(text)
    assert (found.runs, found.mean_ms, found.init_memory_bytes, found.overall_memory_bytes) == (None,) * 4


def test_no_cut_of_the_output_raises() -> None:
    for text in (NEW, OLD, LOGCAT, PYTHON):
        for end in range(0, len(text), 7):
            parse_output(text[:end] + "\x00=(:")


SAMPLES = {
    "android_2023_gpu_plus_nnapi_mask_estimator": (50, 309.35, 307.968, ["the NNAPI delegate was asked for"]),
    "android_mnv3seg_cpu_opprofile": (58, 17.138, None, []),
    "mi11_yolov5_fp32_cpu_tail": (50, 249.684, None, []),
    "old2018_mobilenet_opprofile_average_line": (None, 79.7609, None, []),
    "litert_benchmark_py_2.3.0_x86": (5, 19.07, 20.74, []),
    "mi11_yolov5_int8_nnapi_default_FAIL": (None, None, None, ["error: NN", "error: Node", "error: Rest", "Failed to"]),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", SAMPLES)
def test_real_outputs(shared: Path, name: str) -> None:
    path = shared / "device_samples" / "benchmark_model" / f"{name}.txt"
    found = parse_output(path.read_text())
    runs, mean_ms, median_ms, findings = SAMPLES[name]
    assert (found.runs, found.median_ms) == (runs, median_ms)
    assert found.mean_ms == (None if mean_ms is None else pytest.approx(mean_ms))
    assert found.failed == (mean_ms is None)
    assert len(found.findings) == len(findings)
    assert all(line.startswith(start) for line, start in zip(found.findings, findings, strict=True))


@pytest.mark.shared_data
def test_text_and_json_of_one_run_say_the_same(shared: Path) -> None:
    folder = shared / "device_samples" / "benchmark_model"
    found = dataclasses.asdict(parse_output((folder / "litert_benchmark_py_2.3.0_x86.txt").read_text()))
    said = json.loads((folder / "litert_benchmark_py_2.3.0_x86.json").read_text())["latency"]
    for ours, theirs in {
        **{f"{name}_ms": f"{name}_ms" for name in ("min", "max", "median", "std", "p5", "p95", "init")},
        "mean_ms": "avg_ms",
        "first_ms": "warmup_first_ms",
        "runs": "num_runs",
    }.items():
        assert found[ours] == said[theirs]
