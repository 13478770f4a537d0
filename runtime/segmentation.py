"""The result of a segmentation, at network size and at photo size."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.bilinear import bilinear
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.resize import resize_bilinear
from portraitlite.runtime.types import OutputKind, ResizeConvention

__all__ = ["Box", "Segmentation", "mask_at_size", "samples_inside"]

Box = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Segmentation:
    """What a model saw in one photo.

    Example:
        >>> from portraitlite.runtime import Segmenter
        >>> found = Segmenter()(numpy_rgb)
        >>> found.photo_mask("person").shape, found.label_map().shape
        ((512, 512), (512, 512))
        >>> {label: round(share, 1) for label, share in found.shares().items()}
        {'person': 0.5, 'background': 0.5}

    Attributes:
        output: (h, w, C) float32 scores or confidences, or (h, w) uint8 labels, at network size.
        metadata: of the model.
        height, width: of the photo.
        used_height, used_width: part of the network's input that shows the photo.
    """

    output: npt.NDArray[Any]
    metadata: ModelMetadata
    height: int
    width: int
    used_height: int
    used_width: int

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by index."""
        return self.metadata.labels

    @property
    def box(self) -> Box:
        """The photo's rim in the output map's pixel-edge coordinates: left, top, right, bottom.

        With align_corners (and with TensorFlow's legacy rule) sample i stands for input pixel i * step, not for an
        equal share of the input, so the photo's rim does not fall on the map's rim. Taking it for granted shifts masks
        by up to 0.4 % of the photo at stride 4.
        """
        meta = self.metadata
        height, width = meta.network_size
        used_height = self.used_height * height / meta.input_height
        used_width = self.used_width * width / meta.input_width
        top, bottom = _span(used_height, height, self.output.shape[0], meta.resize_convention)
        left, right = _span(used_width, width, self.output.shape[1], meta.resize_convention)
        return left, top, right, bottom

    def confidence(self, label: str) -> npt.NDArray[np.float32]:
        """(h, w) float32 in 0..1 at network size: that a pixel belongs to `label`.

        From logits it is their softmax; from labels it is 0 or 1.

        Raises:
            InputError: the model does not know the label.
        """
        index = self._index(label)
        meta = self.metadata
        if meta.output_kind is OutputKind.LABELS:
            return np.asarray(self.output == index, np.float32)
        if meta.output_label is not None:
            confidence: npt.NDArray[np.float32] = self.output[..., 0]
            if label == meta.output_label:
                return confidence
            if len(meta.labels) == 2:
                return 1 - confidence
            raise InputError(f"the model puts out the confidence of {meta.output_label!r} only, not of {label!r}")
        if meta.output_kind is OutputKind.CONFIDENCE:
            return np.ascontiguousarray(self.output[..., index], np.float32)
        exponent = np.exp(self.output - self.output.max(-1, keepdims=True))
        return np.asarray(exponent[..., index] / exponent.sum(-1), np.float32)

    def mask(self, label: str) -> npt.NDArray[np.uint8]:
        """(h, w) uint8, `confidence` * 255 rounded: the form in which masks travel on, also on the phone.

        Samples in the padding repeat the photo's last ones, so that the subject does not fade towards a padded rim.
        """
        mask = (self.confidence(label) * 255 + 0.5).astype(np.uint8)
        left, top, right, bottom = self.box
        # Samples whose place lies on the photo: i * step <= used - 1, written with the edges of `box`.
        rows = max(1, min(mask.shape[0], int(bottom + top + 1e-6)))
        columns = max(1, min(mask.shape[1], int(right + left + 1e-6)))
        mask[rows:] = mask[rows - 1]
        mask[:, columns:] = mask[:, columns - 1 : columns]
        return mask

    def photo_mask(self, label: str) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 at photo size, by Pillow's 8-bit BILINEAR over `box`."""
        return mask_at_size(self.mask(label), self.box, self.height, self.width)

    def label_map(self) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 class indices at photo size.

        Scores are upsampled bilinearly to the network's input, as the official graph does, and the winning class then
        goes to photo size by nearest neighbour.
        """
        meta = self.metadata
        if meta.output_kind is not OutputKind.LABELS and meta.output_label is not None:
            index = self._index(meta.output_label)
            other = 0 if index != 0 else 1
            return np.where(self.photo_mask(meta.output_label) >= 128, index, other).astype(np.uint8)
        if meta.output_kind is OutputKind.LABELS:
            small = self.output.astype(np.uint8)
        else:
            scores = resize_bilinear(self.output, *meta.network_size, meta.resize_convention)
            small = scores.argmax(-1).astype(np.uint8)
        # Labels at input size: here a pixel is an area, so the photo's rim is the used part's rim.
        scale = (small.shape[1] / meta.input_width, small.shape[0] / meta.input_height)
        box = (0.0, 0.0, self.used_width * scale[0], self.used_height * scale[1])
        return np.asarray(Image.fromarray(small).resize((self.width, self.height), Image.Resampling.NEAREST, box=box))

    def shares(self) -> dict[str, float]:
        """Share of the photo's area by class, of the classes that appear, largest first."""
        count = np.bincount(self.label_map().ravel(), minlength=len(self.labels)) / (self.height * self.width)
        order = sorted(range(len(self.labels)), key=lambda i: -count[i])
        return {self.labels[i]: float(count[i]) for i in order if count[i] > 0}

    def _index(self, label: str) -> int:
        if label not in self.labels:
            raise InputError(f"the model knows no class {label!r}; it knows {', '.join(self.labels)}")
        return self.labels.index(label)


def mask_at_size(mask: npt.NDArray[np.uint8], box: Box, height: int, width: int) -> npt.NDArray[np.uint8]:
    """A mask at another size, by Pillow's 8-bit BILINEAR.

    Args:
        mask: (h, w) uint8.
        box: the photo's rim in pixel-edge coordinates of `mask`, as `Segmentation.box`.
        height, width: in pixels.

    Returns:
        (height, width) uint8 over the whole photo.
    """
    left, top, right, bottom = box
    inside = (max(left, 0.0), max(top, 0.0), min(right, float(mask.shape[1])), min(bottom, float(mask.shape[0])))
    return bilinear(mask, height, width, inside)


def samples_inside(box: Box, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of a (height, width) map that show the photo: to whole samples, at least one of each."""
    left, top, right, bottom = box
    rows = slice(max(0, round(top)), max(1, min(height, round(bottom))))
    return rows, slice(max(0, round(left)), max(1, min(width, round(right))))


def _span(used: float, source: int, samples: int, convention: ResizeConvention) -> tuple[float, float]:
    """Edges 0 and `used` of the input, in the output's pixel-edge coordinates."""
    if convention is ResizeConvention.HALF_PIXEL or samples == source:
        return 0.0, used * samples / source
    aligned = convention is ResizeConvention.ALIGN_CORNERS and samples > 1
    step = (source - 1) / (samples - 1) if aligned else source / samples
    return 0.5 - 0.5 / step, (used - 0.5) / step + 0.5
