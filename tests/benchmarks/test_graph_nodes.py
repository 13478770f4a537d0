from __future__ import annotations

from collections.abc import Callable

import pytest

from portraitlite.benchmarks.activations import activations_bytes
from portraitlite.benchmarks.graph_nodes import read_nodes
from portraitlite.runtime.bundled import MODELS_FOLDER
from portraitlite.runtime.errors import InputError


def test_one_op(make_model: Callable[..., bytes]) -> None:
    nodes = read_nodes(make_model())
    (op,) = nodes.ops
    assert (op.index, op.kind, op.inputs, op.outputs, op.partition) == (0, "ADD", (0, 1), (2,), 0)
    assert (nodes.inputs, nodes.outputs, nodes.partitions) == ((0, 1), (2,), 1)
    assert nodes.tensors[0].size_bytes == 4 * 4 * 3 * 4
    assert not nodes.tensors[0].constant
    assert nodes.name(op) == "sum"


def test_ops_that_no_delegate_takes() -> None:
    nodes = read_nodes((MODELS_FOLDER / "portrait_int8.tflite").read_bytes())
    alone = [op.kind for op in nodes.ops if op.partition is None]
    assert alone
    assert set(alone) <= {"QUANTIZE", "SOFTMAX", "STRIDED_SLICE"}
    assert {op.partition for op in nodes.ops} == {None, *range(nodes.partitions)}
    first = next(op for op in nodes.ops if op.kind == "CONV_2D")
    assert [nodes.tensors[tensor].constant for tensor in first.inputs] == [False, True, True]


def test_activations_of_one_op_are_inputs_and_output(make_model: Callable[..., bytes]) -> None:
    assert activations_bytes(make_model()) == 3 * 4 * 4 * 3 * 4
    assert activations_bytes(make_model("uint8")) == 3 * 4 * 4 * 3


def test_activations_of_a_network_are_less_than_all_and_at_least_the_widest_op() -> None:
    model = (MODELS_FOLDER / "portrait_int8.tflite").read_bytes()
    nodes = read_nodes(model)
    sizes = {i: tensor.size_bytes for i, tensor in nodes.tensors.items() if not tensor.constant}
    widest = max(sum(sizes.get(i, 0) for i in {*op.inputs, *op.outputs}) for op in nodes.ops)
    assert widest <= activations_bytes(model) < sum(sizes.values()) / 3


def test_a_damaged_file(make_model: Callable[..., bytes]) -> None:
    with pytest.raises(InputError, match="cannot be loaded"):
        read_nodes(make_model()[:100])
