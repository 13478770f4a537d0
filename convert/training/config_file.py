"""A TOML file -> `TrainingConfig`; every key is checked, none is guessed."""

from __future__ import annotations

import dataclasses
import enum
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.training.config import DatasetKind, TrainingConfig
from portraitlite.runtime.errors import InputError

__all__ = ["config_from_dict", "load_config"]

MAX_CONFIG_BYTES = 1 << 20


def load_config(path: Path) -> TrainingConfig:
    """Read and check a TOML file.

    Raises:
        InputError: unreadable, unknown keys, or values that do not fit; the message says where.
    """
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise InputError(f"{path.name} is larger than 1 MiB; a training config is a page of TOML")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); give a training config, a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not TOML ({error}); see convert/training/configs for examples") from error
    return config_from_dict(document, path.name)


def config_from_dict(document: dict[str, Any], where: str) -> TrainingConfig:
    """The inverse of `TrainingConfig.to_dict`, checked.

    Raises:
        InputError: unknown keys, or values that do not fit; `where` begins the message.
    """
    config: TrainingConfig = _build(TrainingConfig, document, where)
    _check(config, where)
    return config


def _build(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind`: dataclass, enum, tuple, dict or scalar."""
    if kind is DeepLabSpec:
        return DeepLabSpec.from_dict(_expect(value, dict, where))
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        fields = {field.name: field for field in dataclasses.fields(kind)}
        if unknown := sorted(_expect(value, dict, where).keys() - fields.keys()):
            raise InputError(f"{where}: unknown keys {unknown}; known are {sorted(fields)}")
        needed = {
            name
            for name, field in fields.items()
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }
        if missing := sorted(needed - value.keys()):
            raise InputError(f"{where}: the keys {missing} are missing; add them")
        make: Any = kind
        return make(**{name: _build(hints[name], item, f"{where}: {name}") for name, item in value.items()})
    if isinstance(kind, types.GenericAlias):
        arguments = typing.get_args(kind)
        if kind.__origin__ is dict:
            return {
                key: _build(arguments[1], item, f"{where}.{key}") for key, item in _expect(value, dict, where).items()
            }
        return tuple(
            _build(arguments[0], item, f"{where} {i}") for i, item in enumerate(_expect(value, list, where), 1)
        )
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        values = [str(member.value) for member in kind]
        if value not in values:
            raise InputError(f"{where}: {value!r} is not one of {', '.join(values)}")
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    return _expect(value, kind, where)


def _expect(value: Any, kind: type, where: str) -> Any:
    if type(value) is not kind:
        raise InputError(f"{where}: expected {kind.__name__}, found {value!r}")
    return value


def _check(config: TrainingConfig, where: str) -> None:
    """What no single key can show."""
    schedule, network = config.schedule, config.network
    if len(set(config.labels)) != len(config.labels) or not 2 <= len(config.labels) <= 254:
        raise InputError(f"{where}: labels must be 2 to 254 different names, found {len(config.labels)}")
    if network.classes != len(config.labels):
        raise InputError(
            f"{where}: the network has {network.classes} classes, but {len(config.labels)} labels are named"
        )
    if config.subject not in config.labels:
        raise InputError(f"{where}: the subject {config.subject!r} is not one of the labels")
    if not config.datasets or not all(dataset.share > 0 for dataset in config.datasets):
        raise InputError(f"{where}: give at least one [[datasets]], each with a positive share")
    names = [dataset.name for dataset in config.datasets]
    if len(set(names)) != len(names):
        raise InputError(f"{where}: two [[datasets]] have one name; names must differ")
    for name in (*config.augmentation.paste_subjects, *config.augmentation.paste_backgrounds):
        if name not in names:
            raise InputError(f"{where}: paste names the data set {name!r}, which is not one of {', '.join(names)}")
    for teacher in config.teachers:
        if teacher.label and {teacher.label, teacher.instead_of} - set(config.labels):
            raise InputError(
                f"{where}: a teacher gives {teacher.label!r} for {teacher.instead_of!r}; both must be labels"
            )
    if sum(not teacher.label for teacher in config.teachers) > 1:
        raise InputError(f"{where}: two teachers give all classes; name a label in all but one")
    if all(teacher.label for teacher in config.teachers):
        if blind := [d.name for d in config.datasets if d.kind in (DatasetKind.BOXES, DatasetKind.PHOTOS)]:
            raise InputError(
                f"{where}: the data set {blind[0]} needs a teacher of all classes; add one to [[teachers]]"
            )
        if config.losses.teacher_share:
            raise InputError(f"{where}: losses.teacher_share needs a teacher of all classes; add one or set it to 0")
    if schedule.steps < 1 or schedule.batch_size < 1 or not schedule.rates or not 0 < schedule.ema < 1:
        raise InputError(f"{where}: schedule needs steps and batch_size of at least 1, rates, and ema between 0 and 1")
    if not 0 <= schedule.start_share < 1 or (schedule.start_share and not config.start.weights):
        raise InputError(f"{where}: start_share must be at least 0 and below 1, and above 0 it needs start.weights")
    if min(schedule.rates.values()) < 0 or max(schedule.rates.values()) == 0:
        raise InputError(f"{where}: rates must not be negative, and one must be above 0 or nothing is trained")
    stride = network.decoder_stride or network.output_stride
    if (network.crop_height - 1) % stride or (network.crop_width - 1) % stride:
        raise InputError(f"{where}: train at sides of {stride}k+1, not {network.crop_height}x{network.crop_width}")
