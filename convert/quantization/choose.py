"""`--mixed auto`: how much of the beginning to leave in float, by measured cost and measured latency."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.float_part import layer_names
from portraitlite.convert.quantization.graph import FloatGraph
from portraitlite.convert.quantization.latency_ratio import latency_ratio
from portraitlite.convert.quantization.litert_quantizer import quantize_with_litert, start
from portraitlite.convert.quantization.sensitivity import SensitivityReport, measure_sensitivity
from portraitlite.convert.quantization.types import QuantizeOptions
from portraitlite.convert.types import Recipe

__all__ = ["Candidate", "Choice", "choose_float_layers", "report_sensitivity"]

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
TRIED = 6
FEW_PHOTOS = 4  # the emulation runs each photo once per layer and segment


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One beginning that was tried.

    Attributes:
        last: its last layer.
        changed: share of labels changed with it in float, see `Cost`.
        latency_ratio, size_ratio: of the mixed file to the int8 file; latency on this machine with one thread.
    """

    last: str
    changed: float
    latency_ratio: float
    size_ratio: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen and why.

    Attributes:
        float_layers: for `QuantizeOptions`; empty where no candidate kept the limits.
        candidates: all that were tried, best first.
        report: the sensitivity they were taken from.
    """

    float_layers: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    report: SensitivityReport

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)


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
        images: photos as the model takes them, [1, H, W, 3] float32; all fix the ranges, the first few are judged on.
        mean, std: of the normalisation.
        progress: called with (stage, done, total).

    Raises:
        InputError: no photo, or an op that cannot be emulated.
    """
    photos = list(images)
    network = start(FloatGraph(model), photos, mean, std)
    return measure_sensitivity(network, photos[:FEW_PHOTOS], lambda done, total: progress("sensitivity", done, total))


def choose_float_layers(
    model: bytes,
    images: Iterable[Floats],
    mean: float,
    std: float,
    *,
    max_latency_ratio: float = 1.05,
    max_size_ratio: float = 1.05,
    progress: Progress = lambda stage, done, total: None,
) -> Choice:
    """The beginning whose float layers save most labels within the limits.

    Args:
        model, images, mean, std, progress: see `report_sensitivity`.
        max_latency_ratio, max_size_ratio: of the mixed file to the int8 file.

    Raises:
        InputError: see `report_sensitivity`.
    """
    photos = list(images)
    report = report_sensitivity(model, photos, mean, std, progress)
    names = layer_names(FloatGraph(model))
    few = photos[:FEW_PHOTOS]  # speed and size depend on no range
    whole = quantize_with_litert(model, QuantizeOptions(Recipe.INT8, updates=0), few, mean, std)
    candidates: list[Candidate] = []
    chosen: tuple[str, ...] = ()
    for done, segment in enumerate(report.segments[:TRIED], 1):
        layers = tuple(dict.fromkeys(_literal(name) for name in names[: segment.ops]))
        options = QuantizeOptions(Recipe.MIXED, updates=0, float_layers=layers)
        mixed = quantize_with_litert(model, options, few, mean, std)
        candidate = Candidate(segment.name, segment.changed, latency_ratio(mixed, whole), len(mixed) / len(whole))
        candidates.append(candidate)
        fits = candidate.latency_ratio <= max_latency_ratio and candidate.size_ratio <= max_size_ratio
        if fits and not chosen:
            chosen = layers
        progress("try segments", done, min(TRIED, len(report.segments)))
    return Choice(chosen, tuple(candidates), report)


def _literal(name: str) -> str:
    return name.replace(".", r"\.")
