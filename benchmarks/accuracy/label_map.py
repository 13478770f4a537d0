"""Label maps: what a data set and a model call a class -> the class that is scored.

A file of this form (two are bundled, `person` and `voc`):

    schema_version = 1
    labels = ["background", "person"]   # the scored classes, in order
    [data]                              # class of the data set, or value of its masks -> scored class or "ignore"
    "128" = "ignore"
    "*" = "background"                  # every other class that the data set names
    [model]                             # class of the model -> scored class
    "*" = "background"

Names that are scored classes themselves need no entry. Nothing is guessed: a class without a place is an error.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.parsing import parse
from portraitlite.runtime.errors import InputError

__all__ = ["IGNORE", "IGNORED", "MAX_CLASSES", "REST", "UNMAPPED", "LabelMap", "read_label_map"]

SCHEMA_VERSION = 1
IGNORED, UNMAPPED = 255, 254  # in tables: the pixel does not count; the value has no place
MAX_CLASSES = 254
MAX_FILE_BYTES = 1 << 20
REST, IGNORE = "*", "ignore"
BUNDLED = Path(__file__).parent / "label_maps"

UInt8 = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class LabelMap:
    """How names become scored classes.

    Attributes:
        labels: scored classes by index.
        data: class or mask value (as text) of the data set -> scored class or `ignore`; `*` is the rest of the classes.
        model: class of the model -> scored class; `*` is the rest.
    """

    labels: tuple[str, ...]
    data: dict[str, str] = dataclasses.field(default_factory=dict)
    model: dict[str, str] = dataclasses.field(default_factory=dict)

    def data_table(self, names: Mapping[int, str], ignored: int | None, what: str) -> UInt8:
        """Mask value -> scored index, `IGNORED` or `UNMAPPED`: (256,) uint8.

        Args:
            names: mask value -> class of the data set; empty for plain masks, whose values stand for themselves.
            ignored: the value that official evaluation leaves out.
            what: the data set, for messages.

        Raises:
            InputError: a class has no place, or no class has one.
        """
        table = np.full(256, UNMAPPED, np.uint8)
        for value in range(256):
            name = names.get(value)
            # A value beside the names of a data set is an error in its masks.
            unnamed = None if names else self.data.get(str(value))
            target = unnamed if name is None else self._place(name, self.data)
            if target is not None:
                table[value] = IGNORED if target == IGNORE else self.labels.index(target)
            elif name is not None and value != ignored:
                raise InputError(
                    f"{what} has a class {name!r} that is not scored; say in a --label-map what it counts as"
                )
        if ignored is not None:
            table[ignored] = IGNORED
        if not (table < UNMAPPED).any():
            raise InputError(f"no value of the masks of {what} is a class; name them under [data] of a --label-map")
        return table

    def model_table(self, names: tuple[str, ...], what: str) -> UInt8:
        """Class index of a model -> scored index: (n,) uint8.

        Raises:
            InputError: a class of the model has no place, or a scored class is unknown to the model.
        """
        table = np.empty(len(names), np.uint8)
        for index, name in enumerate(names):
            target = self._place(name, self.model)
            if target is None:
                raise InputError(
                    f"{what} knows a class {name!r} that is not scored; say in a --label-map what it counts as"
                )
            table[index] = self.labels.index(target)
        if missing := [label for index, label in enumerate(self.labels) if index not in table]:
            raise InputError(
                f"{what} knows no class {missing[0]!r}, which is scored; give a --label-map of classes that it knows"
            )
        return table

    def _place(self, name: str, names: Mapping[str, str]) -> str | None:
        return names.get(name) or (name if name in self.labels else names.get(REST))


def read_label_map(name: str | Path) -> LabelMap:
    """A bundled label map by name, or a file.

    Raises:
        InputError: no such file, or not a label map; the reason is in the message.
    """
    bundled = BUNDLED / f"{name}.toml"
    path = bundled if bundled.is_file() else Path(name)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("it is larger than 1 MiB")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        if (version := document.pop("schema_version", None)) != SCHEMA_VERSION:
            raise ValueError(f"schema_version is {version!r}, {SCHEMA_VERSION} is read")
        mapping: LabelMap = parse(LabelMap, {"data": {}, "model": {}, **document}, "the label map")
        labels = mapping.labels
        if not 1 < len(labels) <= MAX_CLASSES or len(set(labels)) != len(labels) or IGNORE in labels:
            raise ValueError(f"labels must be 2 to {MAX_CLASSES} different names")
        for key, table, allowed in (("data", mapping.data, {*labels, IGNORE}), ("model", mapping.model, set(labels))):
            if wrong := [f"{source} = {target!r}" for source, target in table.items() if target not in allowed]:
                raise ValueError(f"[{key}] {wrong[0]} is no scored class")
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        bundled_names = ", ".join(sorted(file.stem for file in BUNDLED.iterdir()))
        raise InputError(f"{name} is not a label map ({reason}); give a file or {bundled_names}") from error
    return mapping
