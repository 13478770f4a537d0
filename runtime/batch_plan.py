"""Which photos a command line names, and the file that each one becomes: no two share one, whatever their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from portraitlite.runtime.errors import InputError

__all__ = ["PHOTO_SUFFIXES", "PhotoTask", "plan_outputs", "same_format"]

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif", ".hif"}
)
"""What is taken from a folder; a file that is named is taken whatever it is called."""


class PhotoTask(NamedTuple):
    """A photo and the file (or folder) to make of it."""

    photo: Path
    output: Path


def plan_outputs(inputs: Sequence[Path], folder: Path, suffix_of: Callable[[Path], str]) -> list[PhotoTask]:
    """The photos of `inputs`, each once, with their places in `folder`, sorted by path.

    Folders are read with all their subfolders, but without hidden ones, links to folders and the output folder. Below
    the output folder the structure stays as it is below the common parent of all inputs. A photo's output has its
    name with the new suffix (`x.png` of `x.jpg`); where that would be the same for two photos of a folder, each keeps
    its whole name (`x.jpg.png`, `x.png.png`). This depends on the names alone, not on what exists already.

    Args:
        suffix_of: the suffix of a photo's output, with its dot; "" for a folder.

    Raises:
        InputError: no photo, an output folder that is a file or one of the inputs, or an output that is an input.
    """
    if folder.suffix.lower() in PHOTO_SUFFIXES and not folder.is_dir():
        raise InputError(f"the output {folder} is one file, expected a folder for several photos: give -o FOLDER")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"the output {folder} is a file, expected a folder: choose another name")
    target = _absolute(folder)
    roots = [_absolute(path) for path in inputs]
    if target in roots:
        raise InputError(f"{folder} is both input and output: choose another output folder")
    photos: dict[Path, Path] = {}
    for given, root in zip(inputs, roots, strict=True):
        found = [given] if not root.is_dir() else list(_photos_below(given, target))
        if not found:
            kinds = " ".join(sorted(PHOTO_SUFFIXES))
            raise InputError(f"the folder {given} holds no photos ({kinds}): name another one")
        for path in found:
            photos.setdefault(_absolute(path), path)
    common = Path(os.path.commonpath([root if root.is_dir() else root.parent for root in roots]))
    places = _distinct({path: (target / path.relative_to(common), suffix_of(path)) for path in photos})
    for path, place in places.items():
        if place in photos:
            raise InputError(f"{photos[path]} would become {place}, which is one of the inputs: choose another folder")
    return [
        PhotoTask(given, folder / places[path].relative_to(target))
        for path, given in sorted(photos.items(), key=lambda item: item[0])
    ]


def same_format(photo: Path) -> str:
    """The suffix of a picture made of `photo`: its own where it can be written, else one that holds as much."""
    suffix = photo.suffix.lower()
    if suffix in {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}:
        return suffix
    return ".png" if suffix in {".gif", ".bmp"} else ".jpg"


def _absolute(path: Path) -> Path:
    # Not resolved: a link to a photo is an input with a name of its own.
    return Path(os.path.abspath(path))


def _photos_below(folder: Path, target: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise InputError(f"the folder {error.filename} cannot be read ({error.strerror}): change its permissions")

    for parent, folders, files in os.walk(folder, onerror=fail):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if name[0] != "." and _absolute(here / name) != target)
        for name in sorted(files):
            if name[0] != "." and Path(name).suffix.lower() in PHOTO_SUFFIXES:
                yield here / name


def _distinct(wanted: dict[Path, tuple[Path, str]]) -> dict[Path, Path]:
    """(place without its new suffix, suffix) by photo -> place. Compared without case, as some disks do."""
    whole: set[Path] = set()
    while True:
        places = {
            path: place.with_name((place.name if path in whole else place.stem) + suffix)
            for path, (place, suffix) in wanted.items()
        }
        owners: dict[str, list[Path]] = {}
        for path, place in places.items():
            owners.setdefault(str(place).casefold(), []).append(path)
        clashing = {path for paths in owners.values() if len(paths) > 1 for path in paths}
        if clashing <= whole:
            return places
        whole |= clashing
