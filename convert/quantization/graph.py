"""A float `.tflite` whose constants can be changed: what equalization, learning and quantization work on."""

from __future__ import annotations

import copy
import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError

__all__ = ["Activation", "FloatGraph", "Op", "pack_model", "score_tensor", "short_name", "unpack_model"]

Array = npt.NDArray[Any]
AFTER_SCORES = {"ARG_MAX", "CAST", "LOGISTIC", "RESHAPE", "RESIZE_BILINEAR", "SLICE", "SOFTMAX", "STRIDED_SLICE"}
DTYPES: dict[int, type] = {0: np.float32, 2: np.int32}  # TensorType of schema.fbs


class Activation(enum.IntEnum):
    """Fused activation, numbered as in schema.fbs."""

    NONE = 0
    RELU = 1
    RELU6 = 3


@dataclasses.dataclass(frozen=True)
class Op:
    """One op.

    Attributes:
        kind: schema name such as `CONV_2D`.
        inputs: tensor indices, absent optional ones left out.
        output: tensor index; the ops of our networks have one output.
        options: the op's options table.
        activation: fused activation.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Any
    activation: Activation

    @property
    def is_convolution(self) -> bool:
        """CONV_2D or DEPTHWISE_CONV_2D: inputs are image, kernel and bias."""
        return self.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")

    @property
    def channel_axis(self) -> int:
        """Axis of a convolution's kernel that counts its output channels."""
        return 3 if self.kind == "DEPTHWISE_CONV_2D" else 0

    @property
    def other_axes(self) -> tuple[int, int, int]:
        """The kernel's axes but `channel_axis`."""
        return (0, 1, 2) if self.kind == "DEPTHWISE_CONV_2D" else (1, 2, 3)


class FloatGraph:
    """The one subgraph of a float file with one input and one output.

    Attributes:
        ops: in order of execution.
        constants: tensor index -> float32 or int32 array. Change its entries, then `to_bytes`.
        names: tensor index -> name.
        shapes: tensor index -> static shape.
        input, output: tensor indices.
    """

    def __init__(self, model: bytes) -> None:
        """Parse.

        Raises:
            InputError: not one subgraph with one input and one output.
        """
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self._tree = unpack_model(model)
        if len(self._tree.subgraphs) != 1:
            raise InputError(f"the float model has {len(self._tree.subgraphs)} subgraphs; one can be quantized")
        (graph,) = self._tree.subgraphs
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise InputError(
                f"the float model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
                "one of each can be quantized"
            )
        kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
        codes = [kinds[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in self._tree.operatorCodes]
        self._tensors = graph.tensors
        self._unshare(graph.operators)
        self.names = {i: tensor.name.decode() for i, tensor in enumerate(graph.tensors)}
        self.shapes = {i: tuple(int(n) for n in tensor.shape) for i, tensor in enumerate(graph.tensors)}
        self.constants = dict(self._read_constants())
        self.ops = tuple(
            Op(
                codes[op.opcodeIndex],
                tuple(int(i) for i in op.inputs if i >= 0),
                int(op.outputs[0]),
                op.builtinOptions,
                Activation(getattr(op.builtinOptions, "fusedActivationFunction", 0)),
            )
            for op in graph.operators
        )
        self.input, self.output = int(graph.inputs[0]), int(graph.outputs[0])

    def _unshare(self, operators: Any) -> None:
        """Give every op constants of its own: the converter lets equal ones, such as zero biases, share a tensor."""
        taken: set[int] = set()
        for op in operators:
            inputs = [int(i) for i in op.inputs]
            for place, index in enumerate(inputs):
                if index < 0 or not len(self._data(index)):
                    continue
                if index in taken:
                    inputs[place] = len(self._tensors)
                    self._tensors.append(copy.copy(self._tensors[index]))
                    self._tensors[-1].name += f"_{len(self._tensors)}".encode()  # names address tensors
                taken.add(inputs[place])
            op.inputs = np.array(inputs, np.int32)

    def _data(self, tensor: int) -> Any:
        data = self._tree.buffers[self._tensors[tensor].buffer].data
        return b"" if data is None else data

    def _read_constants(self) -> Iterator[tuple[int, Array]]:
        for index, tensor in enumerate(self._tensors):
            data = self._data(index)
            if len(data) and tensor.type in DTYPES:
                raw = bytes(bytearray(data))
                yield index, np.frombuffer(raw, DTYPES[tensor.type]).reshape(tensor.shape).copy()

    def producer(self, tensor: int) -> int | None:
        """Index of the op that writes `tensor`; None for the input and for constants."""
        return next((i for i, op in enumerate(self.ops) if op.output == tensor), None)

    def readers(self, tensor: int) -> list[int]:
        """Indices of the ops that read `tensor`."""
        return [i for i, op in enumerate(self.ops) if tensor in op.inputs]

    def activations(self) -> list[int]:
        """The tensors that are computed, in order, after the input."""
        return [self.input, *(op.output for op in self.ops)]

    def to_bytes(self) -> bytes:
        """The file with the present constants."""
        taken: set[int] = set()
        for index, value in self.constants.items():
            tensor = self._tensors[index]
            if tensor.buffer in taken:  # equal constants share a buffer; they may differ now
                tensor.buffer = len(self._tree.buffers)
                self._tree.buffers.append(self._schema.BufferT())
            taken.add(tensor.buffer)
            self._tree.buffers[tensor.buffer].data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        return pack_model(self._tree)


def score_tensor(graph: FloatGraph) -> int:
    """The class scores [1, h, w, classes] at network size: the output before argmax, softmax and upsampling."""
    tensor = graph.output
    while (index := graph.producer(tensor)) is not None and graph.ops[index].kind in AFTER_SCORES:
        tensor = graph.ops[index].inputs[0]
    return tensor


def unpack_model(model: bytes) -> Any:
    """`ModelT` of a file, with constants that lie behind the flatbuffer (as litert-quantizer writes them) taken in."""
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    for buffer in tree.buffers:
        if buffer.offset > 1:  # 0 and 1 mean that there is none
            buffer.data = np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return tree


def pack_model(tree: Any) -> bytes:
    """Flatbuffer of a `ModelT`. Buffers are not aligned yet: `write_metadata` does that to the finished file."""
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def short_name(name: str) -> str:
    """A tensor's name for people: `expanded_conv_3.expand` of `...;net_1/MobilenetV2.expanded_conv_3.expand_1/Relu6`.

    A converter joins the names of fused ops with `;` and Keras counts its calls, `_1`.
    """
    parts = name.split(";")[-1].split("/")
    layer = parts[-2] if len(parts) > 1 else parts[0]
    return layer.removesuffix("_1").removeprefix("MobilenetV2.")
