"""The interpreter inside TensorFlow, for those who have it anyway."""

from __future__ import annotations

import warnings
from typing import Any


def interpreter_class() -> Any:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its own removal on every use
        return tf.lite.Interpreter


def version() -> str:
    import tensorflow as tf

    return str(tf.__version__)
