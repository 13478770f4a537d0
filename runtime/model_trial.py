"""One inference of an unknown model in a process of its own, because TFLite runtimes crash on some hostile files.

A runtime checks that a file is a valid flatbuffer, but its kernels trust much of what it says: with numbers inside
changed at random, about 1 file in 150 ends the process (a quantized tensor without a scale, an op with the inputs of
another, ...). No list of checks would be complete; a process that dies instead of ours is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np

from portraitlite.runtime.backends import InterpreterRunner, Runner, load_backend, open_model
from portraitlite.runtime.errors import InputError, MissingDependencyError, PortraitLiteError

__all__ = ["run_trial", "try_model"]

_TIME_LIMIT_S = 120
_MEMORY_LIMIT_BYTES = 16 << 30
_REFUSED, _MISSING = 2, 3
_CHILD = "import sys; from portraitlite.runtime.model_trial import run_trial; sys.exit(run_trial(*sys.argv[1:]))"


def try_model(model: bytes, *, backend: str | None = None, what: str = "the model") -> None:
    """Load `model` and run it once on zeros, elsewhere.

    Args:
        model: the whole `.tflite` file.
        backend: as for `open_model`.
        what: how messages call the file.

    Raises:
        InputError: it cannot be loaded or run, makes the runtime crash, or takes too long.
        MissingDependencyError: no runtime.
    """
    command = [sys.executable, "-P", "-c", _CHILD, what, backend or ""]
    # The child must find the same packages, also where the search path was changed after the start.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        trial = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, input=model, env=environment, capture_output=True, timeout=_TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{what} needs more than {_TIME_LIMIT_S} s for one picture; it is damaged or too large: convert it again"
        ) from error
    if trial.returncode in (_REFUSED, _MISSING) and trial.stdout:
        kind = InputError if trial.returncode == _REFUSED else MissingDependencyError
        raise kind(trial.stdout.decode("utf-8", "replace"))
    if trial.returncode != 0:
        end = signal.Signals(-trial.returncode).name if trial.returncode < 0 else f"exit code {trial.returncode}"
        raise InputError(f"{what} makes the TFLite runtime crash ({end}); it is damaged or hostile: convert it again")


def _check_types(model: bytes, runner: Runner, what: str) -> None:
    """Refuse a file with wrong tensor types: kernels correct them, but their readers go by the file, past the end.

    Such reading ends the process by chance only, so that a trial run may miss it.
    """
    assert isinstance(runner, InterpreterRunner)
    _, module = load_backend(runner.backend)
    as_written = module.interpreter_class()(model_content=model)  # not allocated: no kernel has seen it
    written = {tensor["index"]: tensor["dtype"] for tensor in as_written.get_tensor_details()}
    for tensor in runner.interpreter.get_tensor_details():
        found = written.get(tensor["index"], tensor["dtype"])
        if found is not tensor["dtype"]:
            raise InputError(
                f"{what} says that its tensor {tensor['index']} is {found.__name__}, expected "
                f"{tensor['dtype'].__name__}; it is damaged: convert it again"
            )


def run_trial(what: str, backend: str) -> int:
    """The trial itself, in the child: the model on stdin, the reason of a refusal on stdout. Returns the exit code."""
    try:
        import resource
    except ImportError:  # not on Windows
        pass
    else:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = _MEMORY_LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_LIMIT_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        model = sys.stdin.buffer.read()
        runner = open_model(model, backend=backend or None, what=what)
        _check_types(model, runner, what)
        runner.run({info.name: np.zeros([max(side, 1) for side in info.shape], info.dtype) for info in runner.inputs})
    except PortraitLiteError as error:
        sys.stdout.buffer.write(" ".join(str(error).split()).encode())
        return _MISSING if isinstance(error, MissingDependencyError) else _REFUSED
    return 0
