"""The TOML file of a training run as frozen dataclasses; every key is checked, none is guessed."""

from __future__ import annotations

import dataclasses
import enum
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from portraitlite.convert.spec import DeepLabSpec
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = [
    "AugmentationConfig",
    "DatasetConfig",
    "DatasetKind",
    "LossConfig",
    "Only",
    "ScheduleConfig",
    "StartConfig",
    "TeacherConfig",
    "TrainingConfig",
    "ValidationConfig",
    "config_from_dict",
    "load_config",
]

MAX_CONFIG_BYTES = 1 << 20


class DatasetKind(enum.StrEnum):
    """How a data set is stored.

    FOLDER: `images` and `masks` of equal stems, mask 255 subject, 0 other, 128 unknown. VOC: the same with class ids,
    255 unknown. COCO: `images` and an instances JSON. BOXES: `images` and a JSON of boxes round every subject, so that
    pixels outside all boxes are known to hold none. PHOTOS: `images` alone, for teachers.
    """

    FOLDER = "folder"
    VOC = "voc"
    COCO = "coco"
    BOXES = "boxes"
    PHOTOS = "photos"


class Only(enum.StrEnum):
    """Which photos of a data set are used: all, those that show the subject, those that do not."""

    ALL = "all"
    SUBJECT = "subject"
    NO_SUBJECT = "no_subject"


@dataclasses.dataclass(frozen=True)
class DatasetConfig:
    """One data set.

    Attributes:
        name: in logs, and for `paste_*` below.
        kind: how it is stored.
        images: folder of photos, relative to the data folder.
        share: how often it is drawn, relative to the others.
        masks: folder of PNG masks (folder, voc).
        annotations: JSON file (coco, boxes).
        only: which photos to take.
        trust: factor of the subject losses, for labels that are not human-made.
        classes: COCO category -> label, where the names differ.
    """

    name: str
    kind: DatasetKind
    images: str
    share: float
    masks: str = ""
    annotations: str = ""
    only: Only = Only.ALL
    trust: float = 1.0
    classes: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class TeacherConfig:
    """A `.tflite` whose soft outputs supervise. Photos are stretched to its input.

    Attributes:
        model: file, relative to the data folder.
        tensor: first letters of the name of the logits tensor inside the file.
        resize_convention: of the teacher's own upsampling; says where its samples lie.
        label: the one class to take from it; empty takes all, which must be the first labels of this run.
        instead_of: the label that gives way where `label` is found.
    """

    model: str
    tensor: str
    resize_convention: ResizeConvention = ResizeConvention.ALIGN_CORNERS
    label: str = ""
    instead_of: str = "background"


@dataclasses.dataclass(frozen=True)
class StartConfig:
    """Where the weights come from.

    Attributes:
        weights: `.npz`, tarball or checkpoint of official variables, relative to the data folder; empty starts fresh.
        transfer: rules of `transfer.py`, applied in order.
    """

    weights: str = ""
    transfer: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ScheduleConfig:
    """How long and how fast.

    Attributes:
        steps: optimizer steps of the whole run; the cosine ends there.
        batch_size: photos a step.
        rates: variable-name prefix -> peak learning rate of Adam; the longest prefix that fits counts.
        warmup_steps: linear rise from 0.
        final_fraction: of the peak rate at the last step.
        clip_norm: of all gradients together.
        ema: momentum of the averaged weights, which are what a run puts out.
        checkpoint_minutes: at most so much work is lost when a run is killed.
    """

    steps: int
    rates: dict[str, float]
    batch_size: int = 8
    warmup_steps: int = 50
    final_fraction: float = 0.02
    clip_norm: float = 1.0
    ema: float = 0.998
    checkpoint_minutes: float = 5.0


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Weights of the terms of `losses.py`; 0 switches a term off.

    Attributes:
        classes: cross-entropy over all classes, to labels mixed with the teacher.
        subject: binary cross-entropy of the subject against the rest.
        subject_iou: 1 - soft IoU of the subject, per photo.
        false_subject: raising the subject where the teacher gives it less than `false_subject_below` and no label does.
        false_subject_below: probability.
        edge: extra weight of `subject` in a band of `edge_width` samples around the subject's edge.
        edge_width: odd, in samples of the logits.
        teacher_share: part of the teacher in the target of labelled pixels.
    """

    classes: float = 0.5
    subject: float = 1.0
    subject_iou: float = 0.5
    false_subject: float = 0.0
    false_subject_below: float = 0.02
    edge: float = 1.2
    edge_width: int = 5
    teacher_share: float = 0.25


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """Probabilities and ranges of `augment.py` and `colour.py`.

    Attributes:
        whole: the photo uncropped, as at inference.
        framing: a crop of exactly 4:3 or 3:4, the phone's frame.
        smallest_area: of an ordinary crop, as a part of the photo.
        zoom: a crop of 8 to 30 % of the photo inside a subject (faces that fill the frame).
        colour, gray, blur, noise, jpeg: of each change of the pixels.
        paste: of putting a subject of the sets `paste_subjects` before a photo of the sets `paste_backgrounds`.
    """

    whole: float = 0.1
    framing: float = 0.25
    smallest_area: float = 0.3
    zoom: float = 0.15
    colour: float = 0.8
    gray: float = 0.08
    blur: float = 0.15
    noise: float = 0.2
    jpeg: float = 0.2
    paste: float = 0.0
    paste_subjects: tuple[str, ...] = ()
    paste_backgrounds: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ValidationConfig:
    """What is never trained on, and how often it is scored.

    Attributes:
        list: TOML of file names by folder, relative to the config file; empty holds nothing back.
        every_steps: between evaluations; 0 never evaluates.
        photos: at most so many of each list during training.
    """

    list: str = ""
    every_steps: int = 250
    photos: int = 30


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """A whole run.

    Attributes:
        seed: of everything random; batches follow from (seed, step).
        labels: class names in network order.
        subject: the label that portrait mode keeps sharp.
        network: what to train; `classes` follows from `labels`.
    """

    seed: int
    labels: tuple[str, ...]
    subject: str
    network: DeepLabSpec
    schedule: ScheduleConfig
    datasets: tuple[DatasetConfig, ...]
    start: StartConfig = StartConfig()
    losses: LossConfig = LossConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    teachers: tuple[TeacherConfig, ...] = ()
    validation: ValidationConfig = ValidationConfig()

    @property
    def subject_index(self) -> int:
        return self.labels.index(self.subject)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "network": self.network.to_dict()}


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
        fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
        if unknown := sorted(_expect(value, dict, where).keys() - fields.keys()):
            raise InputError(f"{where}: unknown keys {unknown}; known are {sorted(fields)}")
        needed = {
            name
            for name, field in fields.items()
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }
        if missing := sorted(needed - value.keys()):
            raise InputError(f"{where}: the keys {missing} are missing; add them")
        return kind(**{name: _build(hints[name], item, f"{where}: {name}") for name, item in value.items()})  # type: ignore[operator]
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
        if value not in list(kind):
            raise InputError(f"{where}: {value!r} is not one of {', '.join(kind)}")
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
    stride = network.decoder_stride or network.output_stride
    if (network.crop_height - 1) % stride or (network.crop_width - 1) % stride:
        raise InputError(f"{where}: train at sides of {stride}k+1, not {network.crop_height}x{network.crop_width}")
