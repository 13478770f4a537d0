"""The verb `video`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.options import Backend, Force, Json, Quiet, Threads
from portraitlite.runtime.portrait import DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH
from portraitlite.runtime.portrait_command import focus_point
from portraitlite.runtime.subject import Keep
from portraitlite.runtime.video.film import FilmBlur, FilmResult, blur_film
from portraitlite.runtime.video.reader import load_av
from portraitlite.runtime.video.writer import check_film_output

__all__ = ["register", "video"]


def video(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="MP4, MOV, MKV, WebM or AVI.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Film to write, H.264: .mp4, .m4v, .mov or .mkv.")],
    strength: Annotated[
        float, typer.Option("--strength", "-s", min=0.0, max=1.0, help="0 leaves the film as it is, 1 blurs most.")
    ] = DEFAULT_STRENGTH,
    keep: Annotated[
        Keep | None,
        typer.Option(
            help="Who stays sharp: all, the largest, the one at --focus, or those about as near; whoever is chosen "
            "first is followed. Default: all, with --focus that one.",
            show_default=False,
        ),
    ] = None,
    focus: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y", help="A point on the subject when it first appears, as fractions: 0.5,0.5 = centre."
        ),
    ] = None,
    subject: Annotated[str, typer.Option(help="Class that stays sharp, such as cat.")] = "person",
    highlights: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="How far small clipped lights blur to bright discs; 0: as white paper."),
    ] = DEFAULT_HIGHLIGHTS,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A bundled model's name or a .tflite file. Default: portrait for people, scene for other subjects.",
            show_default=False,
        ),
    ] = None,
    threads: Threads = 1,
    backend: Backend = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Blur a film's background behind the people in it; sound and times are kept."""
    point = None if focus is None else focus_point(focus)
    load_av()
    check_film_output(output, force=force)
    with native_stderr_silenced():
        engine = FilmBlur(model, threads=threads, backend=backend, subject=subject)
    with progress_bar(quiet=quiet) as move:
        result = blur_film(
            film,
            output,
            engine,
            strength=strength,
            keep=keep,
            focus=point,
            highlights=highlights,
            force=force,
            progress=lambda done, total: move("frames", done, total),
        )
    for notice in result.notices:
        say(notice, quiet=quiet)
    if json:
        print_json(_document(film, output, engine, result, strength=strength, highlights=highlights, threads=threads))
    else:
        found = f"{result.frames} frames of {result.width}x{result.height}, subject in {result.with_subject}"
        say(f"{output}: {found}, {result.frames / result.seconds:.1f} frames/s", quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("video")(video)


def _document(
    film: Path, output: Path, engine: FilmBlur, result: FilmResult, *, strength: float, highlights: float, threads: int
) -> dict[str, Any]:
    facts = result.facts
    return {
        "input": str(film),
        "output": str(output),
        "model": {"name": engine.segmenter.metadata.name, "sha256": engine.segmenter.sha256},
        "backend": engine.segmenter.backend,
        "source": {
            "codec": facts.codec,
            "width": facts.width,
            "height": facts.height,
            "bits": facts.bits,
            "hdr": facts.hdr,
            "frames": facts.frames,
        },
        "width": result.width,
        "height": result.height,
        "frames": result.frames,
        "frames_with_subject": result.with_subject,
        "cuts": result.cuts,
        "damaged_packets": result.damaged,
        "strength": strength,
        "highlights": highlights,
        "seconds": result.seconds,
        "threads": threads,
        "notices": list(result.notices),
    }
