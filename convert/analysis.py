"""What a conversion measures on the float network before it quantizes: sensitivity, and the float part by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from portraitlite.convert.calibration import CalibrationSet, calibration_images, thin
from portraitlite.convert.options import ConvertOptions, FloatPart
from portraitlite.convert.quantization.choose import MAX_RATIO, Choice, choose_float_layers, report_sensitivity
from portraitlite.convert.quantization.sensitivity import SensitivityReport
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata

__all__ = ["Analysis", "analyse"]

MAX_PHOTOS = 32  # kept in memory; more do not change where the loss sits

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What was measured.

    Attributes:
        report: sensitivity, where it was asked for.
        choice: the float part, where it was to be measured.
        judged: photos left to judge the file on: none of them took part in the choice.
        held_out: none of `judged` fixed a range either.
    """

    report: SensitivityReport | None
    choice: Choice | None
    judged: tuple[Path, ...]
    held_out: bool


def analyse(
    options: ConvertOptions,
    float_model: bytes,
    chosen: CalibrationSet,
    metadata: ModelMetadata,
    progress: Progress,
) -> Analysis:
    """Measure what the options ask for.

    Args:
        options: say what.
        float_model: the file that the quantized one is made from.
        chosen: calibration photos.
        metadata: of the file.
        progress: called with (stage, done, total).

    Raises:
        InputError: an op cannot be emulated, or no float part keeps the limits.
    """
    held_out = bool(chosen.spare)
    automatic = options.mixed is FloatPart.AUTO
    if not automatic and options.sensitivity is None:
        return Analysis(None, None, chosen.spare or chosen.files, held_out)
    # Without spare photos half of the calibration's are left to judge on.
    looked_at = thin(chosen.files, MAX_PHOTOS if held_out else min(MAX_PHOTOS, (len(chosen.files) + 1) // 2))
    images = calibration_images(looked_at, metadata)
    if not automatic:
        report = report_sensitivity(float_model, images, metadata.mean, metadata.std, progress)
        return Analysis(report, None, chosen.spare or chosen.files, held_out)
    choice = choose_float_layers(
        float_model,
        images,
        metadata.mean,
        metadata.std,
        max_latency_ratio=options.max_latency_ratio or MAX_RATIO,
        layers=options.sensitivity is not None,
        progress=progress,
    )
    if choice.chosen is None:
        raise InputError(_nothing_fits(choice))
    others = tuple(path for path in chosen.files if path not in looked_at)
    return Analysis(choice.report if options.sensitivity else None, choice, chosen.spare or others, held_out)


def _nothing_fits(choice: Choice) -> str:
    if not choice.candidates:
        return "--mixed auto finds no beginning to leave in float: the network is one block; use --float-layer"
    nearest = min(choice.candidates, key=lambda candidate: candidate.float_share)
    return (
        f"--mixed auto: no float part keeps {choice.max_latency_ratio:g}x int8's latency and "
        f"{choice.max_size_ratio:g}x its size; the least, up to {nearest.last}, takes {nearest.latency_ratio:.2f}x and "
        f"{nearest.size_ratio:.2f}x; "
        "allow a larger --max-latency-ratio or use --recipe int8"
    )
