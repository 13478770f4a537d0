"""What is done to a hostile file: everything that a user could do to it."""

from __future__ import annotations

import dataclasses
import traceback
from pathlib import Path

import numpy as np

from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import PortraitLiteError
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.model_trial import try_model
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.save import save_photo

__all__ = ["FINE", "REFUSED", "open_file"]

FINE, REFUSED = "fine", "refused"


def open_file(folder: Path, name: str, data: bytes, *, trial: bool = True) -> str:
    """FINE, REFUSED (by a PortraitLiteError of one line), or the traceback of any other error.

    Without `trial` a model meets the runtime in this process at once.
    """
    try:
        if name.endswith(".tflite"):
            if trial:
                try_model(data, what=name)
            _use_model(name, data)
        else:
            _use_image(folder / name, data)
    except PortraitLiteError as error:
        message = str(error)
        return REFUSED if message and "\n" not in message else f"not one line: {message!r}"
    except Exception:
        return traceback.format_exc()
    return FINE


def _use_image(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    photo = load_photo(path)
    # A part of the pixels is enough: what is damaged in a picture that opens is its metadata.
    small = dataclasses.replace(photo, pixels=np.ascontiguousarray(photo.pixels[:64, :64]), alpha=None)
    for suffix in (".jpg", ".tif"):
        save_photo(path.with_name(f"saved{suffix}"), small.pixels, small, force=True)


def _use_model(name: str, data: bytes) -> None:
    runner = open_model(data, what=name)
    read_metadata(data)
    runner.run({info.name: np.zeros([max(side, 1) for side in info.shape], info.dtype) for info in runner.inputs})
