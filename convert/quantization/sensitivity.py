"""What 8 bits cost: layer by layer, and for every segment that begins at the input.

One layer at a time does not show where the loss sits: two neighbours may amplify each other's rounding. So each
segment from the input on is also left in float while all the rest is quantized. The network is emulated, so that one
pass over the photos serves every row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.emulation import can_emulate, run_graph
from portraitlite.convert.quantization.float_part import block_ends, layer_names
from portraitlite.convert.quantization.graph import score_tensor
from portraitlite.convert.quantization.learning import Emulated
from portraitlite.runtime.errors import InputError

__all__ = ["Cost", "SensitivityReport", "measure_sensitivity"]

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one row, against the float network's scores.

    Attributes:
        name: the layer; of a segment its last layer.
        ops: how many ops are quantized (layer) or float (segment).
        changed: share of the labels, at the scores' size, that are not the float network's.
        snr_db: power of the scores' spatial variation over that of the error.
        cosine: similarity of the scores.
    """

    name: str
    ops: int
    changed: float
    snr_db: float
    cosine: float


@dataclasses.dataclass(frozen=True)
class SensitivityReport:
    """All rows.

    Attributes:
        photos: how many were run.
        everything: all ops quantized.
        layers: only this layer quantized, dearest first.
        segments: everything up to this layer float and the rest quantized, best first.
    """

    photos: int
    everything: Cost
    layers: tuple[Cost, ...]
    segments: tuple[Cost, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)

    def to_table(self, rows: int = 15) -> str:
        """The first rows of both lists as text."""
        lines = [f"{'':34} labels changed    SNR dB   cosine"]
        for title, costs in (
            ("all layers quantized", [self.everything]),
            ("one layer quantized", self.layers),
            ("float up to and with", self.segments),
        ):
            lines.append(title)
            lines += [f"  {c.name:32} {c.changed:14.4%} {c.snr_db:9.1f} {c.cosine:8.5f}" for c in costs[:rows]]
        return "\n".join(lines)


def measure_sensitivity(
    network: Emulated,
    images: Sequence[Floats],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SensitivityReport:
    """Measure.

    Args:
        network: quantized network; its own `float_ops` do not matter here.
        images: photos, [1, H, W, 3] float32; a few are enough.
        progress: called with (done, total) photos.

    Raises:
        InputError: no photo, or an op that cannot be emulated.
    """
    graph = network.graph
    scores = score_tensor(graph)
    if not images:
        raise InputError("a sensitivity report needs at least one photo; give --calibrate FOLDER")
    if (unknown := can_emulate(graph, scores)) is not None:
        raise InputError(f"the network holds {unknown}, which the sensitivity report cannot emulate")
    names = layer_names(graph)
    count = next(i for i, op in enumerate(graph.ops) if op.output == scores) + 1
    ends = block_ends(names[:count])
    alone = np.eye(count, dtype=bool)
    segments = np.array([[op > end for op in range(count)] for end in ends])
    rows = np.concatenate([np.ones((1, count), bool), alone, segments])
    run = _switchable(network, scores)
    # Scores below the range are no contenders: that they are cut off is no error.
    floor = np.float32(next(scale.low for scale in network.scales if scores in scale.tensors))

    sums = np.zeros((len(rows), 5))
    for done, image in enumerate(images, 1):
        exact = np.maximum(run(image, np.zeros(count, bool), False), floor)
        for row, quantized in enumerate(rows):
            sums[row] += _compare(exact, np.maximum(run(image, quantized, row > count), floor))
        progress(done, len(images))
    labels = ["everything", *names[:count], *(names[end] for end in ends)]
    sizes = [count] + [1] * count + [end + 1 for end in ends]
    costs = [_cost(*row) for row in zip(labels, sizes, sums, strict=True)]
    return SensitivityReport(
        len(images),
        costs[0],
        tuple(sorted(costs[1 : count + 1], key=lambda c: c.snr_db)),
        tuple(sorted(costs[count + 1 :], key=lambda c: c.changed)),
    )


def _switchable(network: Emulated, scores: int) -> Callable[[Floats, npt.NDArray[np.bool_], bool], Floats]:
    """(image, which ops are quantized, whether quantized ops round what they read from float ones) -> scores."""
    import tensorflow as tf

    graph = network.graph
    rounded = network.weights()
    kernels = {op.inputs[1]: i for i, op in enumerate(graph.ops) if op.is_convolution and op.inputs[1] in rounded}
    scale_of = {t: scale for scale in network.scales for t in scale.tensors if t != graph.input}

    @tf.function  # type: ignore[untyped-decorator]
    def run(image: Any, quantized: Any, crossing: Any) -> Any:
        def at_tensor(tensor: int, wanted: Any, value: Any) -> Any:
            if tensor not in scale_of:
                return value
            scale = scale_of[tensor]
            stored = tf.clip_by_value(tf.round(value / scale.step) + scale.zero_point, -128.0, 127.0)
            return tf.where(wanted, (stored - scale.zero_point) * scale.step, value)

        constants = {
            tensor: tf.where(quantized[op], rounded[tensor], graph.constants[tensor]) for tensor, op in kernels.items()
        }
        return run_graph(
            graph,
            image,
            scores,
            constants,
            written=lambda op, tensor, value: value if op < 0 else at_tensor(tensor, quantized[op], value),
            read=lambda op, tensor, value: at_tensor(tensor, quantized[op] & crossing, value),
        )

    return lambda image, quantized, crossing: run(
        tf.constant(image), tf.constant(quantized), tf.constant(crossing)
    ).numpy()


def _compare(exact: Floats, found: Floats) -> tuple[float, float, float, float, float]:
    if exact.shape[-1] == 1:
        changed = ((exact > 0) != (found > 0)).mean()
    else:
        changed = (exact.argmax(-1) != found.argmax(-1)).mean()
    error = float(np.square(found - exact).sum())
    signal = float(np.square(exact - exact.mean(axis=(0, 1, 2))).sum())
    dot = float((exact * found).sum() / np.sqrt(np.square(exact).sum() * np.square(found).sum() + 1e-30))
    return float(changed), signal, error, dot, 1.0


def _cost(name: str, ops: int, sums: npt.NDArray[np.float64]) -> Cost:
    changed, signal, error, cosine, photos = sums
    snr = 10 * np.log10(max(signal, 1e-30) / max(error, 1e-30))
    return Cost(name, ops, float(changed / photos), float(min(snr, 200.0)), float(cosine / photos))
