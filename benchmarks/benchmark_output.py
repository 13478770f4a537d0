"""What the official `benchmark_model` prints, of all its generations, and what it would rather not say.

There are two programs of that name: the classic one of TFLite, and LiteRT's; and `litert-benchmark`, Python's, which
ships with ai-edge-litert. Absent figures are None, never zero.
"""

from __future__ import annotations

import dataclasses
import math
import re

__all__ = ["BenchmarkOutput", "parse_output"]

NUMBER = r"([0-9.]+(?:e[+-]?[0-9]+)?|nan|-nan|inf)"
# Logcat writes date, time, two ids, a letter and a tag before the message; others write a severity, or nothing.
PREFIX = re.compile(
    r"^(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d+\s+\d+\s+\d+ [VDIWEF] [^:]*: )?(?:(?:VERBOSE|INFO|WARN(?:ING)?|ERROR|FATAL): ?)?"
)
COUNT = re.compile(r"^count=(\d{1,9})\b(.*)$")
TIMINGS = "Inference timings in us:"
OLD_TIMINGS = "Average inference timings in us:"
REPLACED = re.compile(
    r"Replacing (\d+) out of (\d+) node\(s\) with delegate \(([^)]*)\) node, yielding (\d+) partitions"
)
NOT_EXECUTED = re.compile(r"Though (.+?) delegate is explicitly applied, the model graph will not be executed")
PARTLY = re.compile(r"Explicitly applied (.+?) delegate, and the model graph will be partially executed")
MEMORY = re.compile(rf"Memory footprint delta from the start of the tool \(MB\): init={NUMBER} overall={NUMBER}")
OLD_MEMORY = re.compile(rf"^Peak memory footprint \(MB\): init={NUMBER} overall={NUMBER}")
PEAK = re.compile(rf"Overall peak memory footprint.*?: {NUMBER}")
FLAGS = re.compile(r"Unconsumed cmdline flags: ?(.*)", re.IGNORECASE)
LITERT_LINES = {
    "Model initialization": "init_ms",
    "Warmup (first)": "first_ms",
    "Inference (avg)": "mean_ms",
    "Inference (min)": "min_ms",
    "Inference (max)": "max_ms",
    "Inference (median)": "median_ms",
    "Inference (std)": "std_ms",
    "Inference (p5)": "p5_ms",
    "Inference (p95)": "p95_ms",
}
MEGABYTE = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class BenchmarkOutput:
    """Figures of the timed runs; None is unknown.

    Attributes:
        runs: timed runs.
        mean_ms, min_ms, max_ms, std_ms, median_ms, p5_ms, p95_ms: of them.
        init_ms: loading.
        first_ms: the very first inference.
        init_memory_bytes, overall_memory_bytes, peak_memory_bytes: growth of the process after loading and at the
            end, and its peak; the program calls them approximate.
        failed: it said so, or there are no timings.
        findings: unknown flags, delegates that did nothing or took a part, errors; one line each.
    """

    runs: int | None = None
    mean_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    std_ms: float | None = None
    median_ms: float | None = None
    p5_ms: float | None = None
    p95_ms: float | None = None
    init_ms: float | None = None
    first_ms: float | None = None
    init_memory_bytes: int | None = None
    overall_memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    failed: bool = True
    findings: tuple[str, ...] = ()


def parse_output(text: str) -> BenchmarkOutput:
    """Read stdout and stderr, one after the other or mixed; never raises."""
    values: dict[str, float | int | None] = {}
    findings: list[str] = []
    last_count: re.Match[str] | None = None
    explicit_failure, timed = False, False
    for raw in text.replace("\n\u2514", "").splitlines():  # LiteRT continues a message on such a line
        error = re.match(r"^(?:.*: )?(?:ERROR|FATAL): (.*)$", raw)
        line = PREFIX.sub("", raw).strip()
        if (count := COUNT.match(line)) and not timed:
            last_count = count  # the last one before the summary is the timed run; profiling adds others later
        elif line.startswith(OLD_TIMINGS):
            timed = True
            values |= _named(line, {"Init": "init_ms", "Inference": "mean_ms"})
        elif line.startswith(TIMINGS):
            timed = True
            names = {"Init": "init_ms", "First inference": "first_ms", "Inference (avg)": "mean_ms"}
            values |= (_count_values(last_count) if last_count else {}) | _named(line, names)
        elif match := MEMORY.search(line) or OLD_MEMORY.search(line):
            key = "overall_memory_bytes" if "delta" in line else "peak_memory_bytes"
            values |= {"init_memory_bytes": _bytes(match[1]), key: _bytes(match[2])}
        elif match := PEAK.search(line):
            values["peak_memory_bytes"] = _bytes(match[1])
        elif ":" in line and (name := LITERT_LINES.get(line.split(":")[0])):
            value = _float(re.sub(r"[^0-9.e+-].*$", "", line.split(":", 1)[1].strip()))
            if value is not None:
                values[name] = value
                timed = timed or name == "mean_ms"
            if match := re.search(r"\((\d{1,9}) runs\)", line):
                values["runs"] = int(match[1])
        if line == "Fully accelerated:     False":
            findings.append("not all ops run on the accelerator; the rest falls back to the CPU")
        if "Benchmarking failed" in line:
            explicit_failure = True
        findings += _findings(line, error)
    known = {name: value for name, value in values.items() if value is not None}
    failed = explicit_failure or not timed
    return BenchmarkOutput(**known, failed=failed, findings=tuple(dict.fromkeys(findings)))  # type: ignore[arg-type]


def _findings(line: str, error: re.Match[str] | None) -> list[str]:
    found = []
    if match := FLAGS.search(line):
        found.append(f"unknown flags: {match[1] or 'see the output'}")
    if match := REPLACED.search(line):
        taken, nodes, name, partitions = match.groups()
        if taken != nodes:
            found.append(f"{name} takes {taken} of {nodes} ops in {partitions} partitions; the rest runs on the CPU")
    if match := NOT_EXECUTED.search(line):
        found.append(f"the {match[1]} delegate was asked for and executes nothing")
    if match := PARTLY.search(line):
        found.append(f"the {match[1]} delegate executes a part of the graph only")
    if re.search(r"Failed to apply .* delegate", line):
        found.append(line)
    if error is not None and error[1].strip():
        found.append(f"error: {error[1].strip()[:200]}")
    return found


def _named(line: str, names: dict[str, str]) -> dict[str, float]:
    """`Name: microseconds` pairs of a summary line, in ms."""
    found = {}
    for part in line.split("us:", 1)[1].split(","):
        name, _, number = part.strip().rpartition(": ")
        value = _float(number)
        if name in names and value is not None:
            found[names[name]] = value / 1e3
    return found


def _count_values(count: re.Match[str]) -> dict[str, float | int]:
    """A `count=` line; with one run it has `curr` alone."""
    found: dict[str, float | int] = {"runs": int(count[1])}
    names = {name: f"{name}_ms" for name in ("min", "max", "std", "median", "p5", "p95")}
    for name, number in re.findall(r"(\w+)=(\S+)", count[2]):
        value = _float(number)
        if name in names and value is not None:
            found[names[name]] = value / 1e3
    return found


def _float(text: str) -> float | None:
    if not re.fullmatch(NUMBER, text.strip()):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _bytes(text: str) -> int | None:
    value = _float(text)
    return None if value is None else round(value * MEGABYTE)
