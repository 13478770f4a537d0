"""ai-edge-litert, the maintained successor of tflite-runtime."""

from __future__ import annotations

from importlib import metadata
from typing import Any


def interpreter_class() -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter


def version() -> str:
    return metadata.version("ai-edge-litert")
