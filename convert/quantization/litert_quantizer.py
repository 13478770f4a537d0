"""Float `.tflite` -> quantized `.tflite` with litert-quantizer, and with what happens to the float file before it."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.quantization.boundary import finish_boundary, quiet_dead_channels, shift_input
from portraitlite.convert.quantization.emulation import can_emulate
from portraitlite.convert.quantization.equalization import equalize
from portraitlite.convert.quantization.float_part import default_float_ops, float_ops, float_share
from portraitlite.convert.quantization.float_storage import store_on_grid
from portraitlite.convert.quantization.graph import FloatGraph, pack_model, score_tensor, unpack_model
from portraitlite.convert.quantization.learned_ranges import Ranges, learned_ranges
from portraitlite.convert.quantization.learning import Emulated, learn
from portraitlite.convert.quantization.scales import Scale, initial_scales, score_window
from portraitlite.convert.quantization.statistics import measure
from portraitlite.convert.quantization.types import CALIBRATED, QuantizeOptions
from portraitlite.convert.types import Recipe
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["RECIPES", "learning_obstacle", "quantize_with_litert", "start"]

RECIPES = frozenset(Recipe) - {Recipe.FP32, Recipe.FP16}
KEPT_BYTES = 1 << 30  # of photos in memory
LEARNING_COPIES = 7  # of every activation, measured: values, rounded values and gradients
MAX_LEARNING_BYTES = 3 * 10**9
Images = Iterable[npt.NDArray[np.float32]]


def quantize_with_litert(
    model: bytes,
    options: QuantizeOptions,
    calibration: Images | None,
    mean: float,
    std: float,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
    remark: Callable[[str], None] = lambda line: None,
) -> bytes:
    """Quantize.

    Args:
        model: float file with one signature, one input and one output.
        options: recipe, learning and float layers.
        calibration: images as the model takes them, read once; needed by int8, int16x8 and mixed.
        mean, std: of those images.
        progress: called with (stage, done, total).
        remark: called with one line for each thing that the result card should say.

    Returns:
        int8 and mixed: uint8 input; int8: uint8 scores. Others: float at both ends.

    Raises:
        InputError: images are missing, or the recipe or a float layer is not known.
        MissingDependencyError: litert-quantizer is not installed.
    """
    if options.recipe not in RECIPES:
        raise InputError(f"litert-quantizer makes no {options.recipe} files; use the engine tflite-converter")
    if options.recipe not in CALIBRATED:
        return _write(model, "dynamic_wi8_afp32", None, ())
    if calibration is None:
        raise InputError(f"recipe {options.recipe} needs photos for its activation ranges: give --calibrate FOLDER")
    graph = FloatGraph(model)
    if options.recipe is Recipe.INT16X8:
        statistics, _ = measure(graph, calibration, score_tensor(graph))
        ranges = {graph.names[t]: (float(s.low.min()), float(s.high.max())) for t, s in statistics.items()}
        remark("a CPU runs int16x8 some 25 times slower than int8: XNNPACK has no 16-bit activations")
        return _write(model, "static_wi8_ai16", ranges, (), float_ends=True)
    kept = frozenset[int]()
    if options.recipe is Recipe.MIXED:
        kept = float_ops(graph, options.float_layers) if options.float_layers else default_float_ops(graph)
        remark(
            f"{float_share(graph, kept):.0%} of the multiply-adds are float: where 8-bit arithmetic is faster than "
            "float, as on phones with 8-bit dot products, the latency ratio to an int8 file is higher than here"
        )
    photos = _Remembered(calibration)
    network = dataclasses.replace(start(graph, photos, mean, std, options.ranges), float_ops=kept)
    if count := len(learned_ranges(graph, options.ranges)):
        remark(f"{count} ranges that quantization-aware training learned take the place of measured ones")
    scales = network.scales
    if options.updates and (obstacle := learning_obstacle(graph)) is not None:
        remark(f"ranges and biases were not learnt from the float network: {obstacle}")
    elif options.updates:
        scales = learn(
            network,
            photos.kept,
            options.updates,
            lambda done, total: progress("learn", done, total),
            kernels=options.learn_kernels,
        )
    shift_input(graph, mean, std)
    quiet_dead_channels(graph, {t: scale.step for scale in scales for t in scale.tensors})
    names = [graph.names[graph.ops[i].output] for i in sorted(kept)]
    model = _write(graph.to_bytes(), "static_wi8_ai8", _ranges(graph, scales), names)
    return finish_boundary(store_on_grid(model) if kept else model, mean, std)


class _Remembered:
    """Photos that are read once, the first of them kept for learning.

    Attributes:
        kept: as many as fit `KEPT_BYTES`, at least one.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self.kept: list[npt.NDArray[np.float32]] = []

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        size_bytes = 0
        for image in self._images:
            size_bytes += image.nbytes
            if size_bytes <= KEPT_BYTES or not self.kept:
                self.kept.append(image)
            yield image


