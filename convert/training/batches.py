"""(seed, step) -> one batch: everything random follows from these two numbers, so that a resumed run sees the same."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.training.colour import change_colours
from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.crop import Window, choose_window
from portraitlite.convert.training.datasets import Sample, read_labels, read_photo
from portraitlite.convert.training.sets import PhotoSet
from portraitlite.convert.training.targets import targets
from portraitlite.convert.training.teachers import Opinions
from portraitlite.convert.training.view import View, paste, view

__all__ = ["Batch", "BatchMaker", "prefetch"]

Float32 = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Batch:
    """Arrays of one step; B photos, (n, m) the size of the logits.

    Attributes:
        image: (B, H, W, 3) uint8 RGB.
        targets: `subject`, `weight`, `quiet` (B, n, m), `mixture` (B, n, m, C), `trust` (B,), all float32.
        keys: of the photos, for messages.
    """

    image: npt.NDArray[np.uint8]
    targets: dict[str, npt.NDArray[Any]]
    keys: tuple[str, ...]


class BatchMaker:
    """Makes batches. Thread-safe: nothing changes after construction."""

    def __init__(self, config: TrainingConfig, sets: Mapping[str, PhotoSet]) -> None:
        self._config = config
        self._sets = dict(sets)
        shares = np.array([one.share for one in sets.values()])
        self._shares = shares / shares.sum()
        self._subject = config.subject_index
        self._stride = config.network.decoder_stride or config.network.output_stride
        self._splits = tuple(
            (config.labels.index(teacher.label), config.labels.index(teacher.instead_of))
            for teacher in config.teachers
            if teacher.label
        )

    def __call__(self, step: int) -> Batch:
        """The batch of a step.

        Raises:
            InputError: a photo or mask has become unreadable.
        """
        seed, size = self._config.seed, self._config.schedule.batch_size
        photos = [self._photo(np.random.default_rng((seed, step, i))) for i in range(size)]
        images, rows, keys = zip(*photos, strict=True)
        return Batch(np.stack(images), {name: np.stack([row[name] for row in rows]) for name in rows[0]}, keys)

    def _photo(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], dict[str, npt.NDArray[Any]], str]:
        augmentation = self._config.augmentation
        if rng.random() < augmentation.paste:
            sample, front = self._view(rng, self._drawn(rng, augmentation.paste_subjects))
            behind, back = self._view(rng, self._drawn(rng, augmentation.paste_backgrounds))
            shown, key = paste(front, back, self._subject, self._stride), f"{sample.key} before {behind.key}"
            sample = behind
        else:
            sample, shown = self._view(rng, self._drawn(rng, tuple(self._sets), self._shares))
            key = sample.key
        goal = targets(shown, sample, self._config.losses, self._subject, self._stride, self._splits)
        arrays = {**vars(goal), "trust": np.float32(sample.trust)}
        return change_colours(rng, augmentation, shown.image), arrays, key

    def _drawn(
        self, rng: np.random.Generator, names: tuple[str, ...], shares: npt.NDArray[np.float64] | None = None
    ) -> tuple[Sample, PhotoSet]:
        photos = self._sets[names[int(rng.choice(len(names), p=shares))]]
        return photos.samples[int(rng.integers(len(photos.samples)))], photos

    def _view(self, rng: np.random.Generator, drawn: tuple[Sample, PhotoSet]) -> tuple[Sample, View]:
        sample, photos = drawn
        network = self._config.network
        photo = read_photo(sample)
        labels = read_labels(sample, photo.shape[0], photo.shape[1], network.classes, self._subject)
        window = choose_window(rng, self._config.augmentation, labels == self._subject)

        def ask(window: Window, at_y: Float32, at_x: Float32) -> Float32:
            return self._believed(sample.key, photos.opinions, window, at_y, at_x)

        size = (network.crop_height, network.crop_width)
        return sample, view(photo, labels, ask, window, size, self._stride, self._subject)

    def _believed(
        self, key: str, opinions: tuple[Opinions, ...], window: Window, at_y: Float32, at_x: Float32
    ) -> Float32:
        """Probabilities of all classes; zeros where no teacher knows all."""
        result = np.zeros((len(at_y), len(at_x), self._config.network.classes), np.float32)
        splits = iter(self._splits)
        # The teacher of all classes comes first, so that the others find something to divide.
        for teacher, opinion in sorted(
            zip(self._config.teachers, opinions, strict=True), key=lambda p: bool(p[0].label)
        ):
            logits = opinion.logits(key, window, at_y, at_x)
            if not teacher.label:
                weights = np.exp(logits - logits.max(axis=2, keepdims=True))
                result[..., : logits.shape[2]] = weights / weights.sum(axis=2, keepdims=True)
                continue
            new, old = next(splits)
            result[..., new] = result[..., old] / (1 + np.exp(-logits[..., 0]))
            result[..., old] -= result[..., new]
        return result


def prefetch(make: Callable[[int], Batch], first: int, stop: int, *, threads: int, ahead: int) -> Generator[Batch]:
    """Batches of the steps first..stop-1 in order, made in the background while the network computes."""
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[Batch]] = deque()
    try:
        for step in range(first, stop):
            waiting.append(pool.submit(make, step))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
