from __future__ import annotations

import pytest

from portraitlite.benchmarks.graph_nodes import Node
from portraitlite.benchmarks.layer_alignment import align


def layers(kinds: str, operators: list[str]) -> list[int] | None:
    ops = [Node(10 + i, kind, (), (), 0) for i, kind in enumerate(kinds.split())]
    found = align(ops, operators)
    return None if found is None else [op.index for op in found]


DW, FC, ADD = "Convolution (NHWC, QC8) DWConv", "Fully Connected (NC, QS8, QC8W) GEMM", "Add (ND)"


@pytest.mark.parametrize(
    ("kinds", "operators", "expected"),
    [
        ("CONV_2D DEPTHWISE_CONV_2D CONV_2D ADD", [FC, DW, FC, ADD], [10, 11, 12, 13]),
        ("DEQUANTIZE CONV_2D RELU CONV_2D RESHAPE", [FC, FC], [11, 13]),
        ("RESIZE_BILINEAR CONCATENATION CONV_2D", ["Resize Bilinear (NHWC)", "Copy (NC, X8)", FC], [10, 11, 12]),
        ("CONCATENATION CONV_2D", ["Copy (NC, X8)", "Copy (NC, X8)", FC], [10, 10, 11]),
        ("SUB MUL", ["Subtract (ND)", "Clamp (NC)", "Square (NC)"], [10, 10, 11]),  # a fused activation
        ("MINIMUM SUB", ["Clamp (NC)", "Subtract (ND)"], [10, 11]),
        ("TANH ABS", ["Tanh (NC)", "Abs (NC)"], [10, 11]),
        ("", [], []),
    ],
)
def test_operators_find_their_ops(kinds: str, operators: list[str], expected: list[int]) -> None:
    assert layers(kinds, operators) == expected


@pytest.mark.parametrize(
    ("kinds", "operators"),
    [
        ("CONV_2D ADD CONV_2D", [FC, FC]),  # an addition does not vanish
        ("CONV_2D CONV_2D", [FC]),  # nor does a convolution at the end
        ("CONV_2D", [FC, FC]),
        ("CONV_2D", ["Copy (NC, X8)", FC]),
        ("ADD", ["Clamp (NC)"]),
    ],
)
def test_lists_that_do_not_fit_are_not_guessed(kinds: str, operators: list[str]) -> None:
    assert layers(kinds, operators) is None
