"""The interpreter inside TensorFlow, for those who have it anyway."""

from __future__ import annotations

from typing import Any


def interpreter_class() -> Any:
    import tensorflow as tf

    return tf.lite.Interpreter


def version() -> str:
    import tensorflow as tf

    return str(tf.__version__)
