"""Photos that fix the activation ranges, preprocessed exactly as at inference."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.network_input import fit_photo, normalise
from portraitlite.runtime.photo import load_photo

__all__ = ["DEFAULT_COUNT", "CalibrationSet", "calibration_images", "calibration_set"]

DEFAULT_COUNT = 100
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


@dataclasses.dataclass(frozen=True)
class CalibrationSet:
    """The chosen files.

    Attributes:
        files: photos, in order.
        unreadable: (file name, reason) of those that were passed over.
        sha256: over the contents of `files`, in order.
    """

    files: tuple[Path, ...]
    unreadable: tuple[tuple[str, str], ...]
    sha256: str


def calibration_set(folder: Path, count: int = DEFAULT_COUNT) -> CalibrationSet:
    """At most `count` readable photos of a folder, evenly spread over its names in sorted order.

    Raises:
        InputError: not a folder, or no photo in it can be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; --calibrate takes a folder of photos")
    candidates = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not candidates:
        raise InputError(f"{folder} holds no photos ({', '.join(sorted(SUFFIXES))}); put some in, 50 to 100 are enough")
    if count < 1:
        raise InputError(f"at least 1 calibration photo is needed, not {count}")
    step = max(1.0, len(candidates) / count)
    chosen = [candidates[int(i * step)] for i in range(min(count, len(candidates)))]
    files, unreadable, digest = [], [], hashlib.sha256()
    for path in chosen:
        try:
            load_photo(path)
        except InputError as error:
            unreadable.append((path.name, str(error)))
            continue
        files.append(path)
        digest.update(path.read_bytes())
    if not files:
        raise InputError(f"none of the {len(chosen)} photos in {folder} can be read; the first: {unreadable[0][1]}")
    return CalibrationSet(tuple(files), tuple(unreadable), digest.hexdigest())


def calibration_images(
    chosen: CalibrationSet, metadata: ModelMetadata, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[npt.NDArray[np.float32]]:
    """Normalised images [1, input_height, input_width, 3] float32, one at a time.

    Args:
        chosen: from `calibration_set`.
        metadata: of the model being made; says size, fit and normalisation.
        progress: called with (done, total).
    """
    for done, path in enumerate(chosen.files, 1):
        source = fit_photo(load_photo(path).pixels, metadata.input_height, metadata.input_width, metadata.fit)
        yield normalise(source, metadata.mean, metadata.std)
        progress(done, len(chosen.files))
