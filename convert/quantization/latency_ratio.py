"""How much slower one file is than another, measured in one run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from portraitlite.benchmarks.latency import random_inputs
from portraitlite.runtime.backends import InterpreterRunner, open_model

__all__ = ["latency_ratio"]

WARMUP = 2


def latency_ratio(model: bytes, reference: bytes, *, runs: int = 15, threads: int = 1) -> float:
    """Median over pairs of latency(model) / latency(reference).

    The two take turns, so that whatever else the machine does meets both.

    Args:
        model, reference: `.tflite` files.
        runs: timed pairs.
        threads: CPU threads.
    """
    interpreters = [_ready(content, threads) for content in (model, reference)]
    ratios = []
    for run in range(WARMUP + runs):
        seconds = [_invoke(interpreter) for interpreter in interpreters]
        if run >= WARMUP:
            ratios.append(seconds[0] / seconds[1])
    return float(np.median(ratios))


def _ready(model: bytes, threads: int) -> Any:
    runner = open_model(model, threads=threads)
    assert isinstance(runner, InterpreterRunner)
    values = random_inputs(runner.inputs, seed=0)
    for detail, value in zip(runner.interpreter.get_input_details(), values, strict=True):
        runner.interpreter.set_tensor(detail["index"], value)
    return runner.interpreter


def _invoke(interpreter: Any) -> float:
    start = time.perf_counter()
    interpreter.invoke()
    return time.perf_counter() - start
