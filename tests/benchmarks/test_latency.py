from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from portraitlite.benchmarks import latency
from portraitlite.benchmarks.latency import measure_latency, random_inputs
from portraitlite.runtime.backends import InterpreterRunner, TensorInfo
from portraitlite.runtime.errors import InputError


def info(dtype: str, *shape: int) -> TensorInfo:
    return TensorInfo("x", shape, np.dtype(dtype))


class FakeInterpreter:
    """Advances a clock: 5 ms to fill an input, then the given time of each inference."""

    def __init__(self, durations_ms: list[float]) -> None:
        self.now_ns = 0
        self.filled: dict[int, Any] = {}
        self._durations_ms: Iterator[float] = iter(durations_ms)

    def get_signature_list(self) -> dict[str, Any]:
        return {}

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"name": "a", "index": 8, "shape": [1, 2], "dtype": np.uint8, "quantization": (0.0, 0)}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return []

    def set_tensor(self, index: int, value: Any) -> None:
        self.now_ns += 5_000_000
        self.filled[index] = value

    def invoke(self) -> None:
        duration_ms = next(self._durations_ms, None)
        if duration_ms is None:
            raise RuntimeError("Node 7 failed\nto invoke.")
        self.now_ns += round(duration_ms * 1e6)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], FakeInterpreter]:
    def install(durations_ms: list[float]) -> FakeInterpreter:
        interpreter = FakeInterpreter(durations_ms)

        def opened(*_: Any, **__: Any) -> InterpreterRunner:
            interpreter.now_ns += 40_000_000
            return InterpreterRunner(interpreter, "fake", "0")

        monkeypatch.setattr(latency, "open_model", opened)
        monkeypatch.setattr("time.perf_counter_ns", lambda: interpreter.now_ns)
        return interpreter

    return install


def test_times_the_inference_alone_and_leaves_first_and_warm_up_out(
    fake: Callable[[list[float]], FakeInterpreter],
) -> None:
    interpreter = fake([90, 30, 20, 1, 2, 3])
    calls = []

    def slow_progress(*values: float) -> None:
        interpreter.now_ns += 1_000_000_000
        calls.append(values)

    found = measure_latency(b"", runs=3, warmup=2, progress=slow_progress)
    assert (found.load_ms, found.first_ms) == (40, 90)
    assert found.latency_ms == (1, 2, 3)
    assert calls == [(done, 5, 90) for done in (1, 2, 3, 4, 5)]
    assert interpreter.filled.keys() == {8}
    assert interpreter.filled[8].shape == (1, 2)


def test_a_failing_inference_is_one_line(fake: Callable[[list[float]], FakeInterpreter]) -> None:
    fake([1, 1])
    with pytest.raises(InputError, match=r"^x\.tflite loads but does not run \(Node 7 failed to invoke\.\)"):
        measure_latency(b"", what="x.tflite")


@pytest.mark.parametrize(("runs", "warmup"), [(0, 5), (-1, 5), (1, -1)])
def test_counts_out_of_range(runs: int, warmup: int) -> None:
    with pytest.raises(InputError, match="at least 1 run"):
        measure_latency(b"", runs=runs, warmup=warmup)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_real_model(make_model: Callable[..., bytes], dtype: str) -> None:
    found = measure_latency(make_model(dtype), runs=7, warmup=0)
    assert len(found.latency_ms) == 7
    assert min(found.load_ms, found.first_ms, *found.latency_ms) > 0
    assert found.backend == "litert"


def test_a_dynamic_batch_counts_as_one(make_model: Callable[..., bytes]) -> None:
    assert len(measure_latency(make_model(signature=(-1, 4, 4, 3)), runs=2).latency_ms) == 2


def test_other_dynamic_sides_are_refused(make_model: Callable[..., bytes]) -> None:
    with pytest.raises(InputError, match=r"'left' of dynamic shape \[1, -1, -1, 3\]"):
        measure_latency(make_model(signature=(1, -1, -1, 3)))


def test_index_inputs_are_refused(make_model: Callable[..., bytes]) -> None:
    with pytest.raises(InputError, match="'left' of type int64"):
        measure_latency(make_model("int64"))


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("uint8", 0, 255), ("int8", -128, 127), ("int16", -32768, 32767), ("float32", -1, 1)]
)
def test_random_input_spans_the_range(dtype: str, low: int, high: int) -> None:
    (value,) = random_inputs([info(dtype, 1, 300, 300, 3)], seed=3)
    assert value.dtype == dtype
    assert value.shape == (1, 300, 300, 3)
    assert low <= value.min() <= low + (high - low) / 1000
    assert high - (high - low) / 1000 <= value.max() <= high


def test_the_seed_decides_and_equal_inputs_differ() -> None:
    two = [info("uint8", 1, 64), info("uint8", 1, 64)]
    first, second = random_inputs(two, seed=1)
    again, _ = random_inputs(two, seed=1)
    other, _ = random_inputs(two, seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)
