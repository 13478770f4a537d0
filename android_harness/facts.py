"""What a phone is, and in which state: asked for in one command, read by pure functions.

Every fact is absent on some phone; then it is None and `unavailable` says why. Serial numbers are never kept.
"""

from __future__ import annotations

import dataclasses
import re
import secrets

from portraitlite.android_harness.battery import parse_battery
from portraitlite.android_harness.bounded import one_line
from portraitlite.android_harness.cores import (
    SYSFS,
    Clock,
    Cluster,
    clocks,
    clusters,
    cpu_list,
    parse_sysfs,
)
from portraitlite.android_harness.properties import is_emulator, parse_properties, soc_name
from portraitlite.android_harness.shell import Phone
from portraitlite.android_harness.thermal import parse_thermal

__all__ = ["PhoneFacts", "PhoneState", "parse_facts", "parse_state", "read_facts", "read_state"]

STATIC = {
    "properties": "getprop",
    "machine": "uname -m; uname -r",
    "cpuinfo": "cat /proc/cpuinfo",
    "meminfo": "cat /proc/meminfo",
    "sysfs": f'grep -H "" {SYSFS}/possible {SYSFS}/cpu*/cpufreq/cpuinfo_max_freq {SYSFS}/cpu*/cpufreq/scaling_governor',
}
CHANGING = {
    "thermal": "dumpsys thermalservice",
    "battery": "dumpsys battery",
    "power": "dumpsys power | grep mWakefulness=",
    "load": "cat /proc/loadavg",
    "start": "cat /proc/sys/kernel/random/boot_id || getprop ro.boottime.init",
    "meminfo": "cat /proc/meminfo",
    "sysfs": f'grep -H "" {SYSFS}/online '
    + " ".join(f"{SYSFS}/cpu*/cpufreq/{name}" for name in ("cpuinfo_max_freq", "scaling_cur_freq", "scaling_max_freq")),
}

MACHINES = {"arm64-v8a": "aarch64", "x86_64": "x86_64", "armeabi-v7a": "armv", "x86": "i686"}


@dataclasses.dataclass(frozen=True)
class PhoneFacts:
    """What does not change during a run.

    Attributes:
        manufacturer, model, android, sdk, fingerprint: as the phone states them; `android` is the release.
        abi: what its programs are built for.
        soc: the chip.
        kernel, machine: as `uname -r` and `uname -m` say it.
        cpu_features: instruction sets, spelt as the kernel does.
        cpus: how many cores may exist.
        clusters: cores in groups, slowest first.
        memory_total_bytes: RAM.
        emulated: why this is no phone whose times mean anything; None for a phone.
        unavailable: for each other attribute that is None, why.
    """

    manufacturer: str | None
    model: str | None
    android: str | None
    sdk: int | None
    fingerprint: str | None
    abi: str | None
    soc: str | None
    kernel: str | None
    machine: str | None
    cpu_features: tuple[str, ...] | None
    cpus: int | None
    clusters: tuple[Cluster, ...] | None
    memory_total_bytes: int | None
    emulated: str | None
    unavailable: dict[str, str]

    @property
    def name(self) -> str:
        """How people call it."""
        return (
            " ".join(part for part in (self.manufacturer, self.model) if part) or "a phone that does not say its name"
        )


@dataclasses.dataclass(frozen=True)
class PhoneState:
    """What changes.

    Attributes:
        thermal_status: 0 (none) to 6 (shutdown).
        celsius: the hottest sensor of each kind.
        battery_celsius, battery_percent, battery_charging, usb_powered: of the battery.
        cpus_online: cores that are on.
        clocks: of each cluster.
        awake: whether the screen is on; it may be locked all the same.
        load_average_1min: runnable threads.
        memory_available_bytes: what programs can still take.
        start: differs after every restart of the phone.
        unavailable: for each attribute that is None, why.
    """

    thermal_status: int | None
    celsius: dict[str, float] | None
    battery_celsius: float | None
    battery_percent: float | None
    battery_charging: bool | None
    usb_powered: bool | None
    cpus_online: tuple[int, ...] | None
    clocks: tuple[Clock, ...] | None
    awake: bool | None
    load_average_1min: float | None
    memory_available_bytes: int | None
    start: str | None
    unavailable: dict[str, str]

    @property
    def warmth_celsius(self) -> float | None:
        """Skin, or else battery: what cooling down is judged by."""
        return (self.celsius or {}).get("skin", self.battery_celsius)

    @property
    def throttled(self) -> str | None:
        """How the phone slows itself down, as it says or as its clock limits show; None where it shows nothing."""
        if self.thermal_status:
            return f"thermal status {self.thermal_status}"
        for clock in self.clocks or ():
            if clock.limit_mhz is not None and clock.limit_mhz < clock.max_mhz:
                return f"CPUs {_cpus(clock.cpus)} are held at {clock.limit_mhz:.0f} of {clock.max_mhz:.0f} MHz"
        return None


def read_facts(phone: Phone) -> PhoneFacts:
    """Ask a phone; raises as `Phone.shell`."""
    return parse_facts(_ask(phone, STATIC))


def read_state(phone: Phone) -> PhoneState:
    """Ask a phone; raises as `Phone.shell`."""
    return parse_state(_ask(phone, CHANGING))


