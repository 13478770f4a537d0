"""LiteRT's own profiler, which its Python package ships but does not offer: called in the C library of ai-edge-litert.

Run as a process of its own (`profile.py` does): `python -m portraitlite.benchmarks.litert_profiler MODEL RUNS WARMUP
THREADS SEED` prints one JSON line. A file or a library that brings the process down takes only this one.

The C interface is that of LiteRT 2.3 (`litert/c/*.h`, Apache-2.0): every function returns 0 or an error code; options
are TOML texts under a name; events are fetched after each run.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["DELEGATE_OPERATOR", "LEAST_VERSION", "OPERATOR", "main"]

LEAST_VERSION = (2, 3)
OPERATOR, DELEGATE_OPERATOR = 2, 8  # event types: an op of the file, an operator inside XNNPACK
INVOKE, DEFAULT_EVENT = "Invoke", 1
CPU_ACCELERATOR = 1
ELEMENT_TYPES = {"float32": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "float16": 10}
WRITE_LOCK = 1


class MemoryUsage(ctypes.Structure):
    _fields_ = [("total", ctypes.c_size_t), ("in_use", ctypes.c_size_t), ("private", ctypes.c_size_t)]


class Event(ctypes.Structure):
    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("kind", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("before", MemoryUsage),
        ("after", MemoryUsage),
        ("index", ctypes.c_uint64),  # of the op in the file, or of the operator in XNNPACK's list
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    ]


class TensorType(ctypes.Structure):
    # After the element type a bit field: 7 bits of rank and one that says whether strides count.
    _fields_ = [
        ("element", ctypes.c_int),
        ("rank", ctypes.c_uint32),
        ("sides", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    ]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class ProfiledModel:
    """A model compiled for the CPU with profiling on. Lives as long as its process: nothing is released."""

    def __init__(self, model: bytes, details: tuple[Sequence[dict[str, Any]], ...], threads: int) -> None:
        import ai_edge_litert
        from ai_edge_litert import compiled_model  # noqa: F401 - loads what the library needs

        libraries = sorted(Path(str(ai_edge_litert.__file__)).parent.glob("libLiteRt.*"))
        if not libraries:
            raise RuntimeError("ai-edge-litert has no libLiteRt")
        self._library = ctypes.CDLL(str(libraries[0]))
        self._kept: list[Any] = [ctypes.create_string_buffer(model, len(model)), DELETER(lambda _: None)]
        self._environment = self._new("LiteRtCreateEnvironment", ctypes.c_int(0), None)
        loaded = self._new("LiteRtCreateModelFromBuffer", self._environment, self._kept[0], ctypes.c_size_t(len(model)))
        options = self._new("LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, ctypes.c_int(CPU_ACCELERATOR))
        for name, toml in (
            (b"runtime_options_string", b"enable_profiling = true\n"),
            (b"xnnpack", b"num_threads = %d\n" % threads),
        ):
            text = ctypes.create_string_buffer(toml)
            self._kept.append(text)
            opaque = self._new("LiteRtCreateOpaqueOptions", name, text, self._kept[1])
            self._call("LiteRtAddOpaqueOptions", options, opaque)
        self._compiled = self._new("LiteRtCreateCompiledModel", self._environment, loaded, options)
        self._profiler = self._new("LiteRtCompiledModelGetProfiler", self._compiled)
        self._inputs = self._buffers("LiteRtGetCompiledModelInputBufferRequirements", details[0])
        self._outputs = self._buffers("LiteRtGetCompiledModelOutputBufferRequirements", details[1])

    def fill(self, values: Sequence[np.ndarray[Any, Any]]) -> None:
        """Write the inputs, in the order of the signature."""
        for buffer, value in zip(self._inputs, values, strict=True):
            address = ctypes.c_void_p()
            self._call(
                "LiteRtLockTensorBuffer", ctypes.c_void_p(buffer), ctypes.byref(address), ctypes.c_int(WRITE_LOCK)
            )
            ctypes.memmove(address, np.ascontiguousarray(value).ctypes.data, value.nbytes)
            self._call("LiteRtUnlockTensorBuffer", ctypes.c_void_p(buffer))

    def run(self) -> list[Event]:
        """One inference; its events, the tags decoded by the caller before the next run."""
        self._call("LiteRtStartProfiler", self._profiler)
        self._call(
            "LiteRtRunCompiledModel",
            *(self._compiled, ctypes.c_size_t(0)),
            *(ctypes.c_size_t(len(self._inputs)), self._inputs, ctypes.c_size_t(len(self._outputs)), self._outputs),
        )
        self._call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        events = (Event * count.value)()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, events)
        return list(events)

    def reset(self) -> None:
        """Forget the events; tags are gone after that."""
        self._call("LiteRtResetProfiler", self._profiler)

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise RuntimeError(f"{name} returned {status}")

    def _new(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(made))
        return made

    def _buffers(self, name: str, details: Sequence[dict[str, Any]]) -> Any:
        buffers = (ctypes.c_void_p * len(details))()
        for i, detail in enumerate(details):
            wanted = self._new(name, self._compiled, ctypes.c_size_t(0), ctypes.c_size_t(i))
            size = ctypes.c_size_t()
            self._call("LiteRtGetTensorBufferRequirementsBufferSize", wanted, ctypes.byref(size))
            dtype, shape = np.dtype(detail["dtype"]), [int(side) for side in detail["shape"]]
            if size.value < int(np.prod(shape)) * dtype.itemsize or dtype.name not in ELEMENT_TYPES:
                raise RuntimeError(
                    f"{detail['name']} is {dtype} {shape}, but the compiled model takes {size.value} bytes"
                )
            kind = TensorType(element=ELEMENT_TYPES[dtype.name], rank=len(shape))
            kind.sides[: len(shape)] = shape
            buffers[i] = self._new(
                "LiteRtCreateManagedTensorBufferFromRequirements", self._environment, ctypes.byref(kind), wanted
            )
        return buffers


def main(arguments: Sequence[str]) -> int:
    """Plain inferences by the interpreter and profiled ones in turns; returns the exit code."""
    from portraitlite.benchmarks.latency import load_model, random_inputs
    from portraitlite.runtime.backends import InterpreterRunner

    path, runs, warmup, threads, seed = (arguments[0], *map(int, arguments[1:]))
    model = Path(path).read_bytes()
    plain = load_model(model, threads=threads, backend="litert", seed=seed, what=Path(path).name)
    interpreter = plain.interpreter
    infos = InterpreterRunner(interpreter, "litert", "").inputs
    details = interpreter.get_input_details(), interpreter.get_output_details()
    profiled = ProfiledModel(model, details, threads)
    profiled.fill(random_inputs(infos, seed))
    answer: dict[str, Any] = {"version": metadata.version("ai-edge-litert"), "plain_ms": [], "runs": []}
    for run in range(warmup + runs):
        plain_ms = plain.run_ms()
        events = profiled.run()
        rows = [(event.tag.decode("utf-8", "replace"), event.kind, event.index, event.elapsed_us) for event in events]
        profiled.reset()
        if run >= warmup:
            answer["plain_ms"].append(plain_ms)
            whole_us = [us for tag, kind, _, us in rows if tag == INVOKE and kind == DEFAULT_EVENT]
            if not whole_us:
                raise RuntimeError("the profiler does not tell how long the inference took")
            ops = [row for row in rows if row[1] in (OPERATOR, DELEGATE_OPERATOR)]
            answer["runs"].append({"invoke_us": whole_us[0], "ops": ops})
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
