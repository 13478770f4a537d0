"""A photo split into layers, one for each label that is seen in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.layers.edges import refined_mask
from portraitlite.runtime.layers.extend import pull_push
from portraitlite.runtime.photo import Photo
from portraitlite.runtime.segmentation import Segmentation, samples_inside

__all__ = ["BOTTOM_LABEL", "MIN_SHARE", "Layer", "LayerStack", "share_of", "split_layers"]

MIN_SHARE = 0.005  # of the photo's area; what covers less goes to the labels around it
BOTTOM_LABEL = "background"
TOP_LABEL = "person"
STRIP_ROWS = 64
HIDDEN_FROM = 8  # of 255: from here on a hidden object's colour would show as a rim

Bytes = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Layer:
    """Where one label is seen.

    Attributes:
        label: its name.
        index: its index in the model.
        weight: (h, w) uint8, how much of what is seen at a pixel belongs to this layer; over all layers 255.
        left, top: where `weight` lies in the photo, in pixels; it is 0 elsewhere.
        share: of the photo's area, 0..1.
        visible: False for a layer that is kept but not shown.
    """

    label: str
    index: int
    weight: Bytes
    left: int
    top: int
    share: float
    visible: bool = True

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the photo that the layer spans."""
        height, width = self.weight.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclasses.dataclass(frozen=True)
class LayerStack:
    """The layers of one photo.

    Attributes:
        photo: the whole of it.
        layers: bottom first. The first spans the photo and has nothing behind it.
    """

    photo: Photo
    layers: tuple[Layer, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names, bottom first."""
        return tuple(layer.label for layer in self.layers)


def split_layers(
    photo: Photo,
    segmentation: Segmentation,
    renderer: BlurRenderer,
    *,
    hidden: Collection[str] = (),
    min_share: float = MIN_SHARE,
    progress: Callable[[int, int], None] | None = None,
) -> LayerStack:
    """Split a photo by label, with soft edges that follow the photo.

    The bottom layer is `background` if the model knows it; the others follow by share, the largest first, then people,
    then what is hidden. Every layer's mask is refined by the blur's guided filter; the masks are then divided by their
    sum. Hard label maps get their soft edges from the filter too.

    Args:
        segmentation: of this photo.
        renderer: whose filter is used.
        hidden: labels that are not to be shown. What they covered goes to the bottom layer.
        min_share: least share of the photo's area that makes a layer, 0..1.
        progress: called with (masks done, masks).

    Raises:
        InputError: a share outside 0..1, or a segmentation of another photo.
    """
    if not 0 <= min_share <= 1:
        raise InputError(f"the least share is {min_share}; give a number from 0 to 1")
    if (segmentation.height, segmentation.width) != photo.pixels.shape[:2]:
        found = f"{segmentation.width}x{segmentation.height}"
        raise InputError(f"the segmentation is of a {found} photo, this one is {photo.width}x{photo.height}")
    names, masks = _small_masks(segmentation, hidden, min_share)
    if len(names) == 1:
        whole = np.full(photo.pixels.shape[:2], 255, np.uint8)
        index = segmentation.labels.index(names[0])
        return LayerStack(photo, (Layer(names[0], index, whole, 0, 0, 1.0, names[0] not in hidden),))
    refined: list[tuple[Bytes, int, int]] = []
    total = np.zeros(photo.pixels.shape[:2], np.uint16)
    for done, mask in enumerate(masks):
        if progress:
            progress(done, len(names))
        part, left, top = _crop(refined_mask(photo.pixels, mask, segmentation.box, renderer))
        total[top : top + part.shape[0], left : left + part.shape[1]] += part
        refined.append((part, left, top))
    if progress:
        progress(len(names), len(names))
    rest = np.full(photo.pixels.shape[:2], 255, np.uint8)
    behind = np.zeros(photo.pixels.shape[:2], bool)
    layers: list[Layer] = []
    # From the top down: rounding, and what the hidden labels cover, is left to the bottom.
    for name, (part, left, top) in reversed(list(zip(names, refined, strict=True))[1:]):
        place = (slice(top, top + part.shape[0]), slice(left, left + part.shape[1]))
        weight = share_of(part, total[place])
        if name in hidden:
            behind[place] |= weight >= HIDDEN_FROM
        else:
            weight[behind[place]] = 0
        np.minimum(weight, rest[place], out=weight)
        rest[place] -= weight
        share = float(weight.sum(dtype=np.int64)) / 255 / rest.size
        layers.append(Layer(name, segmentation.labels.index(name), weight, left, top, share, name not in hidden))
    share = float(rest.sum(dtype=np.int64)) / 255 / rest.size
    bottom = Layer(names[0], segmentation.labels.index(names[0]), rest, 0, 0, share, names[0] not in hidden)
    return LayerStack(photo, (bottom, *reversed(layers)))


def _small_masks(
    segmentation: Segmentation, hidden: Collection[str], min_share: float
) -> tuple[list[str], list[Bytes]]:
    """The labels that become layers, bottom first, and their masks at network size."""
    masks = {label: segmentation.mask(label) for label in segmentation.labels}
    rows, columns = samples_inside(segmentation.box, *segmentation.output.shape[:2])
    # Where a label wins, not its mean confidence: a little of it everywhere is no layer.
    winners = np.dstack([mask[rows, columns] for mask in masks.values()]).argmax(-1)
    shares = dict(zip(masks, np.bincount(winners.ravel(), minlength=len(masks)) / winners.size, strict=True))
    seen = [label for label, share in shares.items() if label == BOTTOM_LABEL or share >= max(min_share, 1e-9)]
    names = sorted(seen, key=lambda label: (label != BOTTOM_LABEL, label in hidden, label == TOP_LABEL, -shares[label]))
    if not names:
        names = [max(shares, key=lambda label: shares[label])]
    kept = np.dstack([masks[name] for name in names]).astype(np.float32)
    known = (kept.sum(-1) >= 127.5).astype(np.float32)
    if known.any():
        # Specks of labels that are left out go to what surrounds them.
        kept = pull_push(kept, known)
    else:
        kept[..., 0] = 255
    return names, [np.ascontiguousarray(kept[..., k] + 0.5).clip(0, 255).astype(np.uint8) for k in range(len(names))]


def _crop(mask: Bytes) -> tuple[Bytes, int, int]:
    """(the smallest part that holds all that is not 0, its left, its top); one pixel where all is 0."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return mask[:1, :1].copy(), 0, 0
    top, left = int(rows[0]), int(columns[0])
    return mask[top : rows[-1] + 1, left : columns[-1] + 1].copy(), left, top


def share_of(part: Bytes, total: npt.NDArray[np.uint16]) -> Bytes:
    """(h, w) uint8: 255 * part / total, rounded to nearest; 0 where the total is. Strips bound the memory."""
    out = np.empty_like(part)
    for top in range(0, len(part), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        below = np.maximum(total[rows], 1).astype(np.uint32)
        out[rows] = (part[rows] * np.uint32(255) + below // 2) // below
    return out