def parse_facts(answers: dict[str, str]) -> PhoneFacts:
    """The facts in what the commands of `STATIC` printed; never raises."""
    properties = parse_properties(answers.get("properties", ""))
    machine, _, kernel = answers.get("machine", "").strip().partition("\n")
    files = parse_sysfs(answers.get("sysfs", ""))
    possible = cpu_list(files.get("possible"))
    features = re.search(r"^Features\s*:(.*)$", answers.get("cpuinfo", ""), re.MULTILINE)
    sdk = properties.get("ro.build.version.sdk", "")
    values = {
        "manufacturer": (properties.get("ro.product.manufacturer"), "no property ro.product.manufacturer"),
        "model": (properties.get("ro.product.model"), "no property ro.product.model"),
        "android": (properties.get("ro.build.version.release"), "no property ro.build.version.release"),
        "sdk": (int(sdk) if re.fullmatch(r"\d{1,3}", sdk) else None, "no number in ro.build.version.sdk"),
        "fingerprint": (properties.get("ro.build.fingerprint"), "no property ro.build.fingerprint"),
        "abi": (properties.get("ro.product.cpu.abi"), "no property ro.product.cpu.abi"),
        "soc": (soc_name(properties), "none of ro.soc.model, ro.board.platform, ro.hardware"),
        "kernel": (one_line(kernel, 100) or None, "no answer of uname -r"),
        "machine": (one_line(machine, 40) or None, "no answer of uname -m"),
        "cpu_features": (
            tuple(one_line(features[1], 2000).split()) if features else None,
            "no 'Features' in /proc/cpuinfo",
        ),
        "cpus": (len(possible) if possible else None, f"no list in {SYSFS}/possible"),
        "clusters": (clusters(files) or None, f"no core shows cpufreq/cpuinfo_max_freq in {SYSFS}"),
        "memory_total_bytes": (_memory_bytes(answers, "MemTotal"), "no MemTotal in /proc/meminfo"),
    }
    known = {name: value for name, (value, _) in values.items()}
    unavailable = {name: reason for name, (value, reason) in values.items() if value is None}
    emulated = _emulated(properties, machine.strip())
    return PhoneFacts(**known, emulated=emulated, unavailable=unavailable)  # type: ignore[arg-type]


def parse_state(answers: dict[str, str]) -> PhoneState:
    """The state in what the commands of `CHANGING` printed; never raises."""
    thermal, battery = parse_thermal(answers.get("thermal", "")), parse_battery(answers.get("battery", ""))
    files = parse_sysfs(answers.get("sysfs", ""))
    wakefulness = re.search(r"mWakefulness=(\w+)", answers.get("power", ""))
    load = re.match(r"\d{1,6}\.\d{1,4}\b", answers.get("load", "").strip())
    no_battery = "dumpsys battery does not say it" if answers.get("battery") else "no answer of dumpsys battery"
    start = re.match(r"[0-9a-f-]{4,40}$", answers.get("start", "").strip())
    values = {
        "thermal_status": (thermal.status, thermal.status_reason),
        "celsius": (thermal.celsius, thermal.celsius_reason),
        "battery_celsius": (battery.celsius, no_battery),
        "battery_percent": (battery.percent, no_battery),
        "battery_charging": (battery.charging, no_battery),
        "usb_powered": (battery.usb_powered, no_battery),
        "cpus_online": (cpu_list(files.get("online")), f"no list in {SYSFS}/online"),
        "clocks": (clocks(files) or None, f"no core shows cpufreq in {SYSFS}"),
        "awake": (wakefulness[1] == "Awake" if wakefulness else None, "no mWakefulness in dumpsys power"),
        "load_average_1min": (float(load[0]) if load else None, "no /proc/loadavg"),
        "memory_available_bytes": (_memory_bytes(answers, "MemAvailable"), "no MemAvailable in /proc/meminfo"),
        "start": (start[0] if start else None, "neither boot_id nor ro.boottime.init can be read"),
    }
    known = {name: value for name, (value, _) in values.items()}
    unavailable = {name: reason or "unknown" for name, (value, reason) in values.items() if value is None}
    return PhoneState(**known, unavailable=unavailable)  # type: ignore[arg-type]


def _ask(phone: Phone, commands: dict[str, str]) -> dict[str, str]:
    """What each command printed; one that fails printed nothing."""
    mark = f"part-{secrets.token_hex(8)}"
    script = "\n".join(f"echo; echo {mark} {name}; {command} 2>/dev/null" for name, command in commands.items())
    parts = re.split(rf"\n{mark} (\w+)\n", phone.shell(script).stdout)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _emulated(properties: dict[str, str], machine: str) -> str | None:
    if is_emulator(properties):
        return "Android says that it runs in an emulator"
    abi = properties.get("ro.product.cpu.abi", "")
    expected = MACHINES.get(abi)
    # A 64-bit kernel may serve 32-bit programs of its own family.
    family = {"armv": ("armv", "aarch64"), "i686": ("i686", "x86_64")}.get(expected or "", (expected or "",))
    if expected is not None and machine and not machine.startswith(family):
        return f"programs are built for {abi}, but the machine is {machine}"
    return None


def _memory_bytes(answers: dict[str, str], key: str) -> int | None:
    match = re.search(rf"^{key}:\s*(\d{{1,12}}) kB$", answers.get("meminfo", ""), re.MULTILINE)
    return None if match is None else int(match[1]) * 1024


def _cpus(cpus: tuple[int, ...]) -> str:
    return ",".join(map(str, cpus))
