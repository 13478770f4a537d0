"""The files of a conversion: checked before the work, written at its end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.save import write_atomically

__all__ = ["check_files", "write_files"]


def check_files(output: Path, sensitivity: Path | None, *, force: bool) -> Path:
    """Whether the model, its sidecar and the sensitivity report can be written later.

    Returns:
        the sidecar beside `output`.

    Raises:
        InputError: they cannot.
    """
    if output.suffix != ".tflite":
        raise InputError(f"the output {output.name!r} must end in .tflite")
    sidecar = output.with_suffix(".json")
    paths = [output, sidecar]
    if sensitivity is not None:
        if sensitivity.resolve() in (output.resolve(), sidecar.resolve()):
            raise InputError(f"--sensitivity {sensitivity} is the model or its sidecar; give another name")
        paths.append(sensitivity)
    for path in paths:
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist; make it first")
        if path.is_dir():
            raise InputError(f"{path} is a folder; give a file name")
        if path.exists() and not force:
            raise InputError(f"{path} exists; give another name or --force")
        if not os.access(path.parent, os.W_OK):
            raise InputError(f"the folder {path.parent} cannot be written; choose another")
    return sidecar


def write_files(files: Mapping[Path, bytes], *, force: bool) -> None:
    """Write each file whole. When one fails or the user interrupts, those that were not there before disappear again.

    Files that stood there and have been replaced by then stay replaced.

    Raises:
        InputError: one cannot be written.
    """
    new = [path for path in files if not path.exists()]
    try:
        for path, content in files.items():
            write_atomically(path, content, force=force)
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
