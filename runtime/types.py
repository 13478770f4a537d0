"""The vocabulary of the runtime: enums and small frozen records, no behaviour."""

from __future__ import annotations

import enum

__all__ = ["Fit", "IfNoSubject", "OutputKind", "ResizeConvention", "ResizeFilter"]


class OutputKind(enum.StrEnum):
    """What a model puts out: a label map, class scores before softmax, or probabilities."""

    LABELS = "labels"
    LOGITS = "logits"
    CONFIDENCE = "confidence"


class Fit(enum.StrEnum):
    """How a photo becomes the network's input.

    STRETCH ignores the aspect ratio; PAD keeps it and fills the right and the bottom with the mean pixel,
    as the official evaluation does.
    """

    STRETCH = "stretch"
    PAD = "pad"


class ResizeFilter(enum.StrEnum):
    """Filter of the photo -> network input resize. BILINEAR is Pillow's (8 bit, antialiased)."""

    BILINEAR = "bilinear"


class ResizeConvention(enum.StrEnum):
    """Where the samples of a resized tensor lie (TensorFlow's three conventions).

    ALIGN_CORNERS: corner samples coincide. LEGACY: output i reads input i * scale (neither flag set).
    HALF_PIXEL: pixel areas coincide, as in image editors.
    """

    ALIGN_CORNERS = "align_corners"
    LEGACY = "legacy"
    HALF_PIXEL = "half_pixel"


class IfNoSubject(enum.StrEnum):
    """What to do with a photo that shows no subject."""

    FAIL = "fail"
    COPY = "copy"
    BLUR = "blur"
