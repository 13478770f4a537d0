"""How sure a model is of the class that it puts out: the confidence of the winning scored class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.resize import resize_bilinear
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.types import OutputKind

__all__ = ["winning_confidence"]

STRIP_ROWS = 64  # of 150 classes at a time: the scores alone take 160 MB

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]


def winning_confidence(seen: Segmentation, table: UInt8) -> UInt8 | None:
    """(H, W) uint8, 255 is certainty: that a pixel is of the scored class that `label_map` gives it.

    Scores go to input size and then to photo size as `label_map` takes them; classes of the model that count as the
    same scored class add up.

    Args:
        seen: scores or confidences of every class, or of one of two.
        table: class of the model -> scored index.

    Returns:
        None where the model does not say: it puts out labels, or one class of many.
    """
    meta = seen.metadata
    if meta.output_kind is OutputKind.LABELS:
        return None
    if meta.output_label is not None:
        if len(meta.labels) != 2:
            return None
        mask = seen.photo_mask(meta.output_label)
        return np.where(mask >= 128, mask, 255 - mask)
    scores = resize_bilinear(seen.output, *meta.network_size, meta.resize_convention)
    small: UInt8 = np.empty(scores.shape[:2], np.uint8)
    for top in range(0, len(scores), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        won = _won(scores[rows], table, logits=meta.output_kind is OutputKind.LOGITS)
        small[rows] = (np.clip(won, 0, 1) * 255 + 0.5).astype(np.uint8)
    scale = (small.shape[1] / meta.input_width, small.shape[0] / meta.input_height)
    box = (0.0, 0.0, seen.used_width * scale[0], seen.used_height * scale[1])
    return np.asarray(Image.fromarray(small).resize((seen.width, seen.height), Image.Resampling.NEAREST, box=box))


def _won(scores: Float32, table: UInt8, *, logits: bool) -> Float32:
    """(h, w, C) scores or confidences -> (h, w) confidence of the scored class of the winner."""
    shares = scores
    if logits:
        exponent = np.exp(scores - scores.max(-1, keepdims=True))
        shares = exponent / exponent.sum(-1, keepdims=True)
    winner = table[scores.argmax(-1)]
    won = np.zeros(winner.shape, np.float32)
    # No matrix product: libraries sum it in an order that depends on threads.
    for index, place in enumerate(table.tolist()):
        won += np.where(winner == place, shares[..., index], np.float32(0))
    return won
