"""Refuse quantized files whose ranges cannot be used: nothing would complain before the picture is wrong."""

from __future__ import annotations

from portraitlite.convert.inspect.quantization import summarize
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.runtime.errors import InputError

__all__ = ["check_ranges"]

SHOWN = 3


def check_ranges(model: bytes, name: str) -> None:
    """Every quantized tensor has a positive, finite scale.

    Args:
        model: the `.tflite` just made.
        name: how messages call it.

    Raises:
        InputError: some have not; the first are named.
    """
    unusable = summarize(read_graph(model, name)).unusable
    if unusable:
        more = f" and {len(unusable) - SHOWN} more" if len(unusable) > SHOWN else ""
        raise InputError(
            f"{len(unusable)} tensors of {name} got a range that is zero or not finite ({', '.join(unusable[:SHOWN])}"
            f"{more}); calibrate on other photos, or use --recipe fp16"
        )
