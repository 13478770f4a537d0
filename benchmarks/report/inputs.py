"""Run records of any kind, sorted for the page."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from portraitlite.benchmarks.accuracy.bootstrap import Interval
from portraitlite.benchmarks.accuracy.record import KIND as ACCURACY
from portraitlite.benchmarks.accuracy.record import AccuracyRecord, ModelScores
from portraitlite.benchmarks.record import RunRecord, read_document
from portraitlite.benchmarks.run_set import RunSet
from portraitlite.benchmarks.stages import Stage
from portraitlite.runtime.errors import InputError

__all__ = ["Inputs", "Point", "read_inputs"]

MAX_PICTURE_BYTES = 64 << 20


@dataclasses.dataclass(frozen=True)
class Point:
    """A model in the scatter.

    Attributes:
        name: of the file.
        accuracy: the headline metric with its interval.
        latency_ms: p50 of an inference; None where it was not measured.
        size_bytes: of the file.
    """

    name: str
    accuracy: Interval
    latency_ms: float | None
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What the page shows.

    Attributes:
        accuracy, latency: oldest first.
        pictures: (file name, PNG as base64).
    """

    accuracy: tuple[AccuracyRecord, ...]
    latency: tuple[RunRecord, ...]
    pictures: tuple[tuple[str, str], ...]

    def timed(self) -> tuple[RunRecord, ...]:
        """Latencies that may share an axis: inferences on the machine of the newest one, delegate and threads alike."""
        inferences = [one for one in self.latency if one.configuration.scope == Stage.INVOKE]
        return tuple(one for one in inferences if _conditions(one) == _conditions(inferences[-1]))

    def points(self, metric: str) -> tuple[Point, ...]:
        """The latest scores of every file on the latest evaluation's data, with the latest latency of its bytes."""
        if not self.accuracy:
            return ()
        data = self.accuracy[-1].dataset
        latency_ms = {one.model.sha256: one.figures.statistics.p50_ms for one in self.timed()}
        latest: dict[str, ModelScores] = {}
        for record in self.accuracy:
            if (record.dataset.data_sha256, record.dataset.labels) == (data.data_sha256, data.labels):
                everyone = [*record.models, *([record.reference] if record.reference else [])]
                latest |= {scores.model.sha256: scores for scores in everyone if metric in scores.figures}
        return tuple(
            Point(one.model.name, one.figures[metric], latency_ms.get(digest), one.model.size_bytes)
            for digest, one in latest.items()
        )

    def history(self, metric: str) -> dict[str, list[tuple[str, float]]]:
        """Model and data set -> (creation, value), oldest first; only of what was scored more than once."""
        lines: dict[tuple[str, str, str], list[tuple[str, float]]] = {}
        for record in self.accuracy:
            for scores in record.models:
                if metric in scores.figures:
                    # Other data are another line: the step between them says nothing about the model.
                    key = scores.model.name, record.dataset.name, record.dataset.data_sha256
                    lines.setdefault(key, []).append((record.created, scores.figures[metric].value))
        return {
            f"{model}, {data} ({digest[:6]})": values
            for (model, data, digest), values in lines.items()
            if len(values) > 1
        }


def _conditions(record: RunRecord) -> tuple[object, ...]:
    asked, machine = record.configuration, record.environment
    return asked.device, asked.delegate, asked.threads, machine.cpu_model, machine.architecture


def read_inputs(paths: Sequence[Path]) -> Inputs:
    """Read records of `evaluate` and `bench`, and pictures.

    Raises:
        InputError: a file is neither, or there is no record.
    """
    accuracy, latency, pictures = list[AccuracyRecord](), list[RunRecord](), list[tuple[str, str]]()
    for path in paths:
        if path.suffix.lower() == ".png":
            pictures.append((path.name, _png(path)))
            continue
        found = read_document(path, _record)
        if isinstance(found, AccuracyRecord):
            accuracy.append(found)
        else:
            latency.extend(found.records)
    if not accuracy and not latency:
        raise InputError("a report needs run records; give files that `evaluate -o` or `bench -o` wrote")
    return Inputs(
        tuple(sorted(accuracy, key=lambda record: record.created)),
        tuple(sorted(latency, key=lambda record: record.created)),
        tuple(pictures),
    )


def _record(document: Any) -> AccuracyRecord | RunSet:
    if isinstance(document, dict) and document.get("kind") == ACCURACY:
        return AccuracyRecord.from_dict(document)
    return RunSet.from_dict(document)


def _png(path: Path) -> str:
    """Written anew, so that nothing but pixels gets into the page."""
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise ValueError(f"it is larger than {MAX_PICTURE_BYTES >> 20} MiB")
        with Image.open(path, formats=["PNG"]) as image:
            stream = io.BytesIO()
            image.convert("RGB").save(stream, "PNG")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as a PNG ({error}); give the picture of --sheet") from error
    return base64.b64encode(stream.getvalue()).decode("ascii")
