"""One small interface over the three TFLite runtimes.

A runner takes arrays in the order of `inputs` and returns fresh arrays in the order of `outputs`. Signature
names win over tensor order, so that files with several inputs mean the same in every runtime.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Protocol

from portraitlite.runtime.backends.interpreter import InterpreterRunner, Runner, TensorInfo
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["BACKENDS", "Backend", "InterpreterRunner", "Runner", "TensorInfo", "open_model"]

# In order of preference; the value is what `pip install` takes.
BACKENDS = {
    "litert": "ai-edge-litert",
    "tflite_runtime": "'portraitlite[tflite-runtime]'",
    "tensorflow": "'portraitlite[convert]'",
}


class Backend(Protocol):
    """A module of this package: says which runtime it is and hands out its interpreter class."""

    def interpreter_class(self) -> Any: ...

    def version(self) -> str: ...


def load_backend(name: str | None = None) -> tuple[str, Backend]:
    """(name, module) of the wanted backend, or of the first that can be imported.

    Raises:
        InputError: no backend has this name.
        MissingDependencyError: it is not installed, or it is but cannot work here.
    """
    if name is not None and name not in BACKENDS:
        raise InputError(f"unknown backend {name!r}; choose one of {', '.join(BACKENDS)}")
    reasons = []
    for candidate in [name] if name else BACKENDS:
        module: Any = importlib.import_module(f"portraitlite.runtime.backends.{candidate}")
        try:
            module.interpreter_class()
        except ImportError as error:
            reasons.append(f"{candidate}: {error}; pip install {BACKENDS[candidate]}")
            continue
        return candidate, module
    raise MissingDependencyError("no TFLite runtime can be used here (" + " | ".join(reasons) + ")")


def open_model(model: bytes, *, threads: int = 1, backend: str | None = None, what: str = "the model") -> Runner:
    """An interpreter on `model`, allocated and ready.

    Args:
        model: the whole `.tflite` file.
        threads: CPU threads, at least 1.
        backend: one of `BACKENDS`; None takes the first that is installed.
        what: how messages call the file.

    Raises:
        InputError: not a `.tflite` file, damaged, or with ops that the runtime does not know.
        MissingDependencyError: no runtime.
    """
    if threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}")
    if model[4:8] != b"TFL3":
        raise InputError(f"{what} is not a .tflite file (no TFL3 mark at byte 4); give a converted model")
    name, module = load_backend(backend)
    interpreter_class = module.interpreter_class()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's announces its own removal on every use
            interpreter = interpreter_class(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
    except SystemError as error:
        raise MissingDependencyError(
            f"{name} {module.version()} cannot work with this numpy ({error}); pip install {BACKENDS[name]}"
        ) from error
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{what} cannot be loaded by {name} ({reason}); it is damaged or needs a newer runtime"
        ) from error
    return InterpreterRunner(interpreter, name, module.version())
