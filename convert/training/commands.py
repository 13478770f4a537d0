"""The verb `train`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.console import print_json, progress_bar, say
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["register", "train"]


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="Network, data, losses and schedule.")],
    data: Annotated[Path, typer.Option("--data", help="Folder that the config's paths are relative to.")] = Path(),
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run. Default: the config's name.")] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder for the teachers' outputs. Default: `teachers` in --out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Instead of the config's schedule.steps.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fine-tune and distil a DeepLab-v3+; the weights can be converted afterwards."""
    from portraitlite.convert.training.config_file import load_config

    loaded = load_config(config)
    if steps is not None:
        loaded = dataclasses.replace(loaded, schedule=dataclasses.replace(loaded.schedule, steps=steps))
    if not data.is_dir():
        raise InputError(f"{data} is not a folder; --data takes the one that the config's paths are relative to")
    try:
        from portraitlite.convert.training.trainer import Folders
        from portraitlite.convert.training.trainer import train as run
    except ImportError as error:
        raise MissingDependencyError(
            f"training needs Keras and a backend ({error}); pip install 'portraitlite[train]'"
        ) from error
    target = out or Path(config.stem)
    folders = Folders(data, config.parent, target, cache or target / "teachers")
    with progress_bar(quiet=quiet) as move:
        result = run(loaded, folders, resume=resume, progress=move)
    if json:
        print_json(result.to_dict())
        return
    say(f"{result.steps} steps, {result.seconds_per_step:.2f} s each: {result.weights}", quiet=quiet)
    for name, scores in result.evaluation.items():
        say(f"  {name}: " + ", ".join(f"{key} {value:.4f}" for key, value in scores.items()), quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("train")(train)
