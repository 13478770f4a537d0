"""What to make of a source, and which combinations make sense: checked before any work."""

from __future__ import annotations

import dataclasses
import enum
import math
from pathlib import Path

from portraitlite.convert.calibration import DEFAULT_COUNT
from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.quantization import CALIBRATED, Engine
from portraitlite.convert.targets import Target
from portraitlite.convert.types import LabelsType, OutputSize, Recipe
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import Fit, OutputKind

__all__ = ["ConvertOptions", "FloatPart", "check_options"]


class FloatPart(enum.StrEnum):
    """Who picks the layers of a mixed file that stay float.

    DEFAULT: the recipe. AUTO: measured sensitivity and latency, see `choose_float_layers`.
    """

    DEFAULT = "default"
    AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
    """What to make of a source.

    Attributes:
        recipe: how to quantize.
        calibrate: folder of photos, or a `.txt` that lists them: activation ranges, and photos to judge on.
        calibration_count: at most so many photos of it.
        engine: who writes the quantized file; None takes the one that measured better, see `plan_quantization`.
        updates: steps of learning from the float network (int8, mixed); 0 is none. None takes the default where network
            and photos allow it.
        learn_kernels: (int8, mixed) learn the kernels too, not only ranges and biases.
        float_layers: of a mixed file, regular expressions over layer names; empty leaves the choice to `mixed`.
        mixed: who picks the float layers of a mixed file.
        max_latency_ratio: of a mixed file that picks its float layers by measurement, to the int8 file; None is 1.05.
        sensitivity: file to write the sensitivity report to (int8, mixed).
        output: what the model puts out.
        output_label: the one class of a confidence output.
        output_size: of logits and confidences.
        labels_type: of labels.
        camera: (height, width) of camera frames that the file takes and resizes itself; None takes the network's input.
        labels: file with class names.
        fit: how a photo becomes the input; camera frames are always stretched.
        flags: what the user states about the network.
        name: for people; None takes the source's.
        zoo_dir: where the zoo's tarballs lie; None is the user's cache folder.
        target: where the file will run; only adds remarks on its delegate, `targets.choose` picks by it.
    """

    recipe: Recipe = Recipe.INT8
    calibrate: Path | None = None
    calibration_count: int = DEFAULT_COUNT
    engine: Engine | None = None
    updates: int | None = None
    learn_kernels: bool = False
    float_layers: tuple[str, ...] = ()
    mixed: FloatPart = FloatPart.DEFAULT
    max_latency_ratio: float | None = None
    sensitivity: Path | None = None
    output: OutputKind = OutputKind.LABELS
    output_label: str | None = None
    output_size: OutputSize = OutputSize.NETWORK
    labels_type: LabelsType = LabelsType.UINT8
    camera: tuple[int, int] | None = None
    labels: Path | None = None
    fit: Fit = Fit.PAD
    flags: SpecFlags = dataclasses.field(default_factory=SpecFlags)
    name: str | None = None
    zoo_dir: Path | None = None
    target: Target | None = None


def check_options(options: ConvertOptions) -> None:
    """Whether they make sense together.

    Raises:
        InputError: they do not.
    """
    recipe, automatic = options.recipe, options.mixed is FloatPart.AUTO
    if recipe in CALIBRATED and options.calibrate is None:
        raise InputError(f"recipe {recipe} needs photos for its activation ranges: give --calibrate FOLDER")
    for option, given in (("--mixed auto", automatic), ("--float-layer", bool(options.float_layers))):
        if given and recipe is not Recipe.MIXED:
            raise InputError(f"{option} picks what stays float in a mixed file, not in {recipe}; add --recipe mixed")
    if automatic and options.float_layers:
        raise InputError("--mixed auto and --float-layer both say what stays float; give one of them")
    if automatic and options.engine is Engine.TFLITE_CONVERTER:
        raise InputError(f"tflite-converter makes no {recipe} files; use --engine litert-quantizer")
    learns = recipe in (Recipe.INT8, Recipe.MIXED) and options.engine is not Engine.TFLITE_CONVERTER
    if options.learn_kernels and (not learns or options.updates == 0):
        raise InputError(
            "--learn-kernels is for int8 and mixed files of litert-quantizer that learn; "
            f"here are recipe {recipe}, engine {options.engine or 'default'} and {options.updates} updates"
        )
    ratio = options.max_latency_ratio
    if ratio is not None and not automatic:
        raise InputError(
            "--max-latency-ratio limits what --mixed auto leaves in float; add --recipe mixed --mixed auto"
        )
    if ratio is not None and not (math.isfinite(ratio) and ratio > 0):
        raise InputError(f"--max-latency-ratio is {ratio}, expected a number above 0 such as 1.05")
    if options.sensitivity is not None and recipe not in (Recipe.INT8, Recipe.MIXED):
        raise InputError(f"--sensitivity measures what 8-bit activations cost, {recipe} has none; use int8 or mixed")
