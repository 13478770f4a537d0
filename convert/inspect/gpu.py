"""Measure what LiteRT's GPU accelerator takes: its desktop form, WebGPU, on any Vulkan device.

SwiftShader, a Vulkan device in software, will do; `docs/delegates.md` says how. It shows coverage, not a phone's
OpenCL, its speed or its fp16.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from portraitlite.convert.inspect.graph import Graph
from portraitlite.convert.inspect.measurement import Measurement, NotMeasured, run_probe

__all__ = ["DEVICE_VARIABLES", "measure_gpu", "refused_kinds"]

DEVICE_VARIABLES = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")  # the Vulkan loader's; the user names a device with one
ADAPTER = re.compile(r"Selected adapter: ([^,\n]{1,80})")
REFUSALS = re.compile(
    r"Following operations are not supported by GPU delegate:\n((?:[A-Z][A-Z0-9_]*: .*\n)+)"
    r"\d+ operations will run on the GPU"
)


def measure_gpu(path: Path, graph: Graph, arena_bytes: int) -> Measurement | NotMeasured:
    """Which ops the accelerator refuses, as far as its log tells.

    Args:
        path: the file.
        graph: its records.
        arena_bytes: of its activations.
    """
    if not any(os.environ.get(name) for name in DEVICE_VARIABLES):
        return NotMeasured(f"no Vulkan device is named by {' or '.join(DEVICE_VARIABLES)}")
    result = run_probe("gpu", path, arena_bytes)
    if isinstance(result, NotMeasured):
        return result
    answer, log = result
    adapter = ADAPTER.search(log)
    if adapter is None:
        return NotMeasured("the runtime found no GPU adapter")
    refused = refused_kinds(log)
    if not answer["complete"] and not refused:
        return NotMeasured("the accelerator left ops to the CPU without naming them")
    version = f"ai-edge-litert {answer['version']}, WebGPU on {adapter[1]}"
    named = {op.index: refused.get(op.kind) or refused.get(op.title, "") for op in graph.ops}
    count = Counter(op.kind for op in graph.ops)
    # The log names kinds. Of several ops of one kind it does not tell which was refused: there the rules stay.
    taken = {op.index: not named[op.index] for op in graph.ops if not named[op.index] or count[op.kind] == 1}
    reasons = {index: reason for index, reason in named.items() if reason}
    return Measurement(taken, version, f"measured: {version}; a phone's OpenCL may differ", reasons)


def refused_kinds(log: str) -> dict[str, str]:
    """Kind -> the accelerator's reason, from its log."""
    found: dict[str, str] = {}
    for block in REFUSALS.findall(log):
        for line in block.splitlines():
            kind, _, reason = line.partition(": ")
            found[kind] = "".join(c for c in reason[:200] if c.isprintable())
    return found
