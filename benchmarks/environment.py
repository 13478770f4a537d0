"""What this machine says about itself. A fact it does not expose is None, and `unavailable` says why."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import portraitlite

__all__ = ["CPU_FEATURES", "Environment", "MachineState", "read_environment", "read_state"]

# Those that decide which kernels a TFLite runtime picks.
CPU_FEATURES = (
    *("avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "sve"),
)


@dataclasses.dataclass(frozen=True)
class MachineState:
    """What changes during a run.

    Attributes:
        load_average_1min: runnable processes, averaged over a minute; in a container the host's.
        cpu_mhz: present clock of each CPU of `Environment.cpu_affinity`.
        memory_available_bytes: what programs can still take.
        unavailable: for each attribute that is None, why.
    """

    load_average_1min: float | None
    cpu_mhz: tuple[float, ...] | None
    memory_available_bytes: int | None
    unavailable: dict[str, str]

    def __post_init__(self) -> None:
        _check_reasons(self, self.unavailable)


@dataclasses.dataclass(frozen=True)
class Environment:
    """Where a run happened.

    Attributes:
        portraitlite, python, numpy, backend_version, os: versions; `backend_version` is of the TFLite runtime.
        architecture: as `uname -m` says it.
        cpu_model: marketing name.
        cpu_features: those of `CPU_FEATURES` that the CPU has, spelt as the kernel does.
        cpu_count: CPUs of the machine.
        cpu_affinity: CPUs this process may use.
        cpu_governor: clock policy of each CPU of `cpu_affinity`.
        memory_total_bytes: RAM of the machine.
        before, after: the state around the run.
        unavailable: for each attribute that is None, why.
    """

    portraitlite: str
    python: str
    numpy: str
    backend_version: str
    os: str
    architecture: str
    cpu_model: str | None
    cpu_features: tuple[str, ...] | None
    cpu_count: int | None
    cpu_affinity: tuple[int, ...] | None
    cpu_governor: tuple[str, ...] | None
    memory_total_bytes: int | None
    before: MachineState
    after: MachineState
    unavailable: dict[str, str]

    def __post_init__(self) -> None:
        _check_reasons(self, self.unavailable)


def read_environment(
    *, backend_version: str, before: MachineState, after: MachineState, root: Path = Path("/")
) -> Environment:
    """The facts of this machine; `root` is where `proc` and `sys` lie."""
    unavailable = {}
    cpu = _cpuinfo(root)
    if (cpu_model := cpu.get("model name")) is None:
        unavailable["cpu_model"] = "no 'model name' in /proc/cpuinfo"
    flags = cpu.get("flags", cpu.get("Features"))
    if flags is None:
        unavailable["cpu_features"] = "neither 'flags' nor 'Features' in /proc/cpuinfo"
    present = set((flags or "").split())
    if (cpu_count := os.cpu_count()) is None:
        unavailable["cpu_count"] = "the system does not tell"
    if (affinity := _affinity()) is None:
        unavailable["cpu_affinity"] = "the system has no sched_getaffinity"
    governors = _cpufreq(root, "scaling_governor")
    if governors is None:
        unavailable["cpu_governor"] = "no cpufreq in sysfs, as in most virtual machines"
    memory_total_bytes = _memory_bytes(root, "MemTotal")
    if memory_total_bytes is None:
        unavailable["memory_total_bytes"] = "no MemTotal in /proc/meminfo"
    return Environment(
        portraitlite=portraitlite.__version__,
        python=platform.python_version(),
        numpy=metadata.version("numpy"),
        backend_version=backend_version,
        os=platform.platform(),
        architecture=platform.machine(),
        cpu_model=cpu_model,
        cpu_features=None if flags is None else tuple(name for name in CPU_FEATURES if name in present),
        cpu_count=cpu_count,
        cpu_affinity=affinity,
        cpu_governor=governors,
        memory_total_bytes=memory_total_bytes,
        before=before,
        after=after,
        unavailable=unavailable,
    )


def read_state(root: Path = Path("/")) -> MachineState:
    """The state of this moment; `root` is where `proc` and `sys` lie."""
    unavailable = {}
    fields = _text(root / "proc/loadavg").split()
    if not fields:
        unavailable["load_average_1min"] = "no /proc/loadavg"
    clocks_khz = _cpufreq(root, "scaling_cur_freq")
    if clocks_khz is None:
        unavailable["cpu_mhz"] = "no cpufreq in sysfs, as in most virtual machines"
    available_bytes = _memory_bytes(root, "MemAvailable")
    if available_bytes is None:
        unavailable["memory_available_bytes"] = "no MemAvailable in /proc/meminfo"
    return MachineState(
        load_average_1min=float(fields[0]) if fields else None,
        cpu_mhz=None if clocks_khz is None else tuple(int(khz) / 1000 for khz in clocks_khz),
        memory_available_bytes=available_bytes,
        unavailable=unavailable,
    )


def _check_reasons(facts: Environment | MachineState, unavailable: dict[str, str]) -> None:
    missing = {field.name for field in dataclasses.fields(facts) if getattr(facts, field.name) is None}
    if missing != unavailable.keys():
        raise ValueError(f"{sorted(missing)} are null, but reasons are given for {sorted(unavailable)}")


def _affinity() -> tuple[int, ...] | None:
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else None


def _text(path: Path) -> str:
    """The file's text; empty where the system has no such file or does not show it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _cpuinfo(root: Path) -> dict[str, str]:
    """Keys and values of the first CPU that says each of them."""
    found: dict[str, str] = {}
    for line in _text(root / "proc/cpuinfo").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    return found


def _memory_bytes(root: Path, key: str) -> int | None:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    return None


def _cpufreq(root: Path, name: str) -> tuple[str, ...] | None:
    """One value per usable CPU; None unless all of them have it."""
    cpus: Sequence[int] = _affinity() or range(os.cpu_count() or 0)
    texts = [_text(root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/{name}").strip() for cpu in cpus]
    return tuple(texts) if texts and all(texts) else None
