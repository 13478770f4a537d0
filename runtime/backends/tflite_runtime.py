"""tflite-runtime 2.14, the last release; needs numpy < 2 and says so only by a bare SystemError."""

from __future__ import annotations

from importlib import metadata
from typing import Any


def interpreter_class() -> Any:
    from tflite_runtime.interpreter import Interpreter

    return Interpreter


def version() -> str:
    return metadata.version("tflite-runtime")
