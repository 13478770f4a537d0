"""A made-up phone: properties, cores, temperatures, and a file system for the double of its adb daemon.

Its shell is this machine's, with the phone's paths replaced by paths below a folder and with the phone's own tools
(`getprop`, `dumpsys`, `uname`) in front. Nothing is copied from a real phone.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = [
    "CLUSTERS",
    "battery_text",
    "cpuinfo_text",
    "fake_library",
    "install_fake_harness",
    "make_cores",
    "make_phone",
    "plain_shell",
    "properties_text",
    "thermal_text",
]

CLUSTERS = ((range(4), 1_800_000), (range(4, 6), 2_400_000))  # cores and greatest clock in kHz
FEATURES = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
PLACES = (
    *("/data/local/tmp", "/sys/devices/system/cpu", "/proc/sys/kernel/random/boot_id"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/loadavg"),
)


def properties_text(**changes: str) -> str:
    """What `getprop` prints; `changes` with `_` for `.`, an empty value removes."""
    values = {
        "ro.build.fingerprint": "acme/anvil/anvil:14/A1/1:user/release-keys",
        "ro.build.version.release": "14",
        "ro.build.version.sdk": "34",
        "ro.hardware": "anvil",
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.product.manufacturer": "Acme",
        "ro.product.model": "Anvil [2]",
        "ro.serialno": "SECRET0123",
        "ro.soc.manufacturer": "Acme",
        "ro.soc.model": "AC100",
    } | {name.replace("_", "."): value for name, value in changes.items()}
    return "".join(f"[{name}]: [{value}]\n" for name, value in values.items() if value)


def thermal_text(skin_celsius: float = 30.0, status: int = 0) -> str:
    """What `dumpsys thermalservice` prints, with a stale cache and things that are no temperatures."""
    return (
        f"IsStatusOverride: false\nThermal Status: {status}\nCached temperatures:\n"
        "\tTemperature{mValue=77.0, mType=3, mName=shell, mStatus=0}\nHAL Ready: true\n"
        "Current temperatures from HAL:\n"
        f"\tTemperature{{mValue={skin_celsius}, mType=3, mName=shell, mStatus=0}}\n"
        "\tTemperature{mValue=41.5, mType=0, mName=cpu-0, mStatus=0}\n"
        "\tTemperature{mValue=44.5, mType=0, mName=cpu-1, mStatus=0}\n"
        "\tTemperature{mValue=3900.0, mType=6, mName=volts, mStatus=0}\n"
        "Current cooling devices from HAL:\n\tCoolingDevice{mValue=9, mType=3, mName=fan}\n"
    )


def battery_text(tenths: int = 285) -> str:
    """What `dumpsys battery` prints, with a look-alike line."""
    return (
        "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n  status: 2\n  level: 40\n"
        f"  scale: 50\n  voltage: 4000\n The last temperature: 999\n  temperature: {tenths}\n  technology: Li-ion\n"
    )


def cpuinfo_text() -> str:
    """What an arm64 kernel shows, with a part number for each cluster."""
    parts = {0: "0xd05", 1: "0xd0b"}
    blocks = [
        f"processor\t: {cpu}\nBogoMIPS\t: 50.00\nFeatures\t: {FEATURES}\nCPU implementer\t: 0x41\n"
        f"CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: {parts[number]}\nCPU revision\t: 0\n"
        for number, (cpus, _) in enumerate(CLUSTERS)
        for cpu in cpus
    ]
    return "\n".join(blocks)


def make_phone(root: Path, *, machine: str = "aarch64", properties: str | None = None) -> Path:
    """Lay the file system out below `root`; texts may be changed later in `root/answers`."""
    (root / "data/local/tmp").mkdir(parents=True)
    answers = root / "answers"
    answers.mkdir()
    (answers / "getprop").write_text(properties_text() if properties is None else properties)
    (answers / "thermalservice").write_text(thermal_text())
    (answers / "battery").write_text(battery_text())
    (answers / "power").write_text("POWER MANAGER\n  mWakefulness=Awake\n")
    make_cores(root / "sys/devices/system/cpu")
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(cpuinfo_text())
    (root / "proc/meminfo").write_text("MemTotal:        8000000 kB\nMemAvailable:    5000000 kB\n")
    (root / "proc/sys/kernel/random").mkdir(parents=True)
    (root / "proc/sys/kernel/random/boot_id").write_text("00000000-0000-4000-8000-000000000001\n")
    (root / "proc/loadavg").write_text("1.25 1.00 0.50 1/2000 12345\n")
    _make_tools(root / "tools", answers, machine)
    return root


def plain_shell(root: Path, *, tools: Sequence[Path] = ()) -> Callable[[str], list[str]]:
    """Makes the argument vector of a command; folders in `tools` come before the phone's own tools."""

    def start(command: str) -> list[str]:
        for place in PLACES:
            command = command.replace(place, f"{root}{place}")
        path = os.pathsep.join([*map(str, tools), str(root / "tools"), os.environ["PATH"]])
        return ["env", "-u", "LD_PRELOAD", f"PATH={path}", "sh", "-c", command]

    return start


def make_cores(folder: Path) -> None:
    """What an arm64 kernel shows of `CLUSTERS` below /sys/devices/system/cpu."""
    last = max(cpu for cpus, _ in CLUSTERS for cpu in cpus)
    folder.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (folder / name).write_text(f"0-{last}\n")
    for cpus, khz in CLUSTERS:
        for cpu in cpus:
            place = folder / f"cpu{cpu}" / "cpufreq"
            place.mkdir(parents=True)
            related = " ".join(map(str, cpus))
            for name, value in {
                "cpuinfo_max_freq": khz,
                "cpuinfo_min_freq": 300_000,
                "scaling_max_freq": khz,
                "scaling_min_freq": 300_000,
                "scaling_cur_freq": khz // 2,
                "scaling_governor": "schedutil",
                "related_cpus": related,
            }.items():
                (place / name).write_text(f"{value}\n")
            topology = folder / f"cpu{cpu}" / "topology"
            topology.mkdir()
            siblings = f"{cpus[0]}-{cpus[-1]}"
            for name, value in {"core_id": cpu, "physical_package_id": 0, "core_siblings_list": siblings}.items():
                (topology / name).write_text(f"{value}\n")


def _make_tools(folder: Path, answers: Path, machine: str) -> None:
    folder.mkdir()
    place = shlex.quote(str(answers))
    for name, script in {
        "getprop": f"cat {place}/getprop",
        "dumpsys": f'cat {place}/"$1"',
        "uname": f'case "$1" in -m) echo {machine};; *) echo 5.15.0-made-up;; esac',
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


def install_fake_harness(folder: Path) -> Path:
    """The stand-in of the native program as a file to push; `folder/behaviour` says what shall go wrong.

    `folder/calls.jsonl` lists its calls.
    """
    source = (Path(__file__).parent / "fake_harness.py").read_text()
    path = folder / "harness"
    path.write_text(
        source.replace("@BEHAVIOUR@", str(folder / "behaviour")).replace("/usr/bin/env python3", sys.executable)
    )
    return path


def fake_library(path: Path, *, machine: int = 183) -> Path:
    """A file with the header of an ELF library (183 is arm64, 62 x86-64) and nothing else."""
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little") + machine.to_bytes(2, "little"))
    return path
