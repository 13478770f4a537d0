"""Class names of the official data sets, by number of classes.

`label_sets/` holds them, one name a line. Sources: `research/deeplab/datasets` and the data sets' own label files.
Cityscapes are train ids; ADE20K counts from 1 and ignores 0; MLPerf keeps its first 31 classes and calls the rest 0.
"""

from __future__ import annotations

from pathlib import Path

from portraitlite.runtime.errors import InputError

__all__ = ["label_names", "label_set"]

FOLDER = Path(__file__).parent / "label_sets"
SET_OF_COUNT = {2: "person", 19: "cityscapes", 21: "voc", 22: "voc_sky", 32: "mlperf_ade20k_32", 151: "ade20k"}
MAX_FILE_BYTES = 1 << 20


def label_set(name: str) -> tuple[str, ...]:
    """Names of a set in `label_sets/`, by index."""
    return _read(FOLDER / f"{name}.txt")


def label_names(classes: int, file: Path | None = None) -> tuple[str, ...]:
    """Names for a network of `classes` classes.

    Args:
        classes: number of classes.
        file: text with one name a line; None takes the official data set of that size, or `class_0`, `class_1`, ...

    Raises:
        InputError: the file cannot be read, has another number of names, or names a class twice.
    """
    if file is None:
        known = SET_OF_COUNT.get(classes)
        return label_set(known) if known else tuple(f"class_{i}" for i in range(classes))
    names = _read(file)
    if len(names) != classes:
        raise InputError(f"{file.name} names {len(names)} classes, the network has {classes}; one name a line")
    if len(set(names)) != len(names):
        raise InputError(f"{file.name} names a class twice; label names must differ")
    return names


def _read(file: Path) -> tuple[str, ...]:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{file.name} is larger than 1 MiB; a label file has one name a line")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a label file ({error})") from error
    return tuple(line.strip() for line in lines if line.strip())
