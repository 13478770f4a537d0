"""`--mixed auto`: how much of the beginning to leave in float, by measured cost and measured latency."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.gate.latency_ratio import latency_ratio
from portraitlite.convert.quantization.float_part import default_float_ops, float_share, layer_names
from portraitlite.convert.quantization.graph import FloatGraph, score_tensor
from portraitlite.convert.quantization.litert_quantizer import quantize_with_litert, start
from portraitlite.convert.quantization.sensitivity import Cost, SensitivityReport, measure_sensitivity
from portraitlite.convert.quantization.types import QuantizeOptions
from portraitlite.convert.types import Recipe

__all__ = ["MAX_RATIO", "Candidate", "Choice", "choose_float_layers", "report_sensitivity"]

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
MAX_RATIO = 1.05  # of a mixed file to the int8 file, latency and size
RUNS = 15  # timed pairs for each latency ratio
FEW_PHOTOS = 4  # the emulation runs each photo once per layer and segment


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One beginning that was tried.

    Attributes:
        last: its last layer.
        changed: share of labels changed with it in float, see `Cost`.
        float_share: of the multiply-adds, those that are float.
        latency_ratio, size_ratio: of the mixed file to the int8 file; latency on this machine with one thread.
        fits: both ratios are within the limits.
    """

    last: str
    changed: float
    float_share: float
    latency_ratio: float
    size_ratio: float
    fits: bool


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen and why.

    Attributes:
        float_layers: for `QuantizeOptions`; empty where no candidate kept the limits.
        chosen: the candidate behind them.
        int8_changed: share of labels changed with the beginning in 8 bits.
        max_latency_ratio, max_size_ratio: the limits.
        candidates: all that were tried, fewest changed labels first.
        report: the sensitivity they were taken from.
    """

    float_layers: tuple[str, ...]
    chosen: Candidate | None
    int8_changed: float
    max_latency_ratio: float
    max_size_ratio: float
    candidates: tuple[Candidate, ...]
    report: SensitivityReport

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the report's rows are left out."""
        result = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "report"}
        result["chosen"] = dataclasses.asdict(self.chosen) if self.chosen else None
        result["candidates"] = [dataclasses.asdict(candidate) for candidate in self.candidates]
        return {**result, "float_layers": list(self.float_layers), "photos": self.report.photos}


def report_sensitivity(
    model: bytes,
    images: Iterable[Floats],
    mean: float,
    std: float,
    progress: Progress = lambda stage, done, total: None,
) -> SensitivityReport:
    """Sensitivity of a float file, on its calibration photos.

    Args:
        model: float file with one input and one output.
        images: photos as the model takes them, [1, H, W, 3] float32, kept in memory; all fix the ranges, a few of them,
            evenly spread, are judged on.
        mean, std: of the normalisation.
        progress: called with (stage, done, total).

    Raises:
        InputError: no photo, or an op that cannot be emulated.
    """
    return _report(model, list(images), mean, std, frozenset(), progress, layers=True)


def choose_float_layers(
    model: bytes,
    images: Iterable[Floats],
    mean: float,
    std: float,
    *,
    max_latency_ratio: float = MAX_RATIO,
    max_size_ratio: float = MAX_RATIO,
    layers: bool = True,
    progress: Progress = lambda stage, done, total: None,
) -> Choice:
    """The beginning whose float layers save most labels within the limits.

    Beginnings contain one another, so the longest that keeps the limits is found by halving; among it and the shorter
    ones the sensitivity decides. The scores are float too where `default_float_ops` has them.

    Args:
        model, images, mean, std, progress: see `report_sensitivity`.
        max_latency_ratio, max_size_ratio: of the mixed file to the int8 file.
        layers: the report also has every layer alone, which the choice does not need.

    Raises:
        InputError: see `report_sensitivity`.
    """
    photos = list(images)
    graph = FloatGraph(model)
    names = layer_names(graph)
    first_score = next(i for i, op in enumerate(graph.ops) if op.output == score_tensor(graph))
    tail = frozenset(op for op in default_float_ops(graph) if op >= first_score)
    report = _report(model, photos, mean, std, tail, progress, layers=layers)
    few = photos[:1]  # speed and size depend on no range
    whole = quantize_with_litert(model, QuantizeOptions(Recipe.INT8, updates=0), few, mean, std)
    segments = sorted(report.segments, key=lambda cost: cost.ops)
    tries = math.ceil(math.log2(len(segments) + 1)) + 1
    tried: dict[int, Candidate] = {}

    def float_layers(segment: Cost) -> tuple[str, ...]:
        ops = sorted({*range(segment.ops), *tail})
        return tuple(dict.fromkeys(re.escape(names[op]) for op in ops))

    def measured(segment: Cost) -> Candidate:
        if segment.ops not in tried:
            options = QuantizeOptions(Recipe.MIXED, updates=0, float_layers=float_layers(segment))
            mixed = quantize_with_litert(model, options, few, mean, std)
            ratio, size = latency_ratio(mixed, whole, runs=RUNS), len(mixed) / len(whole)
            fits = ratio <= max_latency_ratio and size <= max_size_ratio
            share = float_share(graph, {*range(segment.ops), *tail})
            tried[segment.ops] = Candidate(segment.name, segment.changed, share, ratio, size, fits)
            progress("try float parts", len(tried), max(tries, len(tried)))
        return tried[segment.ops]

    fitting, beyond = 0, len(segments)
    while fitting < beyond:
        middle = (fitting + beyond) // 2
        fitting, beyond = (middle + 1, beyond) if measured(segments[middle]).fits else (fitting, middle)
    best_first = sorted(segments[:fitting], key=lambda cost: (cost.changed, cost.ops))
    chosen = next((segment for segment in best_first if measured(segment).fits), None)
    return Choice(
        float_layers(chosen) if chosen else (),
        measured(chosen) if chosen else None,
        report.everything.changed,
        max_latency_ratio,
        max_size_ratio,
        tuple(candidate for _, candidate in sorted(tried.items(), key=lambda item: (item[1].changed, item[0]))),
        report,
    )


def _report(
    model: bytes,
    photos: Sequence[Floats],
    mean: float,
    std: float,
    kept: frozenset[int],
    progress: Progress,
    *,
    layers: bool,
) -> SensitivityReport:
    network = dataclasses.replace(start(FloatGraph(model), photos, mean, std), float_ops=kept)
    judged = photos[:: math.ceil(len(photos) / FEW_PHOTOS)]
    return measure_sensitivity(network, judged, lambda done, total: progress("sensitivity", done, total), layers=layers)
