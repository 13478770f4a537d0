"""Keras layers under the official scope names, and the table that ties them to the official variables.

Every convolution carries its batch norm folded in (kernel and bias), which is what a converted file holds anyway, what
trains well from pretrained weights, and what leaves the converter nothing to get wrong. The table remembers the
batch-norm epsilon of each layer, so that `weights.load_variables` can fold and `weights.official_variables` unfold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from portraitlite.runtime.types import ResizeConvention

__all__ = [
    "BACKBONE_EPSILON",
    "HEAD_EPSILON",
    "LayerMaker",
    "Network",
    "VariableRow",
    "hard_sigmoid",
    "hard_swish",
    "layer_name",
    "make_divisible",
]

Activation = str | Callable[[Any], Any] | None

BACKBONE_EPSILON = 1e-3  # slim's default, used by every MobileNet and Xception backbone
HEAD_EPSILON = 1e-5  # ASPP, image pooling, projection and decoder (core/utils.py, model.py)


@dataclasses.dataclass(frozen=True)
class VariableRow:
    """One convolution of the network and the official variables behind it.

    Attributes:
        scope: official variable scope, such as `MobilenetV2/expanded_conv_1/expand`.
        kernel: last part of the kernel's name, `weights` or `depthwise_weights`.
        shape: shape of the official kernel, (kh, kw, in, out) or (kh, kw, in, 1).
        epsilon: of the batch norm behind the convolution; None where there are `biases` instead.
    """

    scope: str
    kernel: str
    shape: tuple[int, int, int, int]
    epsilon: float | None

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.shape[2] if self.kernel == "depthwise_weights" else self.shape[3]

    def variables(self) -> dict[str, tuple[int, ...]]:
        """Official variable names and shapes of this row."""
        n = (self.channels,)
        if self.epsilon is None:
            return {f"{self.scope}/{self.kernel}": self.shape, f"{self.scope}/biases": n}
        norm = ("gamma", "beta", "moving_mean", "moving_variance")
        return {f"{self.scope}/{self.kernel}": self.shape} | {f"{self.scope}/BatchNorm/{k}": n for k in norm}


@dataclasses.dataclass(frozen=True)
class Network:
    """A Keras model with its table.

    Attributes:
        model: normalised RGB [N, crop_height, crop_width, 3] float32 -> logits [N, h, w, classes] float32.
        rows: the table, in network order.
    """

    model: Any
    rows: tuple[VariableRow, ...]


def layer_name(scope: str) -> str:
    """Keras forbids slashes in layer names."""
    return scope.replace("/", ".")


def make_divisible(value: float, divisor: int, minimum: int) -> int:
    """Channels after a depth multiplier: slim's `_make_divisible`, never more than 10 % below `value`."""
    rounded = max(minimum, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def hard_swish(x: Any) -> Any:
    """x * relu6(x + 3) / 6, in the order of operations that the converter fuses into one HARD_SWISH."""
    import keras

    return x * keras.ops.relu6(x + 3.0) * (1 / 6)


def hard_sigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6 with the official rounding of 1 / 6 in gates (`core/utils.py`, `mobilenet_v3.py`)."""
    import keras

    return keras.ops.relu6(x + 3.0) * 0.16667


class LayerMaker:
    """Applies layers to Keras tensors and writes the table.

    Attributes:
        rows: one `VariableRow` per convolution so far.
    """

    def __init__(self, convention: ResizeConvention) -> None:
        self.rows: list[VariableRow] = []
        self._convention = convention

    def conv(
        self,
        x: Any,
        scope: str,
        filters: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        dilation: int = 1,
        activation: Activation = None,
        epsilon: float | None = HEAD_EPSILON,
        fixed_padding: bool = False,
    ) -> Any:
        """Convolution, SAME or fixed padding, with folded batch norm (or `biases` where epsilon is None)."""
        import keras

        self.rows.append(VariableRow(scope, "weights", (kernel, kernel, int(x.shape[-1]), filters), epsilon))
        x, padding = self._pad(x, scope, kernel, stride) if fixed_padding else (x, "same")
        return keras.layers.Conv2D(
            filters, kernel, stride, padding, dilation_rate=dilation, activation=activation, name=layer_name(scope)
        )(x)

    def depthwise(
        self,
        x: Any,
        scope: str,
        *,
        kernel: int = 3,
        stride: int = 1,
        dilation: int | tuple[int, int] = 1,
        activation: Activation = None,
        epsilon: float = HEAD_EPSILON,
        fixed_padding: bool = False,
    ) -> Any:
        """Depthwise convolution, SAME or fixed padding, multiplier 1, with folded batch norm."""
        import keras

        self.rows.append(VariableRow(scope, "depthwise_weights", (kernel, kernel, int(x.shape[-1]), 1), epsilon))
        x, padding = self._pad(x, scope, kernel, stride) if fixed_padding else (x, "same")
        return keras.layers.DepthwiseConv2D(
            kernel, stride, padding, dilation_rate=dilation, activation=activation, name=layer_name(scope)
        )(x)

    def separable(self, x: Any, scope: str, filters: int, *, dilation: int | tuple[int, int] = 1) -> Any:
        """The heads' `split_separable_conv2d`: 3x3 depthwise and 1x1 pointwise, each with batch norm and ReLU."""
        x = self.depthwise(x, f"{scope}_depthwise", dilation=dilation, activation="relu")
        return self.conv(x, f"{scope}_pointwise", filters, activation="relu")

    def relu(self, x: Any, scope: str) -> Any:
        """ReLU that belongs to no convolution."""
        import keras

        return keras.layers.ReLU(name=layer_name(scope))(x)

    def max_pool(self, x: Any, scope: str, *, size: int, stride: int) -> Any:
        """Max pooling, SAME padding."""
        import keras

        return keras.layers.MaxPooling2D(size, stride, "same", name=layer_name(scope))(x)

    def mean(self, x: Any, scope: str) -> Any:
        """Mean over the whole map, [N, 1, 1, C]."""
        from portraitlite.convert.networks.mean import MapMean

        return MapMean(name=layer_name(scope))(x)

    def average_pool(self, x: Any, scope: str, *, window: tuple[int, int], stride: tuple[int, int]) -> Any:
        """Average pooling, VALID padding; `window` and `stride` are (height, width)."""
        import keras

        return keras.layers.AveragePooling2D(window, stride, "valid", name=layer_name(scope))(x)

    def scale(self, x: Any, gate: Any, scope: str) -> Any:
        """Product; a gate of size 1x1 holds for the whole map."""
        import keras

        return keras.layers.Multiply(name=layer_name(scope))([x, gate])

    def squeeze_excite(self, x: Any, scope: str) -> Any:
        """Channels weighted by a gate that sees the whole map: MobileNetV3's, a quarter of the channels inside."""
        channels = int(x.shape[-1])
        gate = self.mean(x, f"{scope}/mean")
        gate = self.conv(gate, f"{scope}/Conv", make_divisible(channels / 4, 8, 8), activation="relu", epsilon=None)
        gate = self.conv(gate, f"{scope}/Conv_1", channels, activation=hard_sigmoid, epsilon=None)
        return self.scale(x, gate, f"{scope}/scale")

    def add(self, x: Any, y: Any, scope: str) -> Any:
        """Sum. Every layer is named: Keras counts unnamed ones up, and equal conversions would differ."""
        import keras

        return keras.layers.Add(name=layer_name(scope))([x, y])

    def concat(self, parts: list[Any], scope: str) -> Any:
        """Concatenation of channels."""
        import keras

        return keras.layers.Concatenate(name=layer_name(scope))(parts)

    def resize(self, x: Any, height: int, width: int, scope: str) -> Any:
        """Bilinear resize; none at all where the size is right already (the official graphs keep such no-ops)."""
        if (int(x.shape[1]), int(x.shape[2])) == (height, width):
            return x
        from portraitlite.convert.networks.resize import BilinearResize

        return BilinearResize(height, width, self._convention, name=layer_name(scope))(x)

    @staticmethod
    def _pad(x: Any, scope: str, kernel: int, stride: int) -> tuple[Any, str]:
        """slim's `conv2d_same`: a strided convolution looks equally far to both sides, whatever the size of the map.

        SAME does so only for odd sides; there it is kept, because it needs no op of its own.
        """
        import keras

        if stride == 1 or (x.shape[1] % 2 and x.shape[2] % 2):
            return x, "same"
        return keras.layers.ZeroPadding2D(kernel // 2, name=layer_name(f"{scope}/pad"))(x), "valid"
