"""One crop of a photo at network size, with everything known about its pixels, and pasting one before another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from portraitlite.convert.training.crop import Window
from portraitlite.convert.training.datasets import UNKNOWN

__all__ = ["Ask", "View", "at_stride", "paste", "view"]

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]
# (window, positions_y, positions_x in 0..1 of the window) -> (n, m, C) probabilities
Ask = Callable[[Window, Float32, Float32], Float32]


@dataclasses.dataclass(frozen=True)
class View:
    """Arrays at network size (H, W) and at the size of the logits (n, m).

    Attributes:
        image: (H, W, 3) uint8 RGB.
        matte: (H, W) float32 0..1, part of each pixel that the labels give to the subject.
        unknown: (n, m) float32 0..1, part of each sample without a label.
        labels: (n, m) uint8 label map.
        teacher: (n, m, C) float32 probabilities; uniform without a teacher.
    """

    image: UInt8
    matte: Float32
    unknown: Float32
    labels: UInt8
    teacher: Float32


def view(
    photo: UInt8, labels: UInt8, ask: Ask, window: Window, size: tuple[int, int], stride: int, subject: int
) -> View:
    """Cut a window out of a photo.

    The resize is Pillow's antialiased BILINEAR, the same as at inference. Sample i of the logits lies on pixel
    stride * i of the input (align_corners at sides of stride * k + 1).

    Args:
        photo: (H', W', 3) uint8 RGB.
        labels: (H', W') label map.
        ask: the teachers.
        window: what to show.
        size: (height, width) of the network's input.
        stride: of the logits.
        subject: class index.
    """
    height, width = size
    box = window.box(*labels.shape)

    def cut(plane: UInt8) -> UInt8:
        resized = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR, box=box)
        return np.asarray(resized.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if window.mirrored else resized)

    def part(value: int) -> Float32:
        return cut((labels == value).astype(np.uint8) * np.uint8(255)).astype(np.float32) / np.float32(255)

    at_y = ((np.arange(0, height, stride) + 0.5) / height).astype(np.float32)
    at_x = ((np.arange(0, width, stride) + 0.5) / width).astype(np.float32)
    if window.mirrored:
        at_x = 1 - at_x
    rows = np.minimum(((window.top + at_y * window.height) * labels.shape[0]).astype(np.intp), labels.shape[0] - 1)
    columns = np.minimum(((window.left + at_x * window.width) * labels.shape[1]).astype(np.intp), labels.shape[1] - 1)
    return View(
        image=cut(photo),
        matte=part(subject),
        unknown=at_stride(part(UNKNOWN), stride),
        labels=labels[rows[:, None], columns],
        teacher=ask(window, at_y, at_x),
    )


def paste(front: View, back: View, subject: int, stride: int) -> View:
    """The subject of `front` before `back`, with an edge softened by a pixel."""
    soft = Image.fromarray((front.matte * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.0))
    # The outermost pixels of a cut-out carry its old background: the matte moves inwards by half the blur.
    matte = np.clip((np.asarray(soft) / np.float32(255) - 0.25) / 0.75, 0, 1).astype(np.float32)
    alpha = matte[..., None]
    image = np.round(front.image * alpha + back.image * (1 - alpha)).astype(np.uint8)
    small = at_stride(matte, stride)
    certain = np.eye(back.teacher.shape[2], dtype=np.float32)[subject]
    return View(
        image=image,
        matte=np.maximum(matte, back.matte),
        unknown=back.unknown * (1 - small),
        labels=np.where(small > 0.5, np.uint8(subject), back.labels),
        teacher=small[..., None] * certain + (1 - small[..., None]) * back.teacher,
    )


def at_stride(plane: Float32, stride: int) -> Float32:
    """(H, W) 0..1 -> (n, m): the mean of 3x3 pixels around every stride-th one."""
    if stride == 1:
        return plane
    padded = np.pad(plane, 1, mode="edge")
    height, width = plane.shape
    total = np.zeros_like(plane[::stride, ::stride])
    for y in range(3):
        for x in range(3):
            total += padded[y : y + height : stride, x : x + width : stride]
    return total / np.float32(9)
