"""The figures that a baseline may limit, how each is measured, and what an update leaves as room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from portraitlite.benchmarks.accuracy.figures import METRICS
from portraitlite.benchmarks.accuracy.record import AccuracyRecord
from portraitlite.benchmarks.gate.coverage import delegate_coverage
from portraitlite.benchmarks.gate.latency_ratio import latency_ratio
from portraitlite.benchmarks.memory import measure_memory
from portraitlite.runtime.errors import InputError

__all__ = ["FIGURES", "PERCENT", "measure_figures", "needs_float", "new_limit", "side_of"]

PERCENT = "_percent_of_float"
ERRORS = frozenset(name for name in METRICS if name.startswith(("matte_", "calibration_error")))
COSTS = ("size_bytes", "latency_ratio", "peak_memory_bytes")
COVERAGE = "delegate_coverage"
FIGURES = frozenset([*METRICS, *(name + PERCENT for name in METRICS if name not in ERRORS), *COSTS, COVERAGE])
"""Figures by name; those of accuracy are values of 0..1 as in `METRICS`, percentages 0..100."""


def needs_float(names: Iterable[str]) -> bool:
    """Whether the figures compare with a float file."""
    return any(name.endswith(PERCENT) or METRICS.get(name, ("",))[0] == "reference" for name in names)


def measure_figures(
    names: Iterable[str],
    model: Path,
    record: AccuracyRecord,
    *,
    reference: Path | None,
    threads: int,
    backend: str | None,
) -> dict[str, float]:
    """Values of the figures that are wanted.

    Args:
        names: of `FIGURES`.
        record: of the model alone, against the float file where `needs_float`.
        reference: file for `latency_ratio`.

    Raises:
        InputError: an unknown figure, or one that is not defined here: a gate does not pass what it cannot measure.
    """
    content = model.read_bytes()

    def ratio() -> float:
        if reference is None:
            raise InputError("latency_ratio needs a reference model; name it under [model] of the baseline")
        return latency_ratio(content, reference.read_bytes(), threads=threads, backend=backend, what=model.name)

    def memory() -> float:
        found = measure_memory(str(model), "invoke", threads=threads, backend=backend)
        if found is None or found.peak_run_bytes is None:
            raise InputError(
                "peak memory cannot be measured on this system; take peak_memory_bytes out of the baseline"
            )
        return float(found.peak_run_bytes - found.before_bytes)

    costs: dict[str, Callable[[], float]] = {
        "size_bytes": lambda: float(len(content)),
        "latency_ratio": ratio,
        "peak_memory_bytes": memory,
        COVERAGE: lambda: delegate_coverage(content, what=model.name),
    }
    values = {}
    for name in names:
        if name not in FIGURES:
            raise InputError(
                f"the baseline limits {name!r}, which is no figure; known are {', '.join(sorted(FIGURES))}"
            )
        values[name] = costs[name]() if name in costs else _accuracy(name, record)
    return values


def _accuracy(name: str, record: AccuracyRecord) -> float:
    plain = name.removesuffix(PERCENT)
    found = record.models[0].figures.get(plain)
    if found is None:
        raise InputError(f"{plain} is not defined on {record.dataset.name} for this model; take it out of the baseline")
    if name == plain:
        return found.value
    original = None if record.reference is None else record.reference.figures.get(plain)
    if original is None or not original.value > 0:
        raise InputError(f"{name} needs a float file with a {plain} above 0; name it under [model] of the baseline")
    return 100 * found.value / original.value


def side_of(name: str) -> str:
    """`maximum` for figures that are better when smaller, else `minimum`."""
    return "maximum" if name in COSTS or name in ERRORS else "minimum"


def new_limit(name: str, value: float) -> tuple[str, float]:
    """(`minimum` or `maximum`, limit) for a measured value, with room for what does not matter."""
    if name == COVERAGE:
        limit = value
    elif name in COSTS:
        room = {"size_bytes": 1.02, "latency_ratio": 1.2, "peak_memory_bytes": 1.15}[name]
        limit = round(value * room, 3) if name == "latency_ratio" else float(round(value * room))
    elif name in ERRORS:
        limit = round(value * 1.1, 6)
    else:
        limit = round(value - (0.5 if name.endswith(PERCENT) else 0.005), 6)
    return side_of(name), limit
