"""Run by `measurement.run_probe` in a process of its own: what does a delegate of the runtime do with a model?

Arguments: `xnnpack` or `gpu`, the model. Prints one JSON line; the runtime's log stays on stderr. Imports nothing of
portraitlite, so that it starts quickly and needs no path; a file that brings the runtime down takes only this process.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def xnnpack(model: Path) -> dict[str, Any]:
    """All nodes; the delegate's own come after those of the file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    nodes = [
        {"kind": node["op_name"], **{side: [int(t) for t in node[side]] for side in ("inputs", "outputs")}}
        for node in interpreter._get_ops_details()
    ]
    return {"nodes": nodes}


def gpu(model: Path) -> dict[str, Any]:
    """Whether the accelerator took every op; what it refused stands in the log."""
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator

    both = HardwareAccelerator.GPU | HardwareAccelerator.CPU
    return {"complete": bool(CompiledModel.from_file(str(model), hardware_accel=both).is_fully_accelerated())}


def main() -> None:
    """One JSON line."""
    answer: dict[str, Any] = {"version": metadata.version("ai-edge-litert")}
    try:
        answer |= {"xnnpack": xnnpack, "gpu": gpu}[sys.argv[1]](Path(sys.argv[2]))
    except (ValueError, RuntimeError) as error:
        answer["error"] = " ".join(str(error).split())[:200]
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
