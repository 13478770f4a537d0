"""JSON values -> frozen dataclasses, strictly by their type hints."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any

__all__ = ["parse"]


def parse(kind: Any, value: Any, where: str) -> Any:
    """`value` as an instance of `kind`.

    Args:
        kind: `str`, `int`, `bool`, `float`, `T | None`, `tuple[T, ...]`, `dict[str, T]` or a dataclass made of these.
        value: what `json.loads` returned, or tuples instead of lists.
        where: how messages call the value.

    Raises:
        ValueError: a missing or unknown key, another type, or a number that is not finite.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return None if value is None else parse(inner, value, where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(parse(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: parse(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _parse_dataclass(kind, value, where)
    if kind is float and type(value) in (int, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, not a finite number")
        return float(value)
    if kind in (str, int, bool) and type(value) is kind:  # bool is an int to isinstance
        return value
    expected = getattr(origin or kind, "__name__", str(kind))
    raise ValueError(f"{where} is {type(value).__name__}, not {expected}")


def _parse_dataclass(kind: Any, value: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    if missing := sorted(hints.keys() - value.keys()):
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(value.keys() - hints.keys()):
        raise ValueError(f"{where} has unknown keys {', '.join(unknown)}")
    return kind(**{name: parse(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})
