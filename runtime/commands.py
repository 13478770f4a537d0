"""The verb `segment`, and the registration of the verbs on photos."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime import portrait_command
from portraitlite.runtime.batch import PhotoDone, PhotoWorker, Progress, run_photos
from portraitlite.runtime.bundled import DEFAULT_MODEL
from portraitlite.runtime.options import Backend, Force, Inputs, Jobs, Json, Model, Quiet, Resume, Threads
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.save import check_output, save_gray
from portraitlite.runtime.segmenter import Segmenter

__all__ = ["register", "segment"]


def segment(
    photos: Inputs,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Mask to write: .png, .webp or .tif; for many photos a folder.")
    ],
    model: Model = DEFAULT_MODEL,
    label: Annotated[
        str | None, typer.Option("--label", help="Write this class's confidence (0..255) instead of the class indices.")
    ] = None,
    threads: Threads = 1,
    backend: Backend = None,
    jobs: Jobs = None,
    resume: Resume = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a photo's mask, as large as the photo: soft for a one-class model, class indices otherwise."""
    run_photos(
        photos,
        output,
        partial(_open_segment, model, label, threads, backend, force),
        suffix_of=lambda photo: ".png",
        check=partial(check_output, force=force),
        jobs=jobs,
        resume=resume,
        json=json,
        quiet=quiet,
    )


def _open_segment(model: str, label: str | None, threads: int, backend: str | None, force: bool) -> PhotoWorker:
    return partial(_segment_one, Segmenter(model, threads=threads, backend=backend), label, force)


def _segment_one(
    segmenter: Segmenter, label: str | None, force: bool, photo: Path, output: Path, progress: Progress
) -> PhotoDone:
    loaded = load_photo(photo)
    result = segmenter(loaded)
    soft = label or result.metadata.output_label
    mask = result.photo_mask(soft) if soft else result.label_map()
    save_gray(output, mask, force=force)
    shares = result.shares()
    document = {
        "input": str(photo),
        "output": str(output),
        "model": {"name": segmenter.metadata.name, "sha256": segmenter.sha256},
        "backend": segmenter.backend,
        "width": result.width,
        "height": result.height,
        "mask": f"confidence of {soft}" if soft else "class indices",
        "area_share": shares,
    }
    seen = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    return PhotoDone(document, f"{output}: {seen}", loaded.notices)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("segment")(segment)
    portrait_command.register(app)
