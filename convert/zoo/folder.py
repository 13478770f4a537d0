"""Where the zoo's tarballs lie on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from portraitlite.convert.zoo.catalogue import find_model
from portraitlite.convert.zoo.model import ZooModel
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["default_zoo_dir", "download_command", "find_in_zoo", "record_path", "tarball_path"]


def default_zoo_dir(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Path:
    """The user's cache folder: XDG_CACHE_HOME or ~/.cache, ~/Library/Caches on macOS, LOCALAPPDATA on Windows."""
    if platform == "darwin":
        return Path.home() / "Library" / "Caches" / "portraitlite" / "zoo"
    stated = environment.get("LOCALAPPDATA" if platform == "win32" else "XDG_CACHE_HOME", "")
    fallback = Path.home() / ("AppData/Local" if platform == "win32" else ".cache")
    # The XDG standard has relative folders ignored: they would move with the working folder.
    return (Path(stated) if Path(stated).is_absolute() else fallback) / "portraitlite" / "zoo"


def tarball_path(model: ZooModel, zoo_dir: Path) -> Path:
    """Where its tarball lies, or would."""
    return zoo_dir / model.file


def record_path(model: ZooModel, zoo_dir: Path) -> Path:
    """The JSON that a download leaves beside the tarball: url, size_bytes, sha256, downloaded (UTC)."""
    return zoo_dir / f"{model.file}.json"


def download_command(model: ZooModel, zoo_dir: Path | None = None) -> str:
    """What to type to fetch it."""
    option = "" if zoo_dir is None else f" --zoo-dir {shlex.quote(str(zoo_dir))}"
    return f"portraitlite zoo {model.name} --download{option}"


def find_in_zoo(name: str, zoo_dir: Path | None = None) -> Path:
    """The tarball of a model that can be converted.

    Args:
        name: of the catalogue.
        zoo_dir: None takes the default.

    Raises:
        InputError: unknown name, or a backbone without a segmentation head.
        MissingDependencyError: it is not there; the message has its address, its size and the command that fetches it.
    """
    model = find_model(name)
    if model.spec is None:
        raise InputError(
            f"{model.name} is a backbone without a segmentation head: it can be trained from, not converted"
        )
    folder = zoo_dir or default_zoo_dir()
    path = tarball_path(model, folder)
    if not path.is_file():
        raise MissingDependencyError(
            f"{model.name} is not in {folder}: `{download_command(model, zoo_dir)}` fetches it ({model.size_text}) "
            f"from {model.url}"
        )
    return path
