"""A training run from config to weights."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.networks import Network, build_network
from portraitlite.convert.sources import open_source
from portraitlite.convert.sources.npz import pack_npz
from portraitlite.convert.training.batches import Batch, BatchMaker, prefetch
from portraitlite.convert.training.checkpoint import load_state, save_state
from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.log import append_record, cut_log
from portraitlite.convert.training.model import training_model
from portraitlite.convert.training.optimizer import make_optimizer, rate_factor, rates_by_layer
from portraitlite.convert.training.sets import load_sets
from portraitlite.convert.training.transfer import transfer
from portraitlite.convert.training.validation import ValidationList, evaluate, read_validation
from portraitlite.convert.weights import load_variables, official_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.network_input import fit_photo
from portraitlite.runtime.resize import resize_bilinear
from portraitlite.runtime.save import write_atomically
from portraitlite.runtime.types import Fit

__all__ = ["Folders", "TrainingResult", "train"]

WEIGHTS, STATE, LOG = "weights.npz", "state.npz", "log.jsonl"
LOG_EVERY = 10  # steps; losses are means over them
PREFETCH_THREADS, PREFETCH_BATCHES = 2, 4

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where a run reads and writes.

    Attributes:
        data: what the config's paths are relative to.
        config: what the validation list's path is relative to.
        out: `weights.npz` (averaged, official names), `state.npz` (to resume), `log.jsonl`.
        cache: what the teachers think.
    """

    data: Path
    config: Path
    out: Path
    cache: Path


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What a run leaves.

    Attributes:
        weights: averaged variables under the official names.
        steps: done in all.
        seconds_per_step: of this call, evaluation left out.
        losses: means of the last steps.
        evaluation: scores of the whole validation list at the end; empty without one.
    """

    weights: Path
    steps: int
    seconds_per_step: float
    losses: dict[str, float]
    evaluation: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "weights": str(self.weights)}


def train(
    config: TrainingConfig,
    folders: Folders,
    *,
    resume: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> TrainingResult:
    """Run until `schedule.steps`.

    Raises:
        InputError: config, data, weights or checkpoint cannot be used, or the loss stopped being a number; the message
            names the file or the photos.
    """
    import keras

    _prepare_out(folders.out, resume)
    keras.utils.set_random_seed(config.seed)
    lists = read_validation(folders.config / config.validation.list) if config.validation.list else ()
    held_back = set().union(*(one.keys for one in lists))
    sets = load_sets(config, folders.data, folders.cache, held_back, progress)
    network, model = start(config, folders)
    beginning = [variable.numpy().copy() for variable in model.trainable_variables]
    done = load_state(folders.out / STATE, model, config) if resume else 0
    cut_log(folders.out / LOG, done)
    run = _Run(config, folders, network, model, beginning, lists, progress)
    return run.go(BatchMaker(config, sets), done)


def start(config: TrainingConfig, folders: Folders) -> tuple[Network, Any]:
    """The network with its starting weights, and the model that trains it.

    Raises:
        InputError: the starting weights do not fit.
    """
    network = build_network(config.network, batch_size=None)
    if config.start.weights:
        found = open_source(folders.data / config.start.weights).variables
        load_variables(
            network, transfer(config.start.transfer, found, official_variables(network), config.subject_index)
        )
    rates = rates_by_layer(network, config.schedule.rates)
    for layer, rate in rates.items():
        network.model.get_layer(layer).trainable = rate > 0  # below frozen layers no gradient is computed
    optimizer = make_optimizer(config.schedule, rates)
    model = training_model(network, config, optimizer)
    optimizer.build(model.trainable_variables)
    return network, model


class _Run:
    """The loop and what it puts out."""

    def __init__(
        self,
        config: TrainingConfig,
        folders: Folders,
        network: Network,
        model: Any,
        beginning: Sequence[npt.NDArray[np.float32]],
        lists: Sequence[ValidationList],
        progress: Progress,
    ) -> None:
        self.config, self.folders, self.network, self.model = config, folders, network, model
        self.beginning, self.lists, self.progress = beginning, lists, progress
        self.splits = tuple(
            (config.labels.index(one.label), config.labels.index(one.instead_of))
            for one in config.teachers
            if one.label
        )

    def go(self, make: BatchMaker, done: int) -> TrainingResult:
        schedule, validation = self.config.schedule, self.config.validation
        losses: dict[str, float] = {}
        recent: list[dict[str, float]] = []
        saved, spent, since = time.monotonic(), 0.0, done
        batches = prefetch(make, done, schedule.steps, threads=PREFETCH_THREADS, ahead=PREFETCH_BATCHES)
        with contextlib.closing(batches):
            for step, batch in enumerate(batches, done + 1):
                begun = time.monotonic()
                recent.append(self._step(step, batch))
                spent += time.monotonic() - begun
                self.progress("train", step, schedule.steps)
                if step % LOG_EVERY == 0 or step == schedule.steps:
                    losses = {name: sum(row[name] for row in recent) / len(recent) for name in recent[0]}
                    append_record(self.folders.out / LOG, {"step": step, **losses, "seconds": round(spent, 1)})
                    recent.clear()
                last = step == schedule.steps
                if validation.every_steps and step % validation.every_steps == 0 and not last:
                    self._evaluate(step, validation.photos)
                if last or time.monotonic() - saved > 60 * schedule.checkpoint_minutes:
                    self._save(step)
                    saved = time.monotonic()
        if since == schedule.steps:  # resumed at its end: the start's share may be another one now
            self._save(since)
        evaluation = self._evaluate(schedule.steps, None) if self.lists else {}
        steps = max(1, schedule.steps - since)
        return TrainingResult(self.folders.out / WEIGHTS, schedule.steps, spent / steps, losses, evaluation)

    def _step(self, step: int, batch: Batch) -> dict[str, float]:
        self.model.optimizer.learning_rate = rate_factor(step - 1, self.config.schedule)
        logs = self.model.train_on_batch(batch.image, batch.targets, return_dict=True)
        losses = {name: float(value) for name, value in logs.items()}
        if not math.isfinite(losses["loss"]):
            raise InputError(
                f"the loss is {losses['loss']} at step {step}, with the photos {', '.join(batch.keys)}; lower the "
                f"learning rates and start again, from {WEIGHTS} if there is one"
            )
        return losses

    def _save(self, step: int) -> None:
        # The state first: whoever finds new weights finds the state that they belong to.
        save_state(self.folders.out / STATE, self.model, self.config, step)
        with self._averaged():
            weights = pack_npz(official_variables(self.network))
        write_atomically(self.folders.out / WEIGHTS, weights, force=True)

    def _evaluate(self, step: int, limit: int | None) -> dict[str, Any]:
        classes, subject = len(self.config.labels), self.config.subject_index
        with self._averaged():
            scores = evaluate(
                self.lists, self.folders.data, self._predict, classes, subject, limit=limit, splits=self.splits
            )
        append_record(self.folders.out / LOG, {"step": step, "evaluation": scores})
        return scores

    def _predict(self, photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        spec = self.config.network
        pixels = fit_photo(photo, spec.crop_height, spec.crop_width, Fit.STRETCH).pixels
        logits = np.asarray(self.model.predict_on_batch(pixels[None]))[0]
        weights = np.exp(logits - logits.max(axis=2, keepdims=True))
        probabilities = weights / weights.sum(axis=2, keepdims=True)
        return resize_bilinear(probabilities, photo.shape[0], photo.shape[1], spec.resize_convention)

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        """What the run puts out, in the network, for as long as the block runs."""
        variables = self.model.trainable_variables
        current = [variable.numpy().copy() for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)
        share = np.float32(self.config.schedule.start_share)
        # As copies: JAX gives the buffers of a step away, and these are still the optimizer's.
        averages = [variable.numpy().copy() for variable in variables]
        _assign(variables, [a + share * (b - a) for a, b in zip(averages, self.beginning, strict=True)])
        try:
            yield
        finally:
            _assign(variables, current)


def _assign(variables: Sequence[Any], values: Sequence[npt.NDArray[np.float32]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _prepare_out(out: Path, resume: bool) -> None:
    if (out / STATE).exists() and not resume:
        raise InputError(f"{out} holds a run already; go on with --resume or choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {out} cannot be made ({error.strerror}); choose another --out") from error
