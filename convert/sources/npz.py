"""Official variables in a `.npz`, as `portraitlite train` writes them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError

__all__ = ["pack_npz", "read_npz"]

MAX_BYTES = 2 << 30  # of all variables, unpacked
MAX_VARIABLES = 4096


def pack_npz(arrays: Mapping[str, npt.NDArray[Any]], *, compressed: bool = False) -> bytes:
    """The bytes of a `.npz`; equal arrays give equal bytes."""
    values: dict[str, Any] = dict(arrays)
    stream = io.BytesIO()
    if compressed:
        np.savez_compressed(stream, **values)
    else:
        np.savez(stream, **values)
    return stream.getvalue()


def read_npz(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Variables by official name, float32. Nothing in the file is executed: no pickles are read.

    Raises:
        InputError: not a `.npz`, damaged, too large, or with arrays that are not floats.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
        if len(members) > MAX_VARIABLES or sum(member.file_size for member in members) > MAX_BYTES:
            raise InputError(f"{path.name} holds more than {MAX_BYTES >> 20} MiB or {MAX_VARIABLES} variables; refused")
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            values = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path.name} is no readable .npz of variables ({reason}); give one from `train`") from error
    except Exception as error:  # zlib.error has no base class but Exception
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path.name} is a damaged .npz ({error}); copy it again") from error
    for name, value in values.items():
        if not isinstance(value, np.ndarray) or not np.issubdtype(value.dtype, np.floating):
            raise InputError(f"{path.name} holds {name!r} that is not a float array; variables of a network are floats")
    if not values:
        raise InputError(f"{path.name} is empty; a DeepLab has hundreds of variables")
    return {name: value.astype(np.float32) for name, value in values.items()}
