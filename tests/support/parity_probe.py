"""Run models in a process of its own: `python parity_probe.py RUNTIME IN.npz OUT.npz`.

RUNTIME is a backend's name or `gpu`. IN.npz holds `MODEL|model`, the bytes of a `.tflite` file, and `MODEL|INPUT` for
each of its inputs; OUT.npz gets each model's one output under its name, and under `MODEL|whole` whether a GPU took
every op.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def with_backend(backend: str, model: bytes, inputs: dict[str, Any]) -> tuple[Any, bool]:
    """Through the project's own interface."""
    from portraitlite.runtime.backends import open_model

    (output,) = open_model(model, backend=backend).run(inputs)
    return output, False


def on_gpu(runtime: str, model: bytes, inputs: dict[str, Any]) -> tuple[Any, bool]:
    """Through LiteRT's compiled models, which alone know accelerators."""
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator

    from portraitlite.runtime.backends import open_model

    (info,) = open_model(model, backend="litert").outputs
    compiled = CompiledModel.from_buffer(model, hardware_accel=HardwareAccelerator.GPU)
    (signature,) = compiled.get_signature_list().values()
    buffers, outputs = compiled.create_input_buffers(0), compiled.create_output_buffers(0)
    for key, buffer in zip(signature["inputs"], buffers, strict=True):
        buffer.write(np.ascontiguousarray(inputs[key]))
    compiled.run_by_index(0, buffers, outputs)
    size = int(np.prod(info.shape))
    output = np.asarray(outputs[0].read(size, info.dtype.type)).reshape(info.shape)
    return output, bool(compiled.is_fully_accelerated())


def main(runtime: str, source: str, target: str) -> None:
    run = on_gpu if runtime == "gpu" else with_backend
    arrays = dict(np.load(source))
    results = {}
    for name in sorted({key.split("|")[0] for key in arrays}):
        parts = {key.split("|")[1]: value for key, value in arrays.items() if key.split("|")[0] == name}
        model = parts.pop("model").tobytes()
        results[name], results[f"{name}|whole"] = run(runtime, model, parts)
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:4])
