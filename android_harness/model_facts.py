"""The facts that the native harness reads: a text file of KEY=VALUE lines, so that it parses no JSON and no flatbuffer.

`docs/harness.md` lists the keys.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.host import place_map
from portraitlite.runtime.blur.levels import level_of_radius, nearest_layer
from portraitlite.runtime.blur.sizing import choose_scale, disc_radius
from portraitlite.runtime.blur.spec import BlurSpec, PixelType
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.subject import SubjectChoice, check_choice, held_labels
from portraitlite.runtime.types import OutputKind

__all__ = ["blur_facts", "blur_files", "model_facts"]

Floats = npt.NDArray[np.float32]


def model_facts(metadata: ModelMetadata, choice: SubjectChoice | None = None) -> str:
    """How to feed a model, how to read it, and who is the subject.

    Args:
        metadata: of the model.
        choice: label and held classes are taken from it; keep and focus are options of the program.

    Raises:
        InputError: the model does not know a class.
    """
    choice = choice or SubjectChoice()
    check_choice(choice, metadata)
    channel, invert = _channel(metadata, choice.label)
    height, width = metadata.network_size
    held = [str(metadata.labels.index(label)) for label in held_labels(choice, metadata)]
    return _lines(
        input=f"{metadata.input_width}x{metadata.input_height}",
        network=f"{width}x{height}",
        fit=metadata.fit,
        mean=repr(float(metadata.mean)),
        std=repr(float(metadata.std)),
        kind=metadata.output_kind,
        convention=metadata.resize_convention,
        channel=channel,
        invert=int(invert),
        held=",".join(held),
    )


def blur_facts(spec: BlurSpec) -> str:
    """Size and look of the blur graphs."""
    return _lines(
        long_side=spec.long_side,
        short_side=spec.short_side,
        scales=",".join(map(str, spec.scales)),
        tile_height=spec.tile_height,
        tile_width=spec.tile_width,
        max_radius=repr(float(spec.max_radius)),
        layers=spec.layers,
        noise_seed=spec.noise_seed,
    )


def blur_files(
    height: int, width: int, spec: BlurSpec, *, strength: float, coc: Floats | None = None
) -> tuple[str, ...]:
    """Names of the graphs that the program opens: plan, fill, apply.

    Args:
        height, width: of the photo in pixels.
        strength, coc: as for `plan_inputs`.

    Raises:
        InputError: the photo is empty or too large.
    """
    choice = choose_scale(height, width, spec)
    radius = disc_radius(height, width, choice.scale, strength, spec)
    relative = np.ones((1, 1), np.float32) if coc is None else place_map(coc, (height, width), choice)
    nearest = nearest_layer(level_of_radius(relative.astype(np.float64) * radius, spec), spec)
    tiles = (spec.fill_file(choice.scale, PixelType.UINT8), spec.apply_file(choice.scale, PixelType.UINT8))
    return spec.plan_file(choice.orientation, nearest), *tiles


def _channel(metadata: ModelMetadata, label: str) -> tuple[int, bool]:
    """Where the subject's confidence stands in the output, and whether it is the other class's."""
    if metadata.output_kind is OutputKind.LABELS or metadata.output_label is None:
        return metadata.labels.index(label), False
    if label != metadata.output_label and len(metadata.labels) != 2:
        raise InputError(f"the model puts out the confidence of {metadata.output_label!r} only, not of {label!r}")
    return 0, label != metadata.output_label


def _lines(**values: object) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())
