"""Class names of the official data sets, by number of classes.

Sources: `research/deeplab/datasets` and the data sets' own label files. Cityscapes are train ids.
"""

from __future__ import annotations

from pathlib import Path

from portraitlite.runtime.errors import InputError

__all__ = ["CITYSCAPES", "MLPERF_ADE20K_32", "PERSON", "VOC", "label_names"]

VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tv"
).split()
CITYSCAPES = [
    *"road sidewalk building wall fence pole".split(),
    *("traffic light", "traffic sign"),
    *"vegetation terrain sky person rider car truck bus train motorcycle bicycle".split(),
]
# MLPerf keeps the first 31 classes of ADE20K and calls the rest 0.
MLPERF_ADE20K_32 = (
    "other wall building sky floor tree ceiling road bed windowpane grass cabinet sidewalk person earth door table "
    "mountain plant curtain chair car water painting sofa shelf house sea mirror rug field armchair"
).split()
PERSON = ["background", "person"]

BY_COUNT = {len(names): names for names in (VOC, CITYSCAPES, MLPERF_ADE20K_32, PERSON)}
MAX_FILE_BYTES = 1 << 20


def label_names(classes: int, file: Path | None = None) -> tuple[str, ...]:
    """Names for a network of `classes` classes.

    Args:
        classes: number of classes.
        file: text with one name a line; None takes the official data set of that size, or `class_0`, `class_1`, ...

    Raises:
        InputError: the file cannot be read or has another number of names.
    """
    if file is None:
        return tuple(BY_COUNT.get(classes, [f"class_{i}" for i in range(classes)]))
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{file.name} is larger than 1 MiB; a label file has one name a line")
        names = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a label file ({error})") from error
    if len(names) != classes:
        raise InputError(f"{file.name} names {len(names)} classes, the network has {classes}; one name a line")
    if len(set(names)) != len(names):
        raise InputError(f"{file.name} names a class twice; label names must differ")
    return tuple(names)
