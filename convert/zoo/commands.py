"""The verb `zoo`."""

from __future__ import annotations

import itertools
import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portraitlite.runtime.console import print_json, progress_bar, say
from portraitlite.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portraitlite.convert.zoo.model import ZooModel

__all__ = ["register", "zoo"]

MAX_RECORD_BYTES = 1 << 16


def zoo(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show this model only.")] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the model's tarball. Nothing else uses the network.")
    ] = False,
    mirror: Annotated[
        str | None, typer.Option("--mirror", metavar="URL", help="Folder to fetch from instead of the official one.")
    ] = None,
    zoo_dir: Annotated[
        Path | None, typer.Option("--zoo-dir", help="Where tarballs lie. Default: the user's cache folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch it again and overwrite it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """List the official DeepLab models, show one, or fetch it; `convert` takes their names."""
    from portraitlite.convert.zoo.catalogue import BACKBONES, MODELS, find_model
    from portraitlite.convert.zoo.folder import default_zoo_dir, tarball_path

    if name is None and download:
        raise InputError("--download fetches one model: give its name, `portraitlite zoo` lists them")
    if mirror is not None and not download:
        raise InputError("--mirror says where to fetch from: give it with --download")
    if name is None:
        if json:
            lists = {"models": MODELS, "backbones": BACKBONES}
            print_json({key: [model.to_dict() for model in models] for key, models in lists.items()})
        else:
            _print_list((*MODELS, *BACKBONES))
        return
    model = find_model(name)
    folder = zoo_dir or default_zoo_dir()
    path = tarball_path(model, folder)
    if download and path.is_file() and not force:
        say(f"{path} is there already; --force fetches it again", quiet=quiet)
    elif download:
        from portraitlite.convert.zoo.download import download as fetch

        with progress_bar(quiet=quiet) as move:
            fetch(model, folder, mirror=mirror, progress=move)
    state = {"path": str(path) if path.is_file() else None, "download": _record(model, folder)}
    if json:
        print_json({**model.to_dict(), **state})
    else:
        _print_one(model, zoo_dir, state)


def _record(model: ZooModel, folder: Path) -> dict[str, Any] | None:
    """What the download of a tarball left beside it; None for one that was put there by hand."""
    from portraitlite.convert.zoo.folder import record_path, tarball_path

    path = record_path(model, folder)
    try:
        if not tarball_path(model, folder).is_file() or path.stat().st_size > MAX_RECORD_BYTES:
            return None
        document = json_module.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _print_list(models: Iterable[ZooModel]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from portraitlite.convert.zoo.model import LICENCE

    table = Table(
        box=box.SIMPLE_HEAD,
        padding=0,  # so that it fits 80 columns
        show_edge=False,
        caption="mIoU and multiply-adds (MACs) as published: one pass, or * averaged over scales and mirrored inputs. "
        f"Verified: an official sample of the family was at hand. Licence: {LICENCE}.",
        caption_justify="left",
    )
    table.add_column("name, file", overflow="fold", min_width=39)  # the longest name
    for header in ("mIoU %", "MACs\n10⁹", "MB", "verified"):
        table.add_column(header, justify="right")
    for group, members in itertools.groupby(models, _group):
        table.add_row(f"[bold]{group}[/bold]")
        for model in members:
            results = model.results
            table.add_row(
                f"{model.name}\n[dim]{model.file}[/dim]",
                "\n".join(
                    f"{r.miou_percent:.2f} {r.split} OS{r.output_stride}{'' if r.single_pass else '*'}" for r in results
                ),
                "\n".join(f"{r.multiply_adds_billions or '-'}" for r in results),
                f"{model.size_mib or '-'}",
                "yes" if model.verified else "no" if model.spec else "-",
            )
        table.add_section()
    Console().print(table)


def _group(model: ZooModel) -> str:
    if model.spec is None:
        return "backbones: to train from only"
    return f"{model.dataset}, {model.spec.classes} classes"


def _print_one(model: ZooModel, zoo_dir: Path | None, state: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from portraitlite.convert.zoo.folder import download_command
    from portraitlite.convert.zoo.model import LICENCE

    rows = {"file": model.file, "published at": f"{model.url} ({model.size_text})", "data": model.dataset}
    if model.spec is None:
        rows["network"] = "a backbone without a segmentation head; it cannot be converted"
    else:
        spec = model.spec
        rows["network"] = (
            f"{spec.backbone} x{spec.depth_multiplier:g}, {spec.head}, {spec.classes} classes, "
            f"output stride {spec.output_stride}, decoder {spec.decoder_stride or 'none'}, "
            f"input {spec.crop_height}x{spec.crop_width} (height x width)"
        )
        rows["mIoU %"] = "; ".join(result.describe() for result in model.results) + " (as published)"
        rows["multiply-adds"] = (
            ", ".join(
                f"{result.multiply_adds_billions:g} billion"
                for result in model.results
                if result.multiply_adds_billions is not None
            )
            or "not published"
        )
        rows["verified"] = "yes" if model.verified else "no: no official sample of this kind was at hand"
    rows["licence"] = LICENCE
    if model.note:
        rows["note"] = model.note
    if state["path"] is None:
        rows["here"] = f"no: `{download_command(model, zoo_dir)}` fetches it"
    else:
        rows["here"] = state["path"]
        rows["sha256"] = str(
            (state["download"] or {}).get("sha256", "not recorded: it was not downloaded by this tool")
        )
    table = Table(title=model.name, show_header=False, title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # paths and hashes stay whole
    for key, value in rows.items():
        # Text, not str: a folder's name may hold what rich takes for markup.
        table.add_row(key, Text(value))
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("zoo")(zoo)
