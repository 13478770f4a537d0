"""The verb `portrait`."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from portraitlite.runtime.batch import PhotoDone, PhotoWorker, Progress, run_photos
from portraitlite.runtime.batch_plan import same_format
from portraitlite.runtime.depth import DepthConvention, DepthGuess, DepthMap
from portraitlite.runtime.depth_file import load_depth, load_photo_depth
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.options import Backend, Force, Inputs, Jobs, Json, Quiet, Resume, Threads
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.portrait import DEFAULT_GRAIN, DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH, Portrait, PortraitResult
from portraitlite.runtime.save import check_output, save_photo
from portraitlite.runtime.subject import Keep
from portraitlite.runtime.types import IfNoSubject

__all__ = ["focus_point", "portrait", "register"]

OWN_DEPTH = "self"


@dataclasses.dataclass(frozen=True)
class _Job:
    """What the command line asks for; travels to the worker processes."""

    model: str | None
    subject: str
    held: tuple[str, ...] | None
    threads: int
    backend: str | None
    strength: float
    highlights: float
    grain: float
    keep: Keep | None
    focus: tuple[float, float] | None
    depth: DepthMap | DepthGuess | None  # None: the map inside each photo
    if_no_subject: IfNoSubject
    force: bool


def portrait(
    photos: Inputs,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Picture to write: .jpg, .png, .webp or .tif; for many photos a folder."),
    ],
    strength: Annotated[
        float, typer.Option("--strength", "-s", min=0.0, max=1.0, help="0 leaves the photo as it is, 1 blurs most.")
    ] = DEFAULT_STRENGTH,
    keep: Annotated[
        Keep | None,
        typer.Option(
            help="Who stays sharp: all, the largest, the one at --focus, or those about as near as that one (without "
            "--focus: as the largest). Default: all, with --focus that one.",
            show_default=False,
        ),
    ] = None,
    focus: Annotated[
        str | None,
        typer.Option(metavar="X,Y", help="A point on the subject, as fractions of width and height: 0.5,0.5 = centre."),
    ] = None,
    subject: Annotated[str, typer.Option(help="Class that stays sharp, such as cat.")] = "person",
    held: Annotated[
        str | None,
        typer.Option(
            metavar="A,B|none",
            help="Classes that stay sharp where they touch the subject. Default: bottles, bicycles and animals, as far "
            "as the model knows them.",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[
        str,
        typer.Option(
            metavar="constant|ground|self|FILE",
            help="How blur grows with distance: not at all, along the ground behind the subject's feet, as the depth "
            "map inside the phone's photo says, or that of a file: a grey PNG or TIFF (8 or 16 bits), which is "
            "stretched over the photo, or a phone's JPEG with a depth map inside.",
        ),
    ] = DepthGuess.CONSTANT.value,
    depth_convention: Annotated[
        DepthConvention,
        typer.Option(
            help="What is white in a grey depth picture, or how its 16 bits hold millimetres; a JPEG says it."
        ),
    ] = DepthConvention.NEAR_WHITE,
    highlights: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="How far small clipped lights blur to bright discs; 0: as white paper."),
    ] = DEFAULT_HIGHLIGHTS,
    grain: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How much of the photo's own noise the blurred part gets back.")
    ] = DEFAULT_GRAIN,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A bundled model's name or a .tflite file. Default: portrait for people, scene for other subjects and "
            "with --held.",
            show_default=False,
        ),
    ] = None,
    if_no_subject: Annotated[
        IfNoSubject, typer.Option("--if-no-subject", help="With nobody in the photo: fail, copy it, or blur all of it.")
    ] = IfNoSubject.FAIL,
    threads: Threads = 1,
    backend: Backend = None,
    jobs: Jobs = None,
    resume: Resume = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Blur a photo's background behind the people in it."""
    job = _Job(
        model=model,
        subject=subject,
        held=None if held is None else tuple(name for name in held.split(",") if name not in ("", "none")),
        threads=threads,
        backend=backend,
        strength=strength,
        highlights=highlights,
        grain=grain,
        keep=keep,
        focus=None if focus is None else focus_point(focus),
        depth=_depth(depth, depth_convention),
        if_no_subject=if_no_subject,
        force=force,
    )
    if isinstance(job.depth, DepthMap) and (len(photos) > 1 or photos[0].is_dir()):
        raise InputError(f"the depth map {depth} belongs to one photo, but several were given; do them one by one")
    run_photos(
        photos,
        output,
        partial(_open, job),
        suffix_of=same_format,
        check=partial(check_output, force=force),
        jobs=jobs,
        resume=resume,
        json=json,
        quiet=quiet,
    )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("portrait")(portrait)


