"""The verb `convert`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.convert.types import Recipe
from portraitlite.runtime.console import print_json, progress_bar, say
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import Fit, OutputKind

__all__ = ["convert", "parse_crop", "register"]


def parse_crop(text: str) -> tuple[int, int]:
    """`385x513` or `385` -> (height, width).

    Raises:
        InputError: of another form.
    """
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if match is None:
        raise InputError(f"crop {text!r} is not HEIGHTxWIDTH, such as 385x513, or one number for both")
    return int(match[1]), int(match[2] or match[1])


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Model-zoo tarball or TF1 checkpoint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .tflite to write; a .json appears beside it.")],
    recipe: Annotated[Recipe, typer.Option("--recipe", help="How to quantize.")] = Recipe.INT8,
    calibrate: Annotated[
        Path | None, typer.Option("--calibrate", help="Folder of photos like the later ones; int8 needs it.")
    ] = None,
    calibration_count: Annotated[
        int, typer.Option("--calibration-count", min=1, help="Use at most so many photos of the folder.")
    ] = 100,
    output_kind: Annotated[
        OutputKind, typer.Option("--output-kind", help="labels: uint8 at input size; logits, confidence: network size.")
    ] = OutputKind.LABELS,
    output_label: Annotated[
        str | None, typer.Option("--output-label", help="With confidence: put out this one class only.")
    ] = None,
    crop: Annotated[
        str | None, typer.Option("--crop", metavar="HxW", help="Network input, height x width. Default 513x513.")
    ] = None,
    output_stride: Annotated[int | None, typer.Option("--output-stride", help="8, 16 (default) or 32.")] = None,
    decoder_stride: Annotated[
        int | None, typer.Option("--decoder-stride", help="4 or 8; read off the variables by default.")
    ] = None,
    align_corners: Annotated[
        bool | None,
        typer.Option("--align-corners/--no-align-corners", help="Resize convention of the network. Default: with."),
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", help="Checked against the variables.")] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="Text file, one class name a line.")] = None,
    fit: Annotated[
        Fit, typer.Option("--fit", help="How photos become the input: pad keeps the shape, as the official code does.")
    ] = Fit.PAD,
    name: Annotated[str | None, typer.Option("--name", help="Name written into the model.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result card as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """Convert an official DeepLab-v3+ into a TFLite model that describes itself."""
    from portraitlite.convert.infer import SpecFlags
    from portraitlite.convert.pipeline import ConvertOptions
    from portraitlite.convert.pipeline import convert as run

    options = ConvertOptions(
        recipe=recipe,
        calibrate=calibrate,
        calibration_count=calibration_count,
        output=output_kind,
        output_label=output_label,
        labels=labels,
        fit=fit,
        name=name,
        flags=SpecFlags(
            output_stride=output_stride,
            crop=parse_crop(crop) if crop else None,
            align_corners=align_corners,
            decoder_stride=decoder_stride,
            classes=classes,
        ),
    )
    with progress_bar(quiet=quiet) as move:
        result = run(source, output, options, force=force, progress=move)
    for notice in result.notices:
        say(notice, quiet=quiet)
    if json:
        print_json(result.to_dict())
        return
    from portraitlite.convert.card import print_card

    print_card(result)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("convert")(convert)
