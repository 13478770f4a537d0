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
        kept: layers that stay float in `everything` and in all segments.
        everything: all other ops quantized.
        layers: only this layer quantized, dearest first; empty where they were not asked for.
        segments: everything up to this layer float and the rest quantized, best first.
    """

    photos: int
    kept: tuple[str, ...]
    everything: Cost
    layers: tuple[Cost, ...]
    segments: tuple[Cost, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)

    def to_table(self, rows: int = 15) -> str:
        """As text: the `rows` dearest layers, and all segments."""
        shown: list[tuple[str, Sequence[Cost]]] = [
            ("all layers quantized", [self.everything]),
            (f"one layer quantized, the {rows} dearest of {len(self.layers)}", self.layers[:rows]),
            ("float up to and with", self.segments),
        ]
        width = max(len(cost.name) for _, costs in shown for cost in costs) + 2
        lines = [f"{'':{width}} labels changed    SNR dB   cosine"]
        for title, costs in shown:
            lines += [title] if costs else []
            lines += [f"  {c.name:{width - 2}} {c.changed:14.4%} {c.snr_db:9.1f} {c.cosine:8.5f}" for c in costs]
        return "\n".join(lines)


def measure_sensitivity(
    network: Emulated,
    images: Sequence[Floats],
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    layers: bool = True,
) -> SensitivityReport:
    """Measure.

    Args:
        network: quantized network; what its `float_ops` name stays float in all rows but those of single layers.
        images: photos, [1, H, W, 3] float32; a few are enough.
        progress: called with (done, total) runs of the network.
        layers: also measure every layer alone; there are several times as many as segments.

    Raises:
        InputError: no photo, or an op that cannot be emulated.
    """
    graph = network.graph
    scores = score_tensor(graph)
    if not images:
        raise InputError("a sensitivity report needs at least one photo; give --calibrate FOLDER")
    if (unknown := can_emulate(graph, scores)) is not None:
        raise InputError(f"the network holds {unknown}, which cannot be emulated: what 8 bits cost it is not known")
    count = next(i for i, op in enumerate(graph.ops) if op.output == scores) + 1
    names = layer_names(graph)[:count]
    ends = block_ends(names)
    quantizable = np.array([op not in network.float_ops for op in range(count)])
    alone = np.eye(count, dtype=bool)[: count if layers else 0]
    segments = np.array([[op > end and quantizable[op] for op in range(count)] for end in ends], bool)
    rows = np.concatenate([quantizable[None], alone, segments.reshape(len(ends), count)])
    run = _switchable(network, scores)
    # Scores below the range are no contenders: that they are cut off is no error.
    floor = np.float32(next(scale.low for scale in network.scales if scores in scale.tensors))

    sums = np.zeros((len(rows), 5))
    total = len(images) * len(rows)
    for photo, image in enumerate(images):
        exact = np.maximum(run(image, np.zeros(count, bool), False), floor)
        for row, quantized in enumerate(rows):
            crossing = row == 0 or row > len(alone)  # a single layer's input is the float network's
            sums[row] += _compare(exact, np.maximum(run(image, quantized, crossing), floor))
            progress(photo * len(rows) + row + 1, total)
    labels = ["everything", *names[: len(alone)], *(names[end] for end in ends)]
    sizes = [int(quantizable.sum()), *[1] * len(alone), *(end + 1 for end in ends)]
    costs = [_cost(*row) for row in zip(labels, sizes, sums, strict=True)]
    return SensitivityReport(
        len(images),
        tuple(dict.fromkeys(names[op] for op in sorted(network.float_ops) if op < count)),
        costs[0],
        tuple(sorted(costs[1 : len(alone) + 1], key=lambda c: c.snr_db)),
        tuple(sorted(costs[len(alone) + 1 :], key=lambda c: (c.changed, c.ops))),
    )


def _switchable(network: Emulated, scores: int) -> Callable[[Floats, npt.NDArray[np.bool_], bool], Floats]:
    """(image, which ops are quantized, whether quantized ops round what they read from float ones) -> scores."""
    import tensorflow as tf

    graph = network.graph
    grids = dataclasses.replace(network, float_ops=frozenset()).grids()
    rounded = {tensor: grid.rounded() for tensor, grid in grids.items()}  # which are used is said call by call
    kernels = {op.inputs[1]: i for i, op in enumerate(graph.ops) if op.is_convolution and op.inputs[1] in rounded}
    scale_of = {t: scale for scale in network.scales for t in scale.tensors if t != graph.input}

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
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
