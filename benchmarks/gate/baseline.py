"""The baseline file: what a model is measured on, and what it must reach.

schema_version = 1
[data]
dataset = "regression"          # or KIND:PATH, the path relative to this file
photos = 17                     # with the digest: whether the data are still the same
sha256 = "..."
[model]
labels = ["background", "person"]
float = "portrait_fp16"         # what `..._percent_of_float` compares with; a path is relative to this file
reference = "portrait_fp16"     # what `latency_ratio` compares with
[minimum]
subject_iou = 0.97
[maximum]
size_bytes = 900000
[[history]]                     # every update
date = "2026-11-25"
reason = "first baseline"
model_sha256 = "..."
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.parsing import parse
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.save import write_atomically

__all__ = ["SCHEMA_VERSION", "Baseline", "Data", "Model", "Update", "read_baseline", "write_baseline"]

SCHEMA_VERSION = 1
MAX_FILE_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Data:
    """What is looked at; empty texts stand for the data set's own choice.

    Attributes:
        dataset, split, label_map, subject: as for `open_dataset`.
        photos: their number.
        sha256: of all decoded photos and labels.
    """

    dataset: str
    photos: int
    sha256: str
    split: str = ""
    label_map: str = ""
    subject: str = ""


@dataclasses.dataclass(frozen=True)
class Model:
    """What is compared.

    Attributes:
        labels: a model with other ones is refused.
        float: file or bundled name, or empty.
        reference: file or bundled name, or empty.
    """

    labels: tuple[str, ...]
    float: str = ""
    reference: str = ""


@dataclasses.dataclass(frozen=True)
class Update:
    """Why the limits are what they are; `date` is ISO 8601."""

    date: str
    reason: str
    model_sha256: str


@dataclasses.dataclass(frozen=True)
class Baseline:
    """Limits by figure, see `FIGURES` of `figures`."""

    data: Data
    model: Model
    minimum: dict[str, float]
    maximum: dict[str, float]
    history: tuple[Update, ...]


def read_baseline(path: Path) -> Baseline:
    """Read a baseline strictly: whatever is unknown, missing or not finite is an error, never a passed check.

    Raises:
        InputError: not such a file; the reason is in the message.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("it is larger than 1 MiB")
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        if (version := document.pop("schema_version", None)) != SCHEMA_VERSION:
            raise ValueError(f"schema_version is {version!r}, {SCHEMA_VERSION} is read")
        for name, kind in (("data", Data), ("model", Model)):
            # Optional texts may be left out.
            optional = {field.name: field.default for field in dataclasses.fields(kind) if field.default == ""}
            document[name] = {**optional, **document.get(name, {})}
        for name in ("minimum", "maximum"):
            document.setdefault(name, {})
        baseline: Baseline = parse(Baseline, document, "baseline")
        if not baseline.minimum and not baseline.maximum:
            raise ValueError("it has no limits")
        if baseline.data.photos < 1 or not baseline.model.labels:
            raise ValueError("it names no photos or no labels")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it with --update --reason TEXT") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not a usable baseline: {' '.join(str(error).split())[:200]}") from error
    return baseline


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write or replace the file, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    lines = [f"schema_version = {SCHEMA_VERSION}"]
    for name in ("data", "model", "minimum", "maximum"):
        part = getattr(baseline, name)
        values = part if isinstance(part, dict) else dataclasses.asdict(part)
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items() if value != "")]
    for update in baseline.history:
        lines += ["", "[[history]]", *(f"{key} = {_toml(value)}" for key, value in dataclasses.asdict(update).items())]
    write_atomically(path, ("\n".join(lines) + "\n").encode(), force=True)


def _toml(value: str | float | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, str):
        # JSON's strings are TOML's but for surrogates, which TOML refuses, and DEL, which JSON does not escape.
        text = value.encode(errors="replace").decode()
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    assert math.isfinite(value)
    return repr(value)