def _open(job: _Job) -> PhotoWorker:
    engine = Portrait(job.model, threads=job.threads, backend=job.backend, subject=job.subject, held=job.held)
    return partial(_portrait_one, engine, job)


def _portrait_one(engine: Portrait, job: _Job, photo: Path, output: Path, progress: Progress) -> PhotoDone:
    loaded = load_photo(photo)
    result = engine(
        loaded,
        strength=job.strength,
        highlights=job.highlights,
        grain=job.grain,
        keep=job.keep,
        focus=job.focus,
        depth=load_photo_depth(photo) if job.depth is None else job.depth,
        if_no_subject=job.if_no_subject,
        progress=lambda done, total: progress("blur", done, total),
    )
    save_photo(output, result.pixels, loaded, force=job.force)
    notices = loaded.notices
    if job.depth is DepthGuess.GROUND and result.blur_map is None:
        notices += ("the subject's feet are not in the photo, so all of the background is blurred equally",)
    document = {
        "input": str(photo),
        "output": str(output),
        "model": {"name": engine.segmenter.metadata.name, "sha256": engine.segmenter.sha256},
        "backend": engine.segmenter.backend,
        "width": loaded.width,
        "height": loaded.height,
        "strength": job.strength,
        "highlights": job.highlights,
        "grain": job.grain,
        "subject": _who(result, job),
        "subject_share": result.subject.share,
        "subject_found": result.subject.found,
        "depth": _depth_used(result, job),
        "segment_ms": result.segment_ms,
        "blur_ms": result.blur_ms,
        "threads": job.threads,
    }
    kept = sum(figure.kept for figure in result.subject.figures)
    people = f"{kept} of {len(result.subject.figures)} kept, " if kept < len(result.subject.figures) else ""
    summary = (
        f"{output}: subject {100 * result.subject.share:.1f} % of {loaded.width}x{loaded.height}, {people}"
        f"segment {result.segment_ms:.0f} ms, blur {result.blur_ms:.0f} ms"
    )
    return PhotoDone(document, summary, notices)


def _who(result: PortraitResult, job: _Job) -> dict[str, Any]:
    figures = result.subject.figures
    return {
        "label": job.subject,
        "keep": job.keep or (Keep.FOCUS if job.focus else Keep.ALL),
        "focus": job.focus,
        "found": len(figures),
        "kept": sum(figure.kept for figure in figures),
        "figures": [
            {"box": [round(edge, 4) for edge in figure.box], "share": round(figure.share, 5), "kept": figure.kept}
            for figure in figures
        ],
    }


def _depth_used(result: PortraitResult, job: _Job) -> str:
    if result.blur_map is None:
        return DepthGuess.CONSTANT.value
    return job.depth.value if isinstance(job.depth, DepthGuess) else "map"


def focus_point(text: str) -> tuple[float, float]:
    """`0.5,0.3` -> (0.5, 0.3).

    Raises:
        InputError: not two numbers.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--focus {text} is no point; give X,Y as fractions of width and height: 0.5,0.3") from error
    return x, y


def _depth(text: str, convention: DepthConvention) -> DepthMap | DepthGuess | None:
    if text == OWN_DEPTH:
        return None
    if text in list(DepthGuess):
        return DepthGuess(text)
    return load_depth(Path(text), convention)
