"""Which layer of the file an operator inside XNNPACK stands for.

XNNPACK makes its own list of operators from the ops of a partition: in their order, but a 1x1 convolution becomes a
fully connected one, a concatenation one copy for each input, a fused activation a clamp, and ops without work vanish.
The profiler numbers the operators, not the ops; the two lists are matched here by order and kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from portraitlite.benchmarks.graph_nodes import Node

__all__ = ["align"]

# Beginnings of the names that XNNPACK gives to the operators of an op, where they differ from the usual.
OPERATORS: dict[str, tuple[str, ...]] = {
    "ADD": ("Add",),
    "AVERAGE_POOL_2D": ("Average Pooling", "Mean"),
    "CONCATENATION": ("Copy",),
    "Convolution2DTransposeBias": ("Deconvolution",),  # MediaPipe's own
    "CONV_2D": ("Convolution", "Fully Connected"),
    "DEPTHWISE_CONV_2D": ("Convolution",),
    "DEQUANTIZE": ("Convert",),
    "DIV": ("Divide",),
    "FULLY_CONNECTED": ("Fully Connected", "Dynamic Fully Connected"),
    "HARD_SWISH": ("HardSwish", "Hardswish"),
    "LOGISTIC": ("Sigmoid",),
    "MAXIMUM": ("Maximum", "Clamp"),
    "MAX_POOL_2D": ("Max Pooling",),
    "MEAN": ("Mean",),
    "MINIMUM": ("Minimum", "Clamp"),
    "MUL": ("Multiply", "Square ("),
    "PAD": ("Constant Pad", "Copy"),
    "QUANTIZE": ("Convert",),
    "RELU": ("Clamp",),
    "RELU6": ("Clamp",),
    "RESHAPE": ("Copy",),
    "RESIZE_BILINEAR": ("Resize Bilinear",),
    "SLICE": ("Slice",),
    "SOFTMAX": ("Softmax",),
    "SPLIT": ("Slice", "Copy"),
    "SQRT": ("Square Root",),
    "STRIDED_SLICE": ("Slice",),
    "SUB": ("Subtract",),
    "SUM": ("Sum",),
    "TRANSPOSE": ("Transpose",),
    "TRANSPOSE_CONV": ("Deconvolution",),
}
ACTIVATION = "Clamp"  # of the op before, where it is fused with it
SEVERAL = {"CONCATENATION", "SPLIT"}  # one operator for each input or output
MAY_VANISH = {
    "CONCATENATION",
    "DEQUANTIZE",
    "MAXIMUM",
    "MINIMUM",
    "PAD",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RESHAPE",
    "SPLIT",
}


def align(ops: Sequence[Node], operators: Sequence[str]) -> list[Node] | None:
    """The op of each operator, or None where the two lists do not fit each other.

    Args:
        ops: of one partition, in the order of the file.
        operators: names as the profiler gives them, in the order they ran.
    """
    found: list[Node] = []
    at = -1
    for operator in operators:
        following = at + 1
        while following < len(ops) and not _fits(ops[following], operator) and ops[following].kind in MAY_VANISH:
            following += 1
        if following < len(ops) and _fits(ops[following], operator):
            at = following
        elif at < 0 or not (operator.startswith(ACTIVATION) or (ops[at].kind in SEVERAL and _fits(ops[at], operator))):
            return None
        found.append(ops[at])
    return found if all(op.kind in MAY_VANISH for op in ops[at + 1 :]) else None


def _fits(op: Node, operator: str) -> bool:
    return operator.startswith(OPERATORS.get(op.kind, (op.kind.replace("_", " ").capitalize(),)))
