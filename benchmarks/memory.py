"""What a model, or a stage of the portrait, takes of memory: measured in a process of its own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from portraitlite.benchmarks.child import ChildError, run_child
from portraitlite.runtime.errors import InputError

__all__ = ["Memory", "measure_memory", "memory_child"]

TIME_LIMIT_S = 600
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CHILD = "import sys; from portraitlite.benchmarks.memory import memory_child; sys.exit(memory_child(sys.argv[1]))"


@dataclasses.dataclass(frozen=True)
class Memory:
    """Bytes of a fresh process that loads and runs once; resident memory as Linux counts it.

    Attributes:
        activations_bytes: most that the file's activations need at one moment, each counted from the op that writes
            it to the last that reads it. No runtime's arena can be smaller; XNNPACK's may be larger.
        before_bytes: resident with Python and the runtime imported, before loading.
        loaded_bytes: resident after loading.
        run_bytes: resident after the first run.
        peak_load_bytes, peak_run_bytes: most while loading, and while running.
        unavailable: for each attribute that is None, why.
    """

    activations_bytes: int | None
    before_bytes: int
    loaded_bytes: int
    run_bytes: int
    peak_load_bytes: int | None
    peak_run_bytes: int | None
    unavailable: dict[str, str]


def measure_memory(
    model: str,
    stage: str,
    *,
    threads: int = 1,
    backend: str | None = None,
    photo_size: tuple[int, int] | None = None,
) -> Memory | None:
    """Load and run once, elsewhere; None where the system has no /proc/self/status.

    Args:
        model, stage, threads, backend, photo_size: as for `open_stage`.

    Raises:
        InputError: it cannot be loaded or run there.
    """
    if not STATUS.is_file():
        return None
    request = {"model": model, "stage": stage, "threads": threads, "backend": backend, "photo_size": photo_size}
    try:
        return Memory(**run_child(["-c", _CHILD, json.dumps(request)], limit_s=TIME_LIMIT_S))
    except ChildError as error:
        raise InputError(f"the memory of {model} cannot be measured ({error}); measure without it") from error


def memory_child(text: str) -> int:
    """The measurement itself, in the child: one JSON line on stdout; returns the exit code."""
    from portraitlite.benchmarks.activations import activations_bytes
    from portraitlite.benchmarks.stages import Stage, open_stage
    from portraitlite.runtime.backends import load_backend
    from portraitlite.runtime.bundled import resolve_model

    request: dict[str, Any] = json.loads(text)
    size = request["photo_size"]
    unavailable: dict[str, str] = {}
    load_backend(request["backend"])
    activations = None
    if request["stage"] == Stage.INVOKE:
        activations = activations_bytes(resolve_model(request["model"]).read_bytes())
    else:
        unavailable["activations_bytes"] = "the stage is more than one model"
    opening = open_stage(
        request["model"],
        Stage(request["stage"]),
        threads=request["threads"],
        backend=request["backend"],
        photo_size=tuple(size) if size else None,
    )
    before, peaks_known = _status_bytes("VmRSS"), _reset_peak()
    run = opening()
    loaded, peak_load = _status_bytes("VmRSS"), _status_bytes("VmHWM")
    peaks_known = _reset_peak() and peaks_known
    run()
    if not peaks_known:
        unavailable |= dict.fromkeys(("peak_load_bytes", "peak_run_bytes"), "the system cannot reset the peak")
    found = Memory(
        activations_bytes=activations,
        before_bytes=before,
        loaded_bytes=loaded,
        run_bytes=_status_bytes("VmRSS"),
        peak_load_bytes=peak_load if peaks_known else None,
        peak_run_bytes=_status_bytes("VmHWM") if peaks_known else None,
        unavailable=unavailable,
    )
    print(json.dumps(dataclasses.asdict(found)))
    return 0


def _status_bytes(key: str) -> int:
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise InputError(f"/proc/self/status has no {key}; measure without memory")


def _reset_peak() -> bool:
    """Begin a new high-water mark of resident memory."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
