"""The options that the verbs on photos share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Backend", "Force", "Inputs", "Jobs", "Json", "Model", "Quiet", "Resume", "Threads"]

Inputs = Annotated[
    list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG, WebP, TIFF, AVIF, ... or folders of them.")
]
Model = Annotated[str, typer.Option("--model", "-m", help="A bundled model's name or a .tflite file.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="CPU threads of each process.")]
Backend = Annotated[str | None, typer.Option("--backend", help="litert, tflite_runtime or tensorflow.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes for many photos; default: all CPUs.")]
Resume = Annotated[bool, typer.Option("--resume", help="Skip photos whose output exists already.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON summary on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")]
