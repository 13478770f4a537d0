"""The verbs `segment` and `portrait`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.bundled import DEFAULT_MODEL
from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.portrait import DEFAULT_STRENGTH, Portrait
from portraitlite.runtime.types import IfNoSubject

__all__ = ["portrait", "register", "segment"]

Input = Annotated[Path, typer.Argument(metavar="PHOTO", help="JPEG, PNG, WebP, TIFF, ...")]
Model = Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a .tflite file.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="CPU threads.")]
Backend = Annotated[str | None, typer.Option("--backend", help="litert, tflite_runtime or tensorflow.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON summary on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")]


def segment(
    photo: Input,
    output: Annotated[Path, typer.Option("--output", "-o", help="Mask to write: .png, .webp or .tif.")],
    model: Model = DEFAULT_MODEL,
    label: Annotated[
        str | None, typer.Option("--label", help="Write this class's confidence (0..255) instead of the class indices.")
    ] = None,
    threads: Threads = 1,
    backend: Backend = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a photo's mask, as large as the photo: soft for a one-class model, class indices otherwise."""
    from portraitlite.runtime.photo import load_photo
    from portraitlite.runtime.save import check_output, save_gray
    from portraitlite.runtime.segmenter import Segmenter

    check_output(output, force=force)
    loaded = load_photo(photo)
    for notice in loaded.notices:
        say(notice, quiet=quiet)
    with native_stderr_silenced():
        segmenter = Segmenter(model, threads=threads, backend=backend)
    result = segmenter(loaded)
    soft = label or result.metadata.output_label
    mask = result.photo_mask(soft) if soft else result.label_map()
    save_gray(output, mask, force=force)
    shares = result.shares()
    if json:
        print_json(
            {
                "input": str(photo),
                "output": str(output),
                "model": {"name": segmenter.metadata.name, "sha256": segmenter.sha256},
                "backend": segmenter.backend,
                "width": result.width,
                "height": result.height,
                "mask": f"confidence of {soft}" if soft else "class indices",
                "area_share": shares,
            }
        )
    else:
        seen = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
        say(f"{output}: {seen}", quiet=quiet)


def portrait(
    photo: Input,
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write: .jpg, .png, .webp or .tif.")],
    strength: Annotated[
        float, typer.Option("--strength", "-s", min=0.0, max=1.0, help="0 leaves the photo as it is, 1 blurs most.")
    ] = DEFAULT_STRENGTH,
    model: Model = DEFAULT_MODEL,
    if_no_subject: Annotated[
        IfNoSubject, typer.Option("--if-no-subject", help="With nobody in the photo: fail, copy it, or blur all of it.")
    ] = IfNoSubject.FAIL,
    threads: Threads = 1,
    backend: Backend = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Blur a photo's background behind the people in it."""
    from portraitlite.runtime.photo import load_photo
    from portraitlite.runtime.save import check_output, save_photo

    check_output(output, force=force)
    loaded = load_photo(photo)
    for notice in loaded.notices:
        say(notice, quiet=quiet)
    with native_stderr_silenced():
        engine = Portrait(model, threads=threads, backend=backend)
    with progress_bar(quiet=quiet) as move:
        result = engine(
            loaded,
            strength=strength,
            if_no_subject=if_no_subject,
            progress=lambda done, total: move("blur", done, total),
        )
    save_photo(output, result.pixels, loaded, force=force)
    height, width = result.pixels.shape[:2]
    if json:
        print_json(
            {
                "input": str(photo),
                "output": str(output),
                "model": {"name": engine.segmenter.metadata.name, "sha256": engine.segmenter.sha256},
                "backend": engine.segmenter.backend,
                "width": width,
                "height": height,
                "strength": strength,
                "subject_share": result.subject.share,
                "subject_found": result.subject.found,
                "segment_ms": result.segment_ms,
                "blur_ms": result.blur_ms,
                "threads": threads,
            }
        )
    else:
        say(
            f"{output}: subject {100 * result.subject.share:.1f} % of {width}x{height}, "
            f"segment {result.segment_ms:.0f} ms, blur {result.blur_ms:.0f} ms",
            quiet=quiet,
        )


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("segment")(segment)
    app.command("portrait")(portrait)
