"""What the tensors of a float model hold on calibration photos."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.graph import FloatGraph
from portraitlite.runtime.errors import InputError

__all__ = ["TensorStatistics", "measure"]

Floats = npt.NDArray[np.float32]
LOGIT_SAMPLES = 4096  # pixels of each photo whose two best scores are remembered


@dataclasses.dataclass
class TensorStatistics:
    """Of one tensor, over all photos.

    Attributes:
        low, high: per channel, [channels] float32.
        square: mean of x squared per channel, [channels] float32.
    """

    low: Floats
    high: Floats
    square: Floats

    @property
    def largest(self) -> Floats:
        """Largest magnitude per channel."""
        return np.maximum(-self.low, self.high)

    def scale(self, factors: Floats, start: int = 0) -> None:
        """Channels `start`... have been multiplied by `factors`."""
        part = slice(start, start + len(factors))
        self.low[part] *= factors
        self.high[part] *= factors
        self.square[part] *= factors**2


def measure(
    graph: FloatGraph, images: Iterable[npt.NDArray[Any]], scores: int
) -> tuple[dict[int, TensorStatistics], Floats]:
    """Run the photos once.

    Args:
        graph: the float model.
        images: as the model takes them, [1, H, W, 3] float32.
        scores: tensor [1, h, w, classes] whose best scores are wanted.

    Returns:
        tensor index -> statistics, and the second-best (or only) score of sampled pixels.

    Raises:
        InputError: no photo, or a tensor is not finite.
    """
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that keeping all tensors is for debugging: it is what is wanted here
        interpreter: Any = Interpreter(
            model_content=graph.to_bytes(), num_threads=2, experimental_preserve_all_tensors=True
        )
        interpreter.allocate_tensors()
    tensors = [t for t in graph.activations() if t not in graph.constants]
    total: dict[int, TensorStatistics] = {}
    second: list[Floats] = []
    count = 0
    for image in images:
        interpreter.set_tensor(graph.input, image)
        interpreter.invoke()
        count += 1
        for tensor in tensors:
            value = interpreter.get_tensor(tensor)
            if value.dtype != np.float32:
                continue  # a label map
            rows = value.reshape(-1, value.shape[-1])
            _add(total, tensor, rows)
            if tensor == scores:
                sample = rows[:: max(1, len(rows) // LOGIT_SAMPLES)]
                second.append(np.sort(sample, axis=1)[:, -2] if sample.shape[1] > 1 else sample[:, 0])
    if count == 0:
        raise InputError("no calibration photo was given; activation ranges need at least one")
    for tensor, found in total.items():
        found.square /= np.float32(count)
        if not (np.isfinite(found.low).all() and np.isfinite(found.high).all()):
            raise InputError(
                f"tensor {graph.names[tensor]} holds NaN or infinite values on the calibration photos; "
                "check the source's weights"
            )
    return total, np.concatenate(second)


def _add(total: dict[int, TensorStatistics], tensor: int, rows: Floats) -> None:
    low, high = rows.min(axis=0), rows.max(axis=0)
    square = np.einsum("ij,ij->j", rows, rows) / np.float32(len(rows))
    if tensor not in total:
        total[tensor] = TensorStatistics(low, high, square)
        return
    found = total[tensor]
    found.low = np.minimum(found.low, low)
    found.high = np.maximum(found.high, high)
    found.square += square