def learning_obstacle(graph: FloatGraph) -> str | None:
    """Why the network cannot be emulated here, and so not be learnt from; None if it can."""
    if (kind := can_emulate(graph, score_tensor(graph))) is not None:
        return f"it holds {kind}, which cannot be emulated"
    size_bytes = LEARNING_COPIES * sum(4 * math.prod(graph.shapes[op.output]) for op in graph.ops)
    if size_bytes > MAX_LEARNING_BYTES:
        limit = f"more than {MAX_LEARNING_BYTES / 1e9:.0f}"
        return f"at this input size that takes about {size_bytes / 1e9:.0f} GB of memory, {limit}"
    return None


def start(
    graph: FloatGraph, images: Images, mean: float, std: float, trained: Ranges = MappingProxyType({})
) -> Emulated:
    """Measure ranges, equalize and choose the scales that learning begins with. Changes `graph`.

    A network whose training learned ranges is not equalized: they would no longer be those of its tensors.
    """
    statistics, second = measure(graph, images, score_tensor(graph))
    learned = learned_ranges(graph, trained)
    if not learned:
        equalize(graph, statistics)
    soft = all(op.kind != "ARG_MAX" for op in graph.ops)
    window = score_window(statistics[score_tensor(graph)], second, soft=soft)
    return Emulated(graph, initial_scales(graph, statistics, window, mean, std, learned))


def _ranges(graph: FloatGraph, scales: Sequence[Scale]) -> dict[str, tuple[float, float]]:
    return {graph.names[tensor]: (scale.low, scale.high) for scale in scales for tensor in scale.tensors}


def _write(
    model: bytes,
    recipe: str,
    ranges: dict[str, tuple[float, float]] | None,
    float_tensors: Sequence[str],
    *,
    float_ends: bool = False,
) -> bytes:
    try:
        import litert_quantizer
        from litert_quantizer import recipe as recipes
    except ImportError as error:
        raise MissingDependencyError(
            f"this recipe needs litert-quantizer ({error}); pip install 'portraitlite[convert]'"
        ) from error
    # Its progress bars go to stderr and its warnings speak of kernels that are all zero.
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        quantizer: Any = litert_quantizer.Quantizer(model, getattr(recipes, recipe)())
        kept = [(re.escape(name), "*") for name in float_tensors]
        kept += [(".*", "INPUT"), (".*", "OUTPUT")] if float_ends else []
        for expression, operation in kept:
            quantizer.update_quantization_recipe(
                expression, operation, algorithm_key=litert_quantizer.quantizer.AlgorithmName.NO_QUANTIZE
            )
        observed = None
        if ranges is not None:
            observed = {
                name: {"min": np.full((1, 1, 1, 1), low, np.float32), "max": np.full((1, 1, 1, 1), high, np.float32)}
                for name, (low, high) in ranges.items()
            }
        result = quantizer.quantize(observed, enable_progress_bar=False, enable_progress_report=False)
        return pack_model(unpack_model(bytes(result.quantized_model)))
