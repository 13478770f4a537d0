"""What of a mixed file stays float by default."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.quantization import FloatNetwork, QuantizeOptions, quantize_network
from portraitlite.convert.quantization.float_part import MAX_SHARE, default_float_ops, float_share, layer_names
from portraitlite.convert.quantization.graph import FloatGraph
from portraitlite.convert.quantization.tflite_converter import convert_with_tensorflow
from portraitlite.convert.types import Recipe

SIZE, BLOCKS = 8, 20  # the last block is the scores


def _model(off_grid: Collection[int], *, upsampled: bool = False) -> bytes:
    """A chain of small convolutions; the kernels of these blocks lie on no int8 grid."""
    import tensorflow as tf

    rng = np.random.default_rng(0)

    def function(image: Any) -> Any:
        x = image
        for i in range(BLOCKS):
            outputs = 3 if i < BLOCKS - 1 else 2
            kernel = rng.normal(0, 1, (1, 1, 3, outputs)) if i in off_grid else np.full((1, 1, 3, outputs), 1.0)
            with tf.name_scope(f"block{i}.conv"):
                x = tf.nn.conv2d(x, (kernel / (4 + i)).astype(np.float32), 1, "VALID", name="convolution")
                x = x + np.full(outputs, i + 1, np.float32)
                x = tf.nn.relu(x) if i < BLOCKS - 1 else x
        return tf.raw_ops.ResizeBilinear(images=x, size=[2 * SIZE, 2 * SIZE]) if upsampled else x

    return convert_with_tensorflow(FloatNetwork(function, SIZE, SIZE), Recipe.FP32, None)


@pytest.mark.parametrize(
    ("off_grid", "upsampled", "beginning"),
    [((), False, 5), ((3,), False, 3), (range(BLOCKS), False, 2), ((), True, 5)],
)
def test_the_longest_beginning_that_keeps_share_and_size(
    off_grid: Collection[int], upsampled: bool, beginning: int
) -> None:
    """19 blocks of 9 multiply-adds a pixel and one of 6: five and the scores are 51 of 177, a sixth is too much."""
    graph = FloatGraph(_model(off_grid, upsampled=upsampled))
    found = default_float_ops(graph)
    names = [f"block{i}.conv" for i in range(beginning)] + ([] if upsampled else [f"block{BLOCKS - 1}.conv"])
    assert [layer_names(graph)[i] for i in sorted(found)] == names
    assert float_share(graph, found) == pytest.approx((9 * beginning + (0 if upsampled else 6)) / 177)
    assert float_share(graph, range(6)) + 6 / 177 > MAX_SHARE
    assert float_share(graph, range(len(graph.ops))) == 1


@pytest.mark.parametrize(
    ("recipe", "line"),
    [(Recipe.MIXED, "29% of the multiply-adds are float"), (Recipe.INT16X8, "25 times slower than int8")],
)
def test_the_card_says_what_float_and_16_bits_cost(recipe: Recipe, line: str) -> None:
    images = [np.random.default_rng(1).uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32)]
    lines: list[str] = []
    network = FloatNetwork(lambda image: image, SIZE, SIZE)
    options = QuantizeOptions(recipe, updates=0)
    quantize_network(network, options, images, float_model=_model(()), remark=lines.append)
    assert [text for text in lines if line in text] == lines
    assert len(lines) == 1
