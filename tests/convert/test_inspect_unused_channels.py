"""Rule S14, quotients of other than 4, 8, ... channels: when it warns, and that the GPU does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.inspect.graph import Graph
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.convert.inspect.rules import Delegate, load_rules
from portraitlite.convert.inspect.verdicts import judge

ROOT = Path(__file__).resolve().parents[2]
VULKAN = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")
SIDE = 8


def _warns(graph: Graph) -> bool:
    return any(trap.id == "S14" for verdict in judge(graph, load_rules()[Delegate.GPU]) for trap in verdict.traps)


@pytest.mark.parametrize(
    ("dividend", "divisor", "warns"),
    [(6, 6, True), (3, 3, True), (1, 1, True), (1, 6, True), (4, 4, False), (8, 8, False), (6, 1, False)],
)
def test_a_convolution_reads_the_quotient(
    oracle: Callable[[str], ModuleType], dividend: int, divisor: int, warns: bool
) -> None:
    model = oracle("tiny_tflite").TinyModel()
    channels = max(dividend, divisor)
    parts = [model.tensor((1, SIDE, SIDE, n)) for n in (dividend, divisor)]
    quotient, result = model.tensor((1, SIDE, SIDE, channels)), model.tensor((1, SIDE, SIDE, 4))
    model.op("DIV", parts, [quotient])
    weights, bias = model.tensor((4, 1, 1, channels), value=1), model.tensor((4,), value=0)
    model.op("CONV_2D", [quotient, weights, bias], [result])
    assert _warns(read_graph(model.data(), "m")) == warns


@pytest.mark.parametrize(
    ("kind", "axis", "warns"),
    [("MEAN", 3, True), ("SUM", -1, True), ("MEAN", 1, False), ("AVERAGE_POOL_2D", None, False)],
)
def test_other_readers(oracle: Callable[[str], ModuleType], kind: str, axis: int | None, warns: bool) -> None:
    model = oracle("tiny_tflite").TinyModel()
    parts = [model.tensor((1, SIDE, SIDE, 6)) for _ in range(2)]
    quotient = model.tensor((1, SIDE, SIDE, 6))
    model.op("DIV", parts, [quotient])
    axes = [] if axis is None else [model.tensor((1,), "int32", value=[axis])]
    model.op(kind, [quotient, *axes], [model.tensor((1, SIDE, SIDE, 1))])
    assert _warns(read_graph(model.data(), "m")) == warns


@pytest.mark.parametrize(
    ("kind", "size", "warns"), [("ADD", 1, False), ("MAXIMUM", 1, False), ("ADD", 6, True), ("MUL", 1, True)]
)
def test_a_scalar_in_the_divisor(oracle: Callable[[str], ModuleType], kind: str, size: int, warns: bool) -> None:
    model = oracle("tiny_tflite").TinyModel()
    first, second, divisor, quotient = (model.tensor((1, SIDE, SIDE, 6)) for _ in range(4))
    model.op(kind, [second, model.tensor((1, 1, 1, size), value=0.5)], [divisor])
    model.op("DIV", [first, divisor], [quotient])
    weights, bias = model.tensor((4, 1, 1, 6), value=1), model.tensor((4,), value=0)
    model.op("CONV_2D", [quotient, weights, bias], [model.tensor((1, SIDE, SIDE, 4))])
    assert _warns(read_graph(model.data(), "m")) == warns


def _quotient_and_convolution(channels: int) -> bytes:
    tf: Any = pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'portraitlite[convert]'")
    shape = tf.TensorSpec([1, SIDE, SIDE, channels], tf.float32)
    weights = np.ones((1, 1, channels, 4), np.float32)
    function = tf.function(lambda x, y: tf.nn.conv2d(x / y, weights, 1, "SAME"), input_signature=[shape, shape])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    model: bytes = converter.convert()
    return model


@pytest.mark.parametrize("channels", [6, 8])
def test_the_gpu_does_so(channels: int, tmp_path: Path) -> None:
    """Where it no longer does, the rule can go."""
    if not any(os.environ.get(name) for name in VULKAN):
        pytest.skip(
            reason=f"needs {' or '.join(VULKAN)}=the file of a Vulkan device, such as SwiftShader: docs/parity.md"
        )
    model = _quotient_and_convolution(channels)
    assert _warns(read_graph(model, "m")) == (channels == 6)
    from portraitlite.runtime.backends import open_model

    names = [info.name for info in open_model(model).inputs]
    arrays: dict[str, Any] = {f"m|{name}": np.ones((1, SIDE, SIDE, channels), np.float32) for name in names}
    arrays["m|model"] = np.frombuffer(model, np.uint8)
    np.savez(tmp_path / "in.npz", **arrays)
    probe = ROOT / "tests" / "support" / "parity_probe.py"
    command = [sys.executable, str(probe), "gpu", str(tmp_path / "in.npz"), str(tmp_path / "out.npz")]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "out.npz") as found:
        assert bool(np.isnan(found["m"]).all()) == (channels == 6)
        assert channels == 6 or np.array_equal(found["m"], np.full((1, SIDE, SIDE, 4), 8, np.float32))
