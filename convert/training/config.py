"""What a training run is: the keys of its TOML file as frozen dataclasses."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from portraitlite.convert.spec import DeepLabSpec
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
]


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
        rates: variable-name prefix -> peak learning rate of Adam, 0 freezes; the longest prefix that fits counts.
        warmup_steps: linear rise from 0.
        final_fraction: of the peak rate at the last step.
        clip_norm: of all gradients together.
        ema: momentum of the averaged weights, which are what a run puts out.
        start_share: part of the starting weights in what a run puts out, 0 to below 1. With half the result keeps more
            of what the start knew (Wortsman et al. 2022, arXiv 2109.01903); classes that the start lacks suffer.
        checkpoint_minutes: at most so much work is lost when a run is killed.
    """

    steps: int
    rates: dict[str, float]
    batch_size: int = 8
    warmup_steps: int = 50
    final_fraction: float = 0.02
    clip_norm: float = 1.0
    ema: float = 0.998
    start_share: float = 0.0
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
