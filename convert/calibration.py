"""Photos that fix the activation ranges, preprocessed exactly as at inference.

Which photos: readable ones without duplicates, spread evenly over brightness; where a judge is given (the float
network), those that show classes not yet shown come first.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.network_input import fit_photo, normalise
from portraitlite.runtime.photo import load_photo

__all__ = ["DEFAULT_COUNT", "CalibrationSet", "calibration_images", "calibration_set", "list_photos", "thin"]

DEFAULT_COUNT = 100
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
MAX_CANDIDATES = 1000  # looked at in a folder; more are thinned out evenly
MAX_LIST_BYTES = 1 << 20

Progress = Callable[[int, int], None]
Judge = Callable[[Path], frozenset[int]]


@dataclasses.dataclass(frozen=True)
class CalibrationSet:
    """The chosen files.

    Attributes:
        files: photos, in the order in which they are used.
        spare: other readable photos of the source, which a result may be judged on.
        unreadable: (file name, reason) of those that were passed over.
        duplicates: names of files with the bytes of another.
        sha256: over the contents of `files`, in order.
    """

    files: tuple[Path, ...]
    spare: tuple[Path, ...]
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[str, ...]
    sha256: str


def list_photos(source: Path) -> list[Path]:
    """The photos of a folder in name order, or those that a text file lists, one path a line, relative to the file.

    Raises:
        InputError: neither, or none in it.
    """
    if source.is_dir():
        photos = sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        if not photos:
            kinds = ", ".join(sorted(SUFFIXES))
            raise InputError(f"{source} holds no photos ({kinds}); put some in, 50 to 100 are enough")
        return photos
    if source.suffix != ".txt" or not source.is_file():
        raise InputError(
            f"{source} is not a folder; --calibrate takes a folder of photos or a .txt with one path a line"
        )
    if source.stat().st_size > MAX_LIST_BYTES:
        raise InputError(f"{source.name} is larger than 1 MiB; a list has one path a line")
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{source.name} is not text ({error.reason}); a list has one path a line") from error
    photos = [source.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not photos:
        raise InputError(f"{source.name} lists no photos; one path a line")
    return photos


def calibration_set(
    source: Path,
    count: int = DEFAULT_COUNT,
    *,
    judge: Judge | None = None,
    progress: Progress = lambda done, total: None,
) -> CalibrationSet:
    """Choose at most `count` photos.

    Args:
        source: folder or list file, see `list_photos`. A list is taken as it is, in its order, up to `count`.
        count: at least 1.
        judge: photo -> classes that it shows; asked about at most 2 * count photos.
        progress: called with (looked at, to look at).

    Raises:
        InputError: no photo in it can be read.
    """
    if count < 1:
        raise InputError(f"at least 1 calibration photo is needed, not {count}")
    listed = list_photos(source)
    candidates = thin(listed, MAX_CANDIDATES)
    brightness: dict[Path, float] = {}
    unreadable, duplicates, seen = [], [], set()
    for done, path in enumerate(candidates, 1):
        progress(done, len(candidates))
        try:
            pixels = load_photo(path).pixels
        except InputError as error:
            unreadable.append((path.name, str(error)))
            continue
        digest = hashlib.sha256(pixels.tobytes()).digest()
        if digest in seen:
            duplicates.append(path.name)
            continue
        seen.add(digest)
        brightness[path] = float(pixels[::4, ::4].mean())
    if not brightness:
        raise InputError(f"none of the {len(candidates)} photos in {source} can be read; the first: {unreadable[0][1]}")
    if source.is_dir():
        by_brightness = sorted(brightness, key=lambda path: (brightness[path], path.name))
        chosen = _cover(thin(by_brightness, 2 * count), count, judge)
    else:
        chosen = list(brightness)[:count]
    digest_of_all = hashlib.sha256()
    for path in chosen:
        digest_of_all.update(path.read_bytes())
    taken = set(chosen)
    spare = tuple(path for path in brightness if path not in taken)
    return CalibrationSet(tuple(chosen), spare, tuple(unreadable), tuple(duplicates), digest_of_all.hexdigest())


def calibration_images(
    files: Sequence[Path], metadata: ModelMetadata, progress: Progress = lambda done, total: None
) -> Iterator[npt.NDArray[np.float32]]:
    """Normalised images [1, input_height, input_width, 3] float32, one at a time.

    Args:
        files: photos.
        metadata: of the model being made; says size, fit and normalisation.
        progress: called with (done, total).
    """
    for done, path in enumerate(files, 1):
        source = fit_photo(load_photo(path).pixels, metadata.input_height, metadata.input_width, metadata.fit)
        yield normalise(source, metadata.mean, metadata.std)
        progress(done, len(files))


def thin(paths: Sequence[Path], count: int) -> list[Path]:
    """At most `count` of them, evenly spread."""
    if len(paths) <= count:
        return list(paths)
    return [paths[int(i * len(paths) / count)] for i in range(count)]


def _cover(by_brightness: list[Path], count: int, judge: Judge | None) -> list[Path]:
    """First photos that show a class for the first time, then the rest evenly over brightness."""
    if judge is None or len(by_brightness) <= count:
        return thin(by_brightness, count)
    first, shown = list[Path](), set[int]()
    for path in by_brightness:
        new = judge(path) - shown
        if new and len(first) < count:
            shown |= new
            first.append(path)
    others = [path for path in by_brightness if path not in set(first)]
    chosen = set(first + thin(others, count - len(first)))
    return [path for path in by_brightness if path in chosen]
