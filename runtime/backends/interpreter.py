"""The runner over any `tf.lite.Interpreter`-shaped class: all three runtimes have the same one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError

__all__ = ["InterpreterRunner", "Runner", "TensorInfo"]

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """One input or output.

    Attributes:
        name: the signature's name where there is one, else the tensor's.
        shape: static shape; a dynamic side is -1.
        dtype: numpy dtype.
        scale, zero_point: real = (stored - zero_point) * scale; scale 0 means not quantized.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float = 0.0
    zero_point: int = 0

    def dequantize(self, stored: Array) -> npt.NDArray[np.float32]:
        """Stored values -> real values, float32."""
        if self.scale == 0:
            return stored.astype(np.float32)
        return (stored.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


class Runner(Protocol):
    """A loaded model. Not thread-safe: one runner per thread."""

    @property
    def backend(self) -> str: ...
    @property
    def backend_version(self) -> str: ...
    @property
    def inputs(self) -> tuple[TensorInfo, ...]: ...
    @property
    def outputs(self) -> tuple[TensorInfo, ...]: ...

    def run(self, inputs: Mapping[str, Array]) -> tuple[Array, ...]:
        """One inference; every input by name with exactly the stored shape and dtype."""
        ...


class InterpreterRunner:
    """Implements `Runner`. Attributes as there; `interpreter` is the runtime's own object."""

    def __init__(self, interpreter: Any, backend: str, backend_version: str) -> None:
        self.interpreter = interpreter
        self.backend = backend
        self.backend_version = backend_version
        signatures = interpreter.get_signature_list()
        self._inputs = _in_order(interpreter.get_input_details(), signatures, "inputs")
        self._outputs = _in_order(interpreter.get_output_details(), signatures, "outputs")

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        return tuple(info for info, _ in self._inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        return tuple(info for info, _ in self._outputs)

    def run(self, inputs: Mapping[str, Array]) -> tuple[Array, ...]:
        for info, index in self._inputs:
            if info.name not in inputs:
                raise InputError(f"the model needs an input {info.name!r}; it got {sorted(inputs)}")
            value = inputs[info.name]
            if value.dtype != info.dtype or (value.shape != info.shape and -1 not in info.shape):
                raise InputError(
                    f"input {info.name!r} takes {info.dtype} {list(info.shape)}; "
                    f"it got {value.dtype} {list(value.shape)}"
                )
            self.interpreter.set_tensor(index, value)
        try:
            self.interpreter.invoke()
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"the model cannot be run by {self.backend} ({reason}); it is damaged") from error
        return tuple(self.interpreter.get_tensor(index) for _, index in self._outputs)


def _in_order(
    details: list[dict[str, Any]], signatures: dict[str, Any], side: str
) -> tuple[tuple[TensorInfo, int], ...]:
    """Tensor details with signature names; signature names are sorted by the runtime, so order follows `details`.

    A signature maps names to tensor names only through a runner, which copies; matching the tensor name's
    `serving_default_NAME:0` form is enough for inputs. Outputs keep the tensor order: our graphs have one.
    """
    (signature,) = signatures.values() if len(signatures) == 1 else ({},)
    names: list[str] = list(signature.get(side, []))
    rows = []
    for detail in details:
        name: str = detail["name"]
        plain = name.removeprefix("serving_default_").split(":")[0]
        if plain in names:
            name = plain
        elif len(names) == 1 and len(details) == 1:
            name = names[0]
        scale, zero_point = detail["quantization"]
        shape = detail.get("shape_signature", detail["shape"])
        shape = tuple(int(n) for n in (shape if len(shape) else detail["shape"]))
        rows.append(
            (TensorInfo(name, shape, np.dtype(detail["dtype"]), float(scale), int(zero_point)), int(detail["index"]))
        )
    return tuple(rows)
