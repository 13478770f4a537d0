"""What the result card says about a quantized file beside its float original: agreement and latency, in one run."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from portraitlite.convert.agreement import Agreement, compare_models
from portraitlite.convert.inspect.counting import arena_bytes
from portraitlite.convert.inspect.measurement import NotMeasured
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.convert.inspect.xnnpack import measure_xnnpack
from portraitlite.runtime.backends import Runner, open_model
from portraitlite.runtime.metadata import ModelMetadata

__all__ = [
    "JUDGED_PHOTOS",
    "Coverage",
    "LatencyRatio",
    "Measures",
    "interleaved_latency",
    "measure",
    "xnnpack_coverage",
]

JUDGED_PHOTOS = 20
LATENCY_RUNS = 9

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class LatencyRatio:
    """Medians of interleaved single inferences on this machine, one thread; the ratio is what travels.

    Attributes:
        latency_ms: of the file.
        float_latency_ms: of the float original.
        runs: of each.
    """

    latency_ms: float
    float_latency_ms: float
    runs: int

    @property
    def ratio(self) -> float:
        """File over float original."""
        return self.latency_ms / self.float_latency_ms

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "ratio": self.ratio, "threads": 1}


@dataclasses.dataclass(frozen=True)
class Coverage:
    """What XNNPACK took of the file, as the runtime here delegated it.

    Attributes:
        taken, ops: number of ops.
        outside: kind -> number of those that stay outside, in plain kernels.
    """

    taken: int
    ops: int
    outside: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Measures:
    """Agreement (None where no photo was at hand), latency, and XNNPACK's coverage (None where it could not be run)."""

    agreement: Agreement | None
    latency: LatencyRatio
    xnnpack: Coverage | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "agreement": self.agreement.to_dict() if self.agreement else None,
            "latency": self.latency.to_dict(),
            "xnnpack": dataclasses.asdict(self.xnnpack) if self.xnnpack else None,
        }


def measure(
    float_model: bytes,
    float_metadata: ModelMetadata,
    model: bytes,
    metadata: ModelMetadata,
    photos: Sequence[Path],
    *,
    held_out: bool,
    progress: Progress,
) -> Measures:
    """Compare `model` with the float file that it was made from.

    Args:
        float_model, float_metadata: the original.
        model, metadata: the quantized file.
        photos: to judge on; may be empty.
        held_out: none of them was used for calibration.
        progress: called with (stage, done, total).
    """
    reference, candidate = open_model(float_model), open_model(model)
    agreement = None
    if photos:
        agreement = compare_models(
            reference,
            float_metadata,
            candidate,
            metadata,
            photos,
            held_out=held_out,
            progress=lambda done, total: progress("compare with float", done, total),
        )
    return Measures(agreement, interleaved_latency(candidate, reference), xnnpack_coverage(model))


def xnnpack_coverage(model: bytes) -> Coverage | None:
    """Load the file with XNNPACK, in a process of its own, and see what was delegated."""
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        graph = read_graph(model, path.name)
        measured = measure_xnnpack(path, graph, arena_bytes(graph))
    if isinstance(measured, NotMeasured):
        return None
    outside = Counter(op.title for i, op in enumerate(graph.ops) if not measured.taken.get(i, False))
    return Coverage(len(graph.ops) - outside.total(), len(graph.ops), dict(outside.most_common()))


def interleaved_latency(candidate: Runner, reference: Runner, runs: int = LATENCY_RUNS) -> LatencyRatio:
    """Time A B A B ..., so that a drifting machine hurts both alike; the first pair is a warm-up."""
    rng = np.random.default_rng(0)

    def picture(runner: Runner) -> dict[str, Any]:
        (info,) = runner.inputs
        values = rng.uniform(-1, 1, info.shape) if info.dtype == np.float32 else rng.integers(0, 128, info.shape)
        return {info.name: values.astype(info.dtype)}

    pairs = [(runner, picture(runner), list[float]()) for runner in (candidate, reference)]
    for _ in range(runs + 1):
        for runner, inputs, times in pairs:
            start = time.perf_counter()
            runner.run(inputs)
            times.append(1e3 * (time.perf_counter() - start))
    medians = [statistics.median(times[1:]) for _, _, times in pairs]
    return LatencyRatio(medians[0], medians[1], runs)
