"""The whole state of a run in one `.npz`, written beside and renamed: a killed run leaves the last one whole."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from portraitlite.convert.sources.npz import pack_npz
from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.config_file import config_from_dict
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.save import write_atomically

__all__ = ["load_state", "save_state"]


def save_state(path: Path, model: Any, config: TrainingConfig, step: int) -> None:
    """Weights, optimizer slots, averaged weights and step; batches need no state, they follow from (seed, step)."""
    header = json.dumps({"step": step, "config": config.to_dict(), "backend": _backend()})
    arrays = {f"v{i}": np.asarray(variable.numpy()) for i, variable in enumerate(_variables(model))}
    write_atomically(path, pack_npz({"header": np.array(header), **arrays}), force=True)


def load_state(path: Path, model: Any, config: TrainingConfig) -> int:
    """Put a saved state into a model built from the same config; returns the number of steps it has done.

    The number of steps in all, how often to save and to evaluate, and the start's share in the weights that are put out
    may differ: the same run, ended earlier or later.

    Raises:
        InputError: damaged, of another config or backend.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            values = [archive[f"v{i}"] for i in range(len(archive.files) - 1)]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; there is nothing to resume, start without --resume") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"the checkpoint {path} is damaged ({error}); start without --resume") from error
    if header["backend"] != _backend():
        raise InputError(f"{path.name} was trained on {header['backend']}, this is {_backend()}; set KERAS_BACKEND")
    if changed := _differences(config_from_dict(header["config"], path.name), config):
        raise InputError(
            f"{path.name} is of another config ({', '.join(changed)} changed); to go on with new settings, start a run "
            f"from its weights.npz"
        )
    variables = _variables(model)
    if [v.shape for v in values] != [tuple(v.shape) for v in variables]:
        raise InputError(f"the checkpoint {path} holds other variables; it comes from another version")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return int(header["step"])


def _variables(model: Any) -> list[Any]:
    return [*model.trainable_variables, *model.optimizer.variables]


def _backend() -> str:
    import keras

    return str(keras.backend.backend())


def _differences(old: TrainingConfig, new: TrainingConfig) -> list[str]:
    """Keys that differ and matter, the schedule's one by one."""

    def flat(config: TrainingConfig) -> dict[str, Any]:
        schedule = {f"schedule.{key}": value for key, value in vars(config.schedule).items()}
        return {**vars(config), **schedule}

    free = {"schedule", "validation", "schedule.steps", "schedule.checkpoint_minutes", "schedule.start_share"}
    before, after = flat(old), flat(new)
    return sorted(key for key in after.keys() - free if before[key] != after[key])
