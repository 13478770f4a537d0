"""The grid of a kernel's int8 file."""

from __future__ import annotations

import numpy as np
import pytest

from portraitlite.convert.quantization.kernel_grid import KernelGrid

KERNEL = np.array([[1.0, -2.54, 0.004, 0.3], [0.5, 0.02, -0.25, 0.0]], np.float32)  # [channels, weights]


@pytest.fixture
def grid() -> KernelGrid:
    return KernelGrid.of(KERNEL, (1,))


def test_the_largest_weight_of_a_channel_is_127_steps(grid: KernelGrid) -> None:
    np.testing.assert_allclose(grid.step[:, 0], [2.54 / 127, 0.5 / 127], rtol=1e-6)
    np.testing.assert_allclose(grid.rounded().numpy(), np.round(KERNEL / grid.step) * grid.step, rtol=1e-6)


def test_moving_keeps_the_grid(grid: KernelGrid) -> None:
    moved = grid.rounded(np.full(KERNEL.shape, 3.0, np.float32)).numpy()
    again = KernelGrid.of(moved, (1,))
    np.testing.assert_allclose(again.step, grid.step, rtol=1e-6)
    np.testing.assert_allclose(moved[0, 0], 53 * grid.step[0, 0], rtol=1e-6)  # 50 steps and three more
    assert moved[0, 1] == pytest.approx(-2.54)
    far = grid.rounded(np.full(KERNEL.shape, 500.0, np.float32)).numpy()
    np.testing.assert_allclose(np.abs(far).max(1), np.abs(KERNEL).max(1), rtol=1e-6)


def test_gradients_pass_the_rounding_but_not_to_the_largest(grid: KernelGrid) -> None:
    import tensorflow as tf

    moves = tf.Variable(tf.zeros(KERNEL.shape))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(grid.rounded(moves))
    gradient = tape.gradient(total, moves).numpy()
    assert (gradient[0, 1], gradient[1, 0]) == (0, 0)
    np.testing.assert_allclose(gradient[0, [0, 2, 3]], grid.step[0, 0])


def test_a_channel_of_zeros_stays(grid: KernelGrid) -> None:
    nothing = KernelGrid.of(np.zeros((2, 3), np.float32), (1,))
    assert not nothing.rounded(np.ones((2, 3), np.float32)).numpy().any()
