"""A `.tflite` as frozen records: tensors, ops, the main subgraph."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping

__all__ = ["EIGHT_BIT", "Graph", "Op", "Quantization", "Tensor"]

EIGHT_BIT = ("int8", "uint8")


@dataclasses.dataclass(frozen=True)
class Quantization:
    """real = (stored - zero_point) * scale.

    Attributes:
        scales, zero_points: one for the tensor, or one per slice of `axis`.
        axis: of the slices.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1

    @property
    def usable(self) -> bool:
        """Every scale is a positive finite number."""
        return all(math.isfinite(scale) and scale > 0 for scale in self.scales)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One tensor.

    Attributes:
        index: in the subgraph.
        name: as stored; empty where the file has none.
        shape: sides; -1 where the size is known only at run time.
        dtype: lower-case schema name, such as `float32` or `int4`.
        bits: of one element; 0 where the size varies (strings, resources).
        constant: the value lies in the file.
        values: of a short integer constant (axes, paddings, sizes), flat; None for every other tensor.
        quantization: None where the tensor has no scale.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bits: int
    constant: bool
    values: tuple[int, ...] | None = None
    quantization: Quantization | None = None

    @property
    def dynamic(self) -> bool:
        return any(side < 0 for side in self.shape)

    @property
    def elements(self) -> int:
        """Number of elements; a dynamic side counts as 1."""
        return math.prod(max(side, 1) if side < 0 else side for side in self.shape)

    @property
    def size_bytes(self) -> int:
        return -(-self.elements * self.bits // 8)


@dataclasses.dataclass(frozen=True)
class Op:
    """One op.

    Attributes:
        index: in the order of execution.
        kind: schema name such as `CONV_2D`; `CUSTOM` for every custom op.
        custom: name of a custom op, otherwise empty.
        inputs: tensor indices; -1 is an optional input left out.
        outputs: tensor indices.
        options: numbers and flags of its options table under the schema's names (`strideW`, `alignCorners`).
    """

    index: int
    kind: str
    custom: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, float]

    @property
    def title(self) -> str:
        return self.custom or self.kind


@dataclasses.dataclass(frozen=True)
class Graph:
    """The main subgraph and the facts of the file around it.

    Attributes:
        name: of the file.
        description: what the converter wrote, such as `MLIR Converted.`.
        subgraphs: how many there are; only the first is described.
        inputs, outputs: tensor indices.
        tensors: by index.
        ops: in the order of execution.
        metadata: (name, bytes) of each metadata buffer.
    """

    name: str
    description: str
    subgraphs: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    metadata: tuple[tuple[str, int], ...]

    def inputs_of(self, op: Op) -> list[Tensor]:
        """Present inputs, constants included."""
        return [self.tensors[t] for t in op.inputs if t >= 0]

    def input(self, op: Op, position: int) -> Tensor | None:
        """One input; None where the op has none there."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        return self.tensors[op.inputs[position]]

    def outputs_of(self, op: Op) -> list[Tensor]:
        return [self.tensors[t] for t in op.outputs]

    def runtime_inputs(self, op: Op) -> list[Tensor]:
        """Inputs that are computed: neither a constant nor a constant behind a DEQUANTIZE."""
        return [t for t in self.inputs_of(op) if self.stored(t) is None]

    def stored(self, tensor: Tensor) -> Tensor | None:
        """The constant that `tensor` is or dequantizes (float16 weights come so); None if it is computed."""
        if tensor.constant:
            return tensor
        producer = self.producers.get(tensor.index)
        if producer is not None and producer.kind == "DEQUANTIZE":
            source = self.input(producer, 0)
            return source if source is not None and source.constant else None
        return None

    @functools.cached_property
    def producers(self) -> dict[int, Op]:
        """Tensor -> the op that computes it."""
        return {t: op for op in self.ops for t in op.outputs}

    @functools.cached_property
    def consumers(self) -> dict[int, list[Op]]:
        """Tensor -> the ops that read it."""
        found: dict[int, list[Op]] = {}
        for op in self.ops:
            for t in dict.fromkeys(op.inputs):
                found.setdefault(t, []).append(op)
        return found
