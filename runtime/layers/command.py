"""The verb `layers`."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.batch import PhotoDone, PhotoWorker, Progress, run_photos
from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.bundled import SCENE_MODEL
from portraitlite.runtime.layers.folder import check_folder, write_layers
from portraitlite.runtime.layers.parsing import EffectRequest, make_effects, parse_effect
from portraitlite.runtime.layers.stack import MIN_SHARE, split_layers
from portraitlite.runtime.options import Backend, Force, Inputs, Jobs, Json, Model, Quiet, Resume, Threads
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.segmenter import Segmenter

__all__ = ["layers", "register"]


def layers(
    photos: Inputs,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to make; for several photos it gets one folder for each.")
    ],
    effect: Annotated[
        list[str] | None,
        typer.Option(
            "--effect",
            "-e",
            metavar="LABEL:EFFECT",
            help="blur=S, desaturate[=A], brightness=F, replace=PICTURE or hide; may be given several times.",
        ),
    ] = None,
    min_share: Annotated[
        float, typer.Option("--min-share", min=0.0, max=1.0, help="Least share of the photo that makes a layer.")
    ] = MIN_SHARE,
    model: Model = SCENE_MODEL,
    threads: Threads = 1,
    backend: Backend = None,
    jobs: Jobs = None,
    resume: Resume = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Split photos into one RGBA PNG for each label and an OpenRaster file for GIMP and Krita."""
    requests = tuple(parse_effect(text) for text in effect or ())
    run_photos(
        photos,
        output,
        functools.partial(_open, requests, min_share, model, threads, backend, force),
        suffix_of=lambda photo: "",
        check=functools.partial(check_folder, force=force),
        jobs=jobs,
        resume=resume,
        json=json,
        quiet=quiet,
    )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("layers")(layers)


def _open(
    requests: tuple[EffectRequest, ...], min_share: float, model: str, threads: int, backend: str | None, force: bool
) -> PhotoWorker:
    segmenter = Segmenter(model, threads=threads, backend=backend)
    renderer = BlurRenderer(threads=threads, backend=backend)
    effects = make_effects(requests, segmenter.metadata.labels, renderer)

    def split(path: Path, folder: Path, move: Progress) -> PhotoDone:
        photo = load_photo(path)
        start = time.perf_counter()
        stack = split_layers(
            photo,
            segmenter(photo),
            renderer,
            hidden=effects.hidden,
            min_share=min_share,
            progress=lambda done, total: move("masks", done, total),
        )
        written = write_layers(
            folder,
            stack,
            effects.by_label,
            name=path.stem,
            force=force,
            progress=lambda done, total: move("layers", done, total),
        )
        absent = sorted((effects.by_label.keys() | effects.hidden) - set(stack.labels))
        notices = tuple(f"the photo shows no {label}; its effects do nothing" for label in absent)
        document = {
            "input": str(path),
            "output": str(folder),
            "model": {"name": segmenter.metadata.name, "sha256": segmenter.sha256},
            "backend": segmenter.backend,
            "width": photo.width,
            "height": photo.height,
            "layers": [
                {
                    "label": layer.label,
                    "index": layer.index,
                    "file": file,
                    "x": layer.left,
                    "y": layer.top,
                    "width": layer.weight.shape[1],
                    "height": layer.weight.shape[0],
                    "area_share": layer.share,
                    "visible": layer.visible,
                }
                for layer, file in written.files
            ],
            "openraster": written.openraster,
            "merged": written.merged,
            "layers_ms": 1e3 * (time.perf_counter() - start),
        }
        seen = ", ".join(f"{layer.label} {100 * layer.share:.1f} %" for layer in reversed(stack.layers))
        return PhotoDone(document, f"{folder}: {seen} (top to bottom)", photo.notices + notices)

    return split
