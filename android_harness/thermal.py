"""`dumpsys thermalservice`: is the phone slowing itself down, and how warm is it?"""

from __future__ import annotations

import dataclasses
import math
import re

__all__ = ["Thermal", "parse_thermal"]

CURRENT = "Current temperatures from HAL:"
TEMPERATURE = re.compile(r"\s+Temperature\{mValue=([^,}]{1,32}), mType=(-?\d{1,3}), mName=([^,}]{1,80})[,}]")
KINDS = {0: "cpu", 1: "gpu", 2: "battery", 3: "skin", 4: "usb_port", 5: "power_amplifier", 9: "npu"}
NAMES = {kind.upper(): kind for kind in KINDS.values()}
INVALID_CELSIUS = (0.0, -99.9)  # what phones say for a sensor that gives nothing
COLDEST_CELSIUS, HOTTEST_CELSIUS = -40.0, 150.0


@dataclasses.dataclass(frozen=True)
class Thermal:
    """What the phone says of its heat at this moment.

    Attributes:
        status: 0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown; None is unknown. With 0
            the governor may still cap clocks.
        celsius: the hottest sensor of each kind: `skin`, `cpu`, `gpu`, `npu`, `battery`, `usb_port`,
            `power_amplifier`; None is unknown.
        status_reason, celsius_reason: why either is unknown.
    """

    status: int | None
    celsius: dict[str, float] | None
    status_reason: str | None
    celsius_reason: str | None


def parse_thermal(text: str) -> Thermal:
    """Read what the phone printed; never raises.

    Only the section `Current temperatures from HAL` counts: cached ones are stale by minutes, thresholds and cooling
    devices are no temperatures.
    """
    match = re.search(r"^Thermal Status: (\d)$", text, re.MULTILINE)
    status = int(match[1]) if match is not None and int(match[1]) <= 6 else None
    silent = "no answer of dumpsys thermalservice, which exists since Android 10" if not text.strip() else None
    status_reason = None if status is not None else silent or "dumpsys thermalservice states no status"
    if re.search(r"^HAL Ready: false$", text, re.MULTILINE):
        return Thermal(status, None, status_reason, "the phone's thermal HAL is not ready")
    celsius: dict[str, float] = {}
    inside = False
    for line in text.splitlines():
        if not line.startswith((" ", "\t")):
            inside = line.strip() == CURRENT
        found = TEMPERATURE.match(line) if inside else None
        if found is None:
            continue
        kind, value = _kind(int(found[2]), found[3]), _celsius(found[1])
        if kind is not None and value is not None:
            celsius[kind] = max(value, celsius.get(kind, value))
    reason = None if celsius else silent or "dumpsys thermalservice has no current temperature"
    return Thermal(status, celsius or None, status_reason, reason)


def _kind(number: int, name: str) -> str | None:
    """Of a sensor. Some makers number kinds one higher; where the name states one kind, it is believed."""
    upper = name.upper()
    if "BCL" in upper:  # volts, amperes and percent of the battery's current limiter
        return None
    named = {kind for word, kind in NAMES.items() if re.search(rf"(?<![A-Z]){word}(?![A-Z])", upper)}
    return named.pop() if len(named) == 1 else KINDS.get(number)


def _celsius(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    known = math.isfinite(value) and value not in INVALID_CELSIUS
    return value if known and COLDEST_CELSIUS <= value <= HOTTEST_CELSIUS else None
