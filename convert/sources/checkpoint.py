"""Read the model variables of a TF1 checkpoint (no .meta needed) without building or running a graph."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError

__all__ = ["checkpoint_prefix", "is_model_variable", "read_checkpoint"]

MAX_VARIABLE_BYTES = 2 << 30

# What training leaves beside the model: optimizer slots, counters, moving averages, quantization-aware state.
IGNORED = re.compile(
    r"(^|/)(Momentum|Adam|Adam_1|RMSProp|RMSProp_1|Adagrad|ExponentialMovingAverage)$"
    r"|(^|/)(global_step|fake_quantization_step|beta1_power|beta2_power|learning_rate)$"
    r"|(^|/)(act_quant|weights_quant)(/|$)"
    r"|(^|/)(biased|local_step)$"
)


def is_model_variable(name: str) -> bool:
    """False for optimizer slots, counters, averages and quantization state."""
    return not IGNORED.search(name)


def checkpoint_prefix(index: Path) -> Path:
    """`model.ckpt-30000.index` -> `model.ckpt-30000`, after looking for the data file beside it.

    Raises:
        InputError: the data file is absent.
    """
    prefix = index.with_suffix("")
    if not list(prefix.parent.glob(f"{_literal(prefix.name)}.data-*-of-*")):
        raise InputError(f"{index.name} has no {prefix.name}.data-00000-of-00001 beside it; give both files")
    return prefix


def read_checkpoint(prefix: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Model variables by official name.

    Args:
        prefix: path without `.index`.

    Raises:
        InputError: damaged, or larger than any DeepLab.
    """
    import tensorflow as tf

    try:
        reader: Any = tf.train.load_checkpoint(str(prefix))
        shapes = {name: shape for name, shape in reader.get_variable_to_shape_map().items() if is_model_variable(name)}
        if 4 * sum(int(np.prod(shape)) for shape in shapes.values()) > MAX_VARIABLE_BYTES:
            raise InputError(f"{prefix.name} holds more than {MAX_VARIABLE_BYTES >> 20} MiB of variables; refused")
        values = {name: np.asarray(reader.get_tensor(name)) for name in sorted(shapes)}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{prefix.name} is not a readable TF1 checkpoint ({reason})") from error
    floats = {name: value for name, value in values.items() if np.issubdtype(value.dtype, np.floating)}
    if not floats:
        raise InputError(f"{prefix.name} holds no model variables; a DeepLab checkpoint has hundreds")
    return {name: value.astype(np.float32) for name, value in floats.items()}


def _literal(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)
