"""The verb `convert`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.convert.options import FloatPart
from portraitlite.convert.quantization import Engine
from portraitlite.convert.targets import Target, choose
from portraitlite.convert.types import LabelsType, OutputSize, Recipe
from portraitlite.runtime.console import print_json, progress_bar, say
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import Fit, OutputKind

__all__ = ["convert", "parse_rates", "parse_size", "register"]


def parse_size(text: str | None, option: str) -> tuple[int, int] | None:
    """`385x513` or `385` -> (height, width); None stays None.

    Raises:
        InputError: of another form.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", text)
    if match is None:
        raise InputError(f"{option} {text!r} is not HEIGHTxWIDTH, such as 385x513, or one number for both")
    return int(match[1]), int(match[2] or match[1])


def parse_rates(text: str | None, option: str) -> tuple[int, ...] | None:
    """`6,12,18` -> (6, 12, 18); None stays None.

    Raises:
        InputError: of another form.
    """
    if text is None:
        return None
    if not re.fullmatch(r"[1-9]\d?(,[1-9]\d?){0,7}", text):
        raise InputError(f"{option} {text!r} is not a list of rates such as 6,12,18")
    return tuple(int(rate) for rate in text.split(","))


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A name of the model zoo, or a path: zoo tarball, TF1 checkpoint, frozen graph, SavedModel, .keras, "
            ".h5, float .tflite, Hugging Face folder.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .tflite to write; a .json appears beside it.")],
    target: Annotated[
        Target | None, typer.Option("--target", help="Pick recipe and output for this part of a phone, and say why.")
    ] = None,
    recipe: Annotated[Recipe | None, typer.Option("--recipe", help="How to quantize. Default: int8.")] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option("--calibrate", help="Folder of photos like the later ones, or a .txt list; int8 needs it."),
    ] = None,
    calibration_count: Annotated[
        int, typer.Option("--calibration-count", min=1, help="Use at most so many photos of the folder.")
    ] = 100,
    engine: Annotated[
        Engine | None, typer.Option("--engine", help="Who quantizes. Default: the one that measured better.")
    ] = None,
    updates: Annotated[
        int | None,
        typer.Option("--updates", min=0, help="Steps in which files of litert-quantizer learn from the float network."),
    ] = None,
    learn_kernels: Annotated[
        bool, typer.Option("--learn-kernels", help="Learn the kernels too: twice the time, for 1000 updates or more.")
    ] = False,
    float_layers: Annotated[
        list[str] | None,
        typer.Option(
            "--float-layer", help="With recipe mixed: a layer that stays float (regular expression). Repeatable."
        ),
    ] = None,
    mixed: Annotated[
        FloatPart,
        typer.Option(
            "--mixed", help="With recipe mixed: who picks what stays float; auto measures what each part costs."
        ),
    ] = FloatPart.DEFAULT,
    max_latency_ratio: Annotated[
        float | None,
        typer.Option(
            "--max-latency-ratio", help="With --mixed auto: at most so much of int8's latency. Default: 1.05."
        ),
    ] = None,
    sensitivity: Annotated[
        Path | None,
        typer.Option("--sensitivity", metavar="FILE.json", help="Also measure what each layer loses in 8 bits."),
    ] = None,
    output_kind: Annotated[
        OutputKind | None,
        typer.Option("--output-kind", help="labels (default): at input size; logits, confidence: network size."),
    ] = None,
    output_label: Annotated[
        str | None, typer.Option("--output-label", help="With confidence: put out this one class only.")
    ] = None,
    output_size: Annotated[
        OutputSize, typer.Option("--output-size", help="Of logits and confidence: the network's own, or the input's.")
    ] = OutputSize.NETWORK,
    labels_type: Annotated[LabelsType, typer.Option("--labels-type", help="Type of a label map.")] = LabelsType.UINT8,
    camera: Annotated[
        str | None,
        typer.Option(
            "--camera", metavar="HxW", help="Take uint8 camera frames of this size and resize them in the file."
        ),
    ] = None,
    crop: Annotated[
        str | None, typer.Option("--crop", metavar="HxW", help="Network input, height x width. Official: 513x513.")
    ] = None,
    output_stride: Annotated[int | None, typer.Option("--output-stride", help="8, 16 or 32.")] = None,
    atrous_rates: Annotated[
        str | None, typer.Option("--atrous-rates", metavar="R,R,R", help="Rates of the ASPP branches.")
    ] = None,
    decoder_stride: Annotated[
        int | None, typer.Option("--decoder-stride", help="4 or 8; read off the variables by default.")
    ] = None,
    align_corners: Annotated[
        bool | None,
        typer.Option("--align-corners/--no-align-corners", help="Resize convention of the network. Default: with."),
    ] = None,
    multi_grid: Annotated[
        str | None, typer.Option("--multi-grid", metavar="R,R,R", help="ResNet: 1,2,4 as published; Xception: 1,1,1.")
    ] = None,
    image_pooling_crop: Annotated[
        str | None, typer.Option("--image-pooling-crop", metavar="HxW", help="MobileNetV3: 769x769 as published.")
    ] = None,
    image_pooling_stride: Annotated[
        str | None, typer.Option("--image-pooling-stride", metavar="HxW", help="MobileNetV3: 4x5 as published.")
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", help="Checked against the variables.")] = None,
    depth_multiplier: Annotated[
        float | None, typer.Option("--depth-multiplier", help="Checked against the variables.")
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="Text file, one class name a line.")] = None,
    fit: Annotated[
        Fit, typer.Option("--fit", help="How photos become the input: pad keeps the shape, as the official code does.")
    ] = Fit.PAD,
    zoo_dir: Annotated[
        Path | None, typer.Option("--zoo-dir", help="Where zoo tarballs lie. Default: the user's cache folder.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name written into the model.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result card as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """Convert an official DeepLab-v3+ into a TFLite model that describes itself."""
    from portraitlite.convert.infer import SpecFlags
    from portraitlite.convert.pipeline import ConvertOptions
    from portraitlite.convert.pipeline import convert as run

    chosen_recipe, chosen_output, remarks = choose(target, recipe, output_kind)
    for remark in remarks:
        say(remark, quiet=quiet)
    options = ConvertOptions(
        recipe=chosen_recipe,
        calibrate=calibrate,
        calibration_count=calibration_count,
        engine=engine,
        updates=updates,
        learn_kernels=learn_kernels,
        float_layers=tuple(float_layers or ()),
        mixed=mixed,
        max_latency_ratio=max_latency_ratio,
        sensitivity=sensitivity,
        output=chosen_output,
        output_label=output_label,
        output_size=output_size,
        labels_type=labels_type,
        camera=parse_size(camera, "--camera"),
        zoo_dir=zoo_dir,
        target=target,
        labels=labels,
        fit=fit,
        name=name,
        flags=SpecFlags(
            output_stride=output_stride,
            crop=parse_size(crop, "--crop"),
            atrous_rates=parse_rates(atrous_rates, "--atrous-rates"),
            multi_grid=parse_rates(multi_grid, "--multi-grid"),
            image_pooling_crop=parse_size(image_pooling_crop, "--image-pooling-crop"),
            image_pooling_stride=parse_size(image_pooling_stride, "--image-pooling-stride"),
            depth_multiplier=depth_multiplier,
            align_corners=align_corners,
            decoder_stride=decoder_stride,
            classes=classes,
        ),
    )
    with progress_bar(quiet=quiet) as move:
        result = run(source, output, options, force=force, progress=move)
    for notice in result.notices:
        say(notice, quiet=quiet)
    if result.sensitivity is not None:
        say(result.sensitivity.to_table(), quiet=quiet)
    if json:
        print_json(result.to_dict())
        return
    from portraitlite.convert.card import print_card

    print_card(result)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("convert")(convert)
