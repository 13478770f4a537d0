"""Layers on disk: a folder with a PNG for each, an `.ora` with all of them, and the merged picture."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.layers.openraster import OpenRasterWriter, png_options
from portraitlite.runtime.layers.paint import Canvas, Effect, PaintedLayer, paint_layers
from portraitlite.runtime.layers.stack import Layer, LayerStack
from portraitlite.runtime.save import part_prefix

__all__ = ["LayerFolder", "check_folder", "safe_name", "write_layers"]

MERGED = "merged.png"
OURS = re.compile(r"\d{2,}-.+\.png|merged\.png|.+\.ora")
LONGEST_NAME = 60


@dataclasses.dataclass(frozen=True)
class LayerFolder:
    """What was written.

    Attributes:
        folder: holds everything.
        files: a layer and the name of its PNG, bottom first.
        openraster: name of the `.ora`.
        merged: name of the merged picture; None where no effect changed the photo.
    """

    folder: Path
    files: tuple[tuple[Layer, str], ...]
    openraster: str
    merged: str | None


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse an output folder that could not be written later; call it before the work.

    An empty folder is fine. With `force`, so is one that holds nothing but what an earlier run has written.

    Raises:
        InputError: a file, a folder that holds something, or a parent that is missing or cannot be written.
    """
    parent = folder.absolute().parent
    if not parent.is_dir():
        raise InputError(f"the folder {parent} of the output does not exist: create it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {parent} of the output cannot be written: choose another one")
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise InputError(f"{folder} is no folder, expected one for the layers: choose another name")
    try:
        names = sorted(entry.name for entry in folder.iterdir())
        foreign = [name for name in names if not OURS.fullmatch(name) or not (folder / name).is_file()]
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}): choose another folder") from error
    if names and not force:
        raise InputError(f"{folder} holds files already: choose another folder or replace it with --force")
    if foreign:
        raise InputError(f"{folder} holds {foreign[0]}, which no layers run wrote: choose another folder")


def write_layers(
    folder: Path,
    stack: LayerStack,
    effects: Mapping[str, Sequence[Effect]] | None = None,
    *,
    name: str = "layers",
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> LayerFolder:
    """Write a stack, whole or not at all.

    NN-label.png, bottom first, as large as the photo; NAME.ora with the same layers, each cut to what it shows; with
    effects or hidden layers merged.png, what they make together. The photo's ICC profile goes into all of them.

    Args:
        folder: to be made; its parent exists.
        effects: as for `paint_layers`.
        name: of the `.ora`.
        force: replace what an earlier run has written.
        progress: called with (layers done, layers).

    Raises:
        InputError: the folder cannot be written, or an effect fails.
    """
    photo = stack.photo
    height, width = photo.pixels.shape[:2]
    changed = bool(effects) or not all(layer.visible for layer in stack.layers)
    files: list[tuple[Layer, str]] = []
    canvas = Canvas(height, width)
    with _whole_folder(folder, force=force) as part:
        with (
            (part / f"{name}.ora").open("xb") as stream,
            OpenRasterWriter(stream, height, width, photo.icc_profile) as archive,
        ):
            for done, painted in enumerate(paint_layers(stack, effects)):
                if progress:
                    progress(done, len(stack.layers))
                archive.add(painted)
                canvas.add(painted)
                files.append((painted.layer, f"{done:02d}-{safe_name(painted.layer.label)}.png"))
                _save_whole(part / files[-1][1], painted, height, width, photo.icc_profile)
            archive.finish(canvas.picture)
        if changed:
            Image.fromarray(canvas.picture).save(part / MERGED, **png_options(photo.icc_profile))
        if progress:
            progress(len(stack.layers), len(stack.layers))
    return LayerFolder(folder, tuple(files), f"{name}.ora", MERGED if changed else None)


def safe_name(label: str) -> str:
    """A label as part of a file name: letters and digits stay, everything else becomes a hyphen."""
    return re.sub(r"[\W_]+", "-", label)[:LONGEST_NAME].strip("-") or "label"


def _save_whole(path: Path, painted: PaintedLayer, height: int, width: int, icc_profile: bytes | None) -> None:
    whole = np.zeros((height, width, 4), np.uint8)
    whole[painted.layer.place] = painted.rgba
    Image.fromarray(whole).save(path, **png_options(icc_profile))


@contextlib.contextmanager
def _whole_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside `folder` that takes its place at the end, or disappears on any failure."""
    check_folder(folder, force=force)
    target = folder.absolute()
    prefix = part_prefix(target)
    for left_by_a_killed_process in target.parent.glob(f"{prefix}*.layers"):
        shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    part, old = (target.with_name(f"{prefix}{secrets.token_hex(8)}.layers") for _ in range(2))
    try:
        try:
            part.mkdir()
            yield part
            if target.is_dir():
                target.rename(old)
            try:
                part.rename(target)
            except BaseException:
                if old.is_dir():
                    old.rename(target)  # what was there before is better than nothing
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(
                f"{folder} cannot be written ({reason}): free some space or choose another place"
            ) from error
    finally:
        for path in (part, old):
            shutil.rmtree(path, ignore_errors=True)
