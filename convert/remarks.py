"""One-line remarks of the result card: what somebody should know before shipping the file."""

from __future__ import annotations

from collections.abc import Sequence

from portraitlite.convert.calibration import CalibrationSet
from portraitlite.convert.measure import Measures
from portraitlite.convert.quantization.choose import Choice
from portraitlite.convert.ranges import named
from portraitlite.convert.types import Recipe

__all__ = ["calibration_remarks", "choice_remarks", "dead_remarks", "measure_remarks"]

SUSPICIOUS_AGREEMENT = 0.9
FEW_PHOTOS = 20  # ranges of fewer are luck; 50 to 100 are advised


def calibration_remarks(chosen: CalibrationSet) -> list[str]:
    """Photos that were passed over, and photos that are too few."""
    remarks = [f"photo passed over: {reason}" for _, reason in chosen.unreadable]
    remarks += [f"photo passed over: {name} has the pixels of another" for name in chosen.duplicates]
    if len(chosen.files) < FEW_PHOTOS:
        count = f"{len(chosen.files)} calibration photo" + "s" * (len(chosen.files) != 1)
        remarks.append(f"the activation ranges come from {count} only; 50 to 100 are advised")
    return remarks


def dead_remarks(layers: Sequence[str]) -> list[str]:
    """Layers whose output is the same whatever the picture."""
    if not layers:
        return []
    return [f"{len(layers)} layers put out the same whatever the picture ({named(layers)}); check the source's weights"]


def choice_remarks(choice: Choice) -> list[str]:
    """What `--mixed auto` chose and why."""
    chosen = choice.chosen
    if chosen is None:
        return []
    return [
        f"--mixed auto: float up to and with {chosen.last}, as this changes {100 * chosen.changed:.2f} % of the labels "
        f"of {choice.report.photos} photos instead of {100 * choice.int8_changed:.2f} % (before learning), at "
        f"{chosen.latency_ratio:.2f}x int8's latency here and {chosen.size_ratio:.2f}x its size",
    ]


def measure_remarks(measures: Measures, recipe: Recipe, labels: Sequence[str], output_label: str | None) -> list[str]:
    """What agreement with the float model tells.

    Args:
        measures: of the file.
        recipe: its recipe.
        labels: names of the classes.
        output_label: the one class of a confidence output.
    """
    agreement = measures.agreement
    if agreement is None:
        return ["agreement with the float model was not measured: give --calibrate FOLDER with more photos"]
    names = labels if output_label is None else (f"anything but {output_label}", output_label)
    remarks = []
    if agreement.mean < SUSPICIOUS_AGREEMENT:
        other = Recipe.FP32 if recipe is Recipe.FP16 else Recipe.FP16
        remarks.append(
            f"only {100 * agreement.mean:.1f} % of the labels are the float model's: this recipe does not suit the "
            f"network, or the photos are unlike its input; try --recipe {other}"
        )
    remarks += [f"{names[i]} is found by the float model and never by this file" for i in agreement.never]
    if agreement.unseen:
        unseen = named([names[i] for i in agreement.unseen])
        remarks.append(
            f"{len(agreement.unseen)} of {len(names)} classes win nowhere on the {len(agreement.photos)} photos of the "
            f"comparison, in the float model either ({unseen}): nothing is known about them"
        )
    if not agreement.held_out:
        remarks.append(
            "agreement was measured on the calibration photos themselves: give more photos for a fair figure"
        )
    return remarks
