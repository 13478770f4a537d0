"""The data sets of a config, checked, without the held-back photos, and with what the teachers think."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.datasets import Sample, find_samples, readable_samples
from portraitlite.convert.training.teachers import Opinions, teacher_opinions
from portraitlite.runtime.errors import InputError

__all__ = ["PhotoSet", "load_sets"]

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class PhotoSet:
    """A data set, ready to be drawn from.

    Attributes:
        samples: its photos.
        share: how often, relative to the others.
        opinions: per teacher of the config, in that order.
    """

    samples: Sequence[Sample]
    share: float
    opinions: tuple[Opinions, ...]


def load_sets(
    config: TrainingConfig, data: Path, cache: Path, held_back: Collection[str], progress: Progress
) -> dict[str, PhotoSet]:
    """Check every photo and mask, and ask the teachers.

    Args:
        config: of the run.
        data: what its paths are relative to.
        cache: folder of the teachers' opinions.
        held_back: keys of the photos that are never trained on.
        progress: called with (stage, done, total).

    Raises:
        InputError: bad data, or a set that holds nothing that may be trained on.
    """
    sets = {}
    for one in config.datasets:
        found = [s for s in find_samples(one, data, config.labels) if s.key not in held_back]
        check = _stage(progress, f"check {one.name}")
        samples = readable_samples(found, one.only, len(config.labels), config.subject_index, check)
        if not samples:
            raise InputError(f"data set {one.name}: no photo is left (only = {one.only!s}, validation list taken out)")
        opinions = tuple(
            teacher_opinions(
                teacher,
                samples,
                config.labels,
                data,
                cache,
                os.cpu_count() or 1,
                _stage(progress, f"{Path(teacher.model).stem} on {one.name}"),
            )
            for teacher in config.teachers
        )
        sets[one.name] = PhotoSet(samples, one.share, opinions)
    return sets


def _stage(progress: Progress, name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
