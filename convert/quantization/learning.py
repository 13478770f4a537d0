"""Learn the scales and the biases of a quantized file from the float one, on the calibration photos.

Each 8-bit rounding adds a little noise; ranges that are best tensor by tensor are not best together. So the quantized
network is emulated, rounding included (gradients pass through it unchanged, as in quantization-aware training), and
the steps and biases follow the gradient of the Kullback-Leibler divergence from the float network's class
probabilities. That needs no labels, few photos and a few hundred updates. Kernels keep their nearest rounding: their
gradients double the time of an update. In some thousand updates they can be learnt too, which is quantization-aware
training with the float network for a teacher.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.emulation import resized, run_graph
from portraitlite.convert.quantization.graph import FloatGraph, score_tensor
from portraitlite.convert.quantization.kernel_grid import KernelGrid
from portraitlite.convert.quantization.rounding import as_stored
from portraitlite.convert.quantization.scales import Scale

__all__ = ["DEFAULT_STEPS", "Emulated", "learn"]

DEFAULT_STEPS = 200
QUARTERS = 2  # of photos, in an update
LEAST_PART = 128  # pixels a side: smaller networks are fast anyway, and a quarter of their photo shows too little
SCALE_RATE = 0.004  # of the logarithm of a step, per update
BIAS_RATE = 0.002  # in steps of the tensor, per update
KERNEL_RATE = 0.003  # in steps of the channel, per update
MOMENTUM, SQUARES = 0.9, 0.98  # Adam's, the second short because a few hundred updates are few
TINY = 1e-8
Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Emulated:
    """A quantized network for the emulation.

    Attributes:
        graph: float model, equalized.
        scales: of its tensors.
        float_ops: indices of ops that stay float.
    """

    graph: FloatGraph
    scales: Sequence[Scale]
    float_ops: frozenset[int] = frozenset()

    def grids(self) -> dict[int, KernelGrid]:
        """Kernels in symmetric int8 per channel, by tensor; those of float ops are left out."""
        return {
            op.inputs[1]: KernelGrid.of(self.graph.constants[op.inputs[1]], op.other_axes)
            for index, op in enumerate(self.graph.ops)
            if op.is_convolution and index not in self.float_ops and op.inputs[1] in self.graph.constants
        }

    def output(self, image: Any, constants: dict[int, Any], steps: dict[int, Any], until: int) -> Any:
        """Tensor `until` of the quantized network.

        Args:
            image: [n, H, W, 3] float32 on the byte grid.
            constants: rounded kernels and biases, and sizes where the image has not the network's own.
            steps: tensor index -> step, for tensors that have a scale.
            until: tensor index.
        """
        zero = {tensor: scale.zero_point for scale in self.scales for tensor in scale.tensors}

        def rounded(tensor: int, value: Any) -> Any:
            if tensor == self.graph.input or tensor not in steps:
                return value  # the bytes of a photo lie on the grid already
            return as_stored(value, steps[tensor], zero[tensor])

        def written(op: int, tensor: int, value: Any) -> Any:
            return value if op in self.float_ops else rounded(tensor, value)

        def read(op: int, tensor: int, value: Any) -> Any:
            producer = self.graph.producer(tensor)
            crosses = producer in self.float_ops and op not in self.float_ops
            return rounded(tensor, value) if crosses else value

        return run_graph(self.graph, image, until, constants, written=written, read=read)


def learn(
    network: Emulated,
    images: Sequence[Floats],
    updates: int = DEFAULT_STEPS,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    kernels: bool = False,
) -> list[Scale]:
    """Learn. Changes the biases of `network.graph`, and its kernels where they are learnt.

    Args:
        network: the quantized network as it would be without learning.
        images: calibration photos, [1, H, W, 3] float32 each.
        updates: number of updates, each of `QUARTERS` quarters of photos, or of one whole photo where the
            network is tied to its size or smaller than `LEAST_PART` asks for.
        progress: called with (done, updates).
        kernels: learn them too.

    Returns:
        the scales, with learnt steps.
    """
    import tensorflow as tf

    graph, scores = network.graph, score_tensor(network.graph)
    learnable = [scale for scale in network.scales if not scale.fixed]
    logs = [tf.Variable(tf.zeros(())) for _ in learnable]
    step_of = {tensor: scale.step for scale in network.scales for tensor in scale.tensors}
    biased = [op for op in graph.ops if op.is_convolution and op.output in step_of and len(op.inputs) > 2]
    shifts = [tf.Variable(tf.zeros(len(graph.constants[op.inputs[2]]))) for op in biased]
    grids = network.grids()
    rounded = {tensor: tf.constant(grid.rounded()) for tensor, grid in grids.items()}
    moves = {tensor: tf.Variable(tf.zeros(grid.levels.shape)) for tensor, grid in grids.items() if kernels}
    floor = next(scale.low for scale in network.scales if scores in scale.tensors)
    if graph.producer(scores) in network.float_ops:
        floor = -math.inf
    height, width = graph.shapes[graph.input][1:3]
    part = ((height + 1) // 2, (width + 1) // 2)
    sizes = resized(graph, scores, *part) if min(part) >= LEAST_PART else None
    batch_size = QUARTERS
    if sizes is None:
        part, sizes, batch_size = (height, width), {}, 1
    variables = [*logs, *shifts, *moves.values()]
    rates = [SCALE_RATE] * len(logs) + [BIAS_RATE] * len(shifts) + [KERNEL_RATE] * len(moves)
    first = [tf.Variable(tf.zeros_like(v)) for v in variables]
    second = [tf.Variable(tf.zeros_like(v)) for v in variables]

    @tf.function  # type: ignore[untyped-decorator]
    def update(image: Any, count: Any, decay: Any) -> None:
        # What lies below the quantized range is no contender: it must not pull.
        wanted = _probabilities(tf.maximum(run_graph(graph, image, scores, sizes), floor))
        with tf.GradientTape() as tape:
            steps: dict[int, Any] = dict(step_of)
            for scale, log in zip(learnable, logs, strict=True):
                steps |= dict.fromkeys(scale.tensors, scale.step * tf.exp(log))
            constants: dict[int, Any] = {**rounded, **sizes}
            for tensor, moved in moves.items():
                constants[tensor] = grids[tensor].rounded(moved)
            for op, shift in zip(biased, shifts, strict=True):
                constants[op.inputs[2]] = graph.constants[op.inputs[2]] + shift * step_of[op.output]
            found = _probabilities(network.output(image, constants, steps, scores))
            loss = tf.reduce_mean(tf.reduce_sum(tf.exp(wanted) * (wanted - found), axis=-1))
        gradients: Any = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        for variable, rate, gradient, m, v in zip(variables, rates, gradients, first, second, strict=True):
            m.assign(MOMENTUM * m + (1 - MOMENTUM) * gradient)
            v.assign(SQUARES * v + (1 - SQUARES) * gradient**2)
            size = tf.sqrt(v / (1 - SQUARES**count)) + TINY
            variable.assign_sub(rate * decay * m / (1 - MOMENTUM**count) / size)

    cut_outs = _cut_outs(images, part)
    for count in range(1, updates + 1):
        batch = np.concatenate([next(cut_outs) for _ in range(batch_size)])
        decay = 0.5 * (1 + math.cos(math.pi * count / updates))
        update(tf.constant(batch), tf.constant(float(count)), tf.constant(decay))
        progress(count, updates)
    for op, shift in zip(biased, shifts, strict=True):
        learnt = graph.constants[op.inputs[2]] + shift.numpy() * np.float32(step_of[op.output])
        graph.constants[op.inputs[2]] = learnt.astype(np.float32)
    for tensor, moved in moves.items():
        graph.constants[tensor] = grids[tensor].rounded(moved).numpy()
    learnt_steps = {id(s): s.step * math.exp(float(log)) for s, log in zip(learnable, logs, strict=True)}
    return [dataclasses.replace(s, step=learnt_steps.get(id(s), s.step)) for s in network.scales]


def _cut_outs(images: Sequence[Floats], size: tuple[int, int]) -> Iterator[Floats]:
    """Endless parts [1, *size, 3] of the photos, at random places, half of them mirrored; the same in every run."""
    rng = np.random.default_rng(0)
    while True:
        for index in rng.permutation(len(images)):
            image = images[index]
            top, left = (int(rng.integers(image.shape[axis + 1] - size[axis] + 1)) for axis in (0, 1))
            part = image[:, top : top + size[0], left : left + size[1]]
            yield part[:, :, ::-1] if rng.random() < 0.5 else part


def _probabilities(scores: Any) -> Any:
    """Logarithms of class probabilities; one channel is a logit against an implied 0."""
    import tensorflow as tf

    if scores.shape[-1] == 1:
        scores = tf.concat([scores, tf.zeros_like(scores)], axis=-1)
    return tf.nn.log_softmax(scores)
