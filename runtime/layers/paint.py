"""From layers to pictures: each layer's colours and alpha, and the picture that they make together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.layers.extend import extend_colours
from portraitlite.runtime.layers.stack import HIDDEN_FROM, Layer, LayerStack, share_of

__all__ = ["CLEAN", "Canvas", "Effect", "PaintedLayer", "paint_layers"]

CLEAN = 230  # of 255: from this weight on, a pixel shows its label's colour and nothing else's

Bytes = npt.NDArray[np.uint8]

Effect = Callable[[Bytes, Bytes], Bytes]
"""Changes one layer's colours: (rgb, weight) -> rgb.

rgb is (H, W, 3) uint8, the whole photo; it must not be changed in place. weight is (H, W) uint8, how much of what is
seen at a pixel belongs to the layer: 255 all of it, 0 nothing. Returned is an (H, W, 3) uint8 array.
"""


@dataclasses.dataclass(frozen=True)
class PaintedLayer:
    """A layer as image editors have it.

    Attributes:
        layer: what it was made of.
        rgba: (h, w, 4) uint8, straight alpha; colours of transparent pixels are 0.
    """

    layer: Layer
    rgba: Bytes


def paint_layers(stack: LayerStack, effects: Mapping[str, Sequence[Effect]] | None = None) -> Iterator[PaintedLayer]:
    """The layers with their colours, bottom first; laid over each other they give the photo.

    A layer's colours are the photo's, so that soft edges add up whatever the alpha. What other layers hide from the
    bottom one is filled with the colours around it. One layer at a time is held in memory.

    Args:
        effects: by label, in the order in which they are applied; labels that the photo does not show are ignored.

    Raises:
        InputError: an effect gave something that is no picture of the photo's size.
    """
    photo = stack.photo
    hidden = _hidden(stack)
    # Weight of what lies below, beginning with what the photo itself lets through.
    below = np.zeros(photo.pixels.shape[:2], np.uint8) if photo.alpha is None else np.uint8(255) - photo.alpha
    for layer in stack.layers:
        own = layer.weight if photo.alpha is None else _product(layer.weight, photo.alpha[layer.place])
        is_bottom = layer is stack.layers[0]
        under = below[layer.place]
        total = own.astype(np.uint16) + under
        alpha = share_of(own, total)
        if is_bottom:
            alpha[total == 0] = 255
        if layer.visible:
            below[layer.place] = under + np.minimum(own, 255 - under)
        rgb = _behind_others(stack, hidden) if is_bottom else photo.pixels
        if chosen := (effects or {}).get(layer.label, ()):
            weight = np.zeros(photo.pixels.shape[:2], np.uint8)
            weight[layer.place] = layer.weight
            for effect in chosen:
                rgb = _checked(effect(rgb, weight), rgb, layer.label)
        rgba = np.empty((*alpha.shape, 4), np.uint8)
        np.multiply(rgb[layer.place], (alpha > 0)[..., None], out=rgba[..., :3])
        rgba[..., 3] = alpha
        del rgb
        yield PaintedLayer(layer, rgba)


class Canvas:
    """What the layers make together: source-over with straight alpha in 8 bits, as image editors do it."""

    def __init__(self, height: int, width: int) -> None:
        """Transparent."""
        self._image = Image.new("RGBA", (width, height))

    def add(self, painted: PaintedLayer) -> None:
        """Lay a layer over what is there, unless it is hidden."""
        if painted.layer.visible:
            self._image.alpha_composite(Image.fromarray(painted.rgba), (painted.layer.left, painted.layer.top))

    @property
    def picture(self) -> Bytes:
        """(H, W, 3) uint8 RGB if all of it is opaque, else (H, W, 4) RGBA."""
        opaque = bool((np.asarray(self._image)[..., 3] == 255).all())
        return np.asarray(self._image.convert("RGB") if opaque else self._image)


def _product(weight: Bytes, alpha: Bytes) -> Bytes:
    return np.asarray(ImageChops.multiply(Image.fromarray(weight), Image.fromarray(np.ascontiguousarray(alpha))))


def _hidden(stack: LayerStack) -> npt.NDArray[np.bool_] | None:
    """(H, W): where colours of layers that are not shown are part of the photo's; None if there are none."""
    layers = [layer for layer in stack.layers[1:] if not layer.visible]
    if not layers:
        return None
    where = np.zeros(stack.photo.pixels.shape[:2], bool)
    for layer in layers:
        where[layer.place] |= layer.weight >= HIDDEN_FROM
    return where


def _behind_others(stack: LayerStack, hidden: npt.NDArray[np.bool_] | None) -> Bytes:
    """Colours of the bottom layer.

    Behind hidden layers the surroundings go on whatever they are; behind shown ones only the layer's own colours do.
    """
    weight = stack.layers[0].weight
    pixels = stack.photo.pixels
    if hidden is None:
        return extend_colours(pixels, weight >= CLEAN, weight == 0)
    pixels = extend_colours(pixels, ~hidden, hidden)
    return extend_colours(pixels, (weight >= CLEAN) & ~hidden, (weight == 0) & ~hidden)


def _checked(result: Bytes, rgb: Bytes, label: str) -> Bytes:
    if not isinstance(result, np.ndarray) or result.dtype != np.uint8 or result.shape != rgb.shape:
        found = f"{result.dtype} {list(result.shape)}" if isinstance(result, np.ndarray) else type(result).__name__
        raise InputError(f"an effect on {label} gave {found}; it must return uint8 {list(rgb.shape)}")
    return result
