"""`/sys/devices/system/cpu`: the cores of a phone, in groups of equal clocks."""

from __future__ import annotations

import dataclasses
import re

from portraitlite.android_harness.bounded import one_line

__all__ = ["SYSFS", "Clock", "Cluster", "clocks", "clusters", "cpu_list", "cpu_mask", "parse_sysfs"]

SYSFS = "/sys/devices/system/cpu"
MAX_CPUS = 256


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Cores with one greatest clock.

    Attributes:
        cpus: their numbers, ascending.
        max_mhz: what the hardware allows.
        governor: the clock policy of the first of them; None is unknown.
    """

    cpus: tuple[int, ...]
    max_mhz: float
    governor: str | None


@dataclasses.dataclass(frozen=True)
class Clock:
    """The clock of a cluster at one moment.

    Attributes:
        cpus: of the cluster.
        mhz: now.
        limit_mhz: what the phone allows now.
        max_mhz: what the hardware allows.
    """

    cpus: tuple[int, ...]
    mhz: float | None
    limit_mhz: float | None
    max_mhz: float


def parse_sysfs(text: str) -> dict[str, str]:
    """Lines `path:value` as `grep -H ""` prints them, keyed by the path below `SYSFS`; the first line of each file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        path, colon, value = line.partition(":")
        if colon and "/cpu/" in path:
            found.setdefault(path.split("/system/cpu/", 1)[-1], value.strip())
    return found


def cpu_list(text: str | None) -> tuple[int, ...] | None:
    """`0-3,6` -> (0, 1, 2, 3, 6); None for anything else."""
    if text is None or not re.fullmatch(r"\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*", text):
        return None
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return tuple(sorted(cpus)) if cpus and max(cpus) < MAX_CPUS else None


def cpu_mask(cpus: tuple[int, ...]) -> str:
    """Hexadecimal without 0x, as taskset and the harness take it."""
    return f"{sum(1 << cpu for cpu in cpus):x}"


def clusters(files: dict[str, str]) -> tuple[Cluster, ...]:
    """Slowest first; by greatest clock, never by number. Cores that are off have no clock and are left out."""
    by_khz: dict[int, list[int]] = {}
    for cpu in range(MAX_CPUS):
        khz = _khz(files, cpu, "cpuinfo_max_freq")
        if khz:
            by_khz.setdefault(khz, []).append(cpu)
    return tuple(
        Cluster(tuple(cpus), khz / 1000, one_line(files.get(f"cpu{cpus[0]}/cpufreq/scaling_governor", ""), 40) or None)
        for khz, cpus in sorted(by_khz.items())
    )


def clocks(files: dict[str, str]) -> tuple[Clock, ...]:
    """Of each cluster, read at its first core."""
    found = []
    for cluster in clusters(files):
        now, limit = (_khz(files, cluster.cpus[0], name) for name in ("scaling_cur_freq", "scaling_max_freq"))
        found.append(Clock(cluster.cpus, _mhz(now), _mhz(limit), cluster.max_mhz))
    return tuple(found)


def _khz(files: dict[str, str], cpu: int, name: str) -> int | None:
    text = files.get(f"cpu{cpu}/cpufreq/{name}", "")
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def _mhz(khz: int | None) -> float | None:
    return None if khz is None else khz / 1000
