"""`dumpsys battery`: charge, temperature, and whether the cable charges (and warms) the phone."""

from __future__ import annotations

import dataclasses
import re

__all__ = ["Battery", "parse_battery"]

CHARGING, FULL = 2, 5


@dataclasses.dataclass(frozen=True)
class Battery:
    """None is unknown.

    Attributes:
        celsius: its temperature.
        percent: how full.
        charging: whether it charges.
        usb_powered: whether power comes over the cable.
    """

    celsius: float | None
    percent: float | None
    charging: bool | None
    usb_powered: bool | None


def parse_battery(text: str) -> Battery:
    """Read what the phone printed; never raises. Makers add look-alike lines, so whole lines must fit."""

    def number(name: str) -> int | None:
        match = re.search(rf"^[ \t]+{name}: (-?\d{{1,6}})[ \t\r]*$", text, re.MULTILINE)
        return None if match is None else int(match[1])

    tenths, level, scale, status = number("temperature"), number("level"), number("scale"), number("status")
    usb = re.search(r"^[ \t]+USB powered: (true|false)[ \t\r]*$", text, re.MULTILINE)
    percent = 100 * level / scale if level is not None and scale else None
    return Battery(
        celsius=None if tenths is None or not -400 <= tenths <= 1500 else tenths / 10,
        percent=percent if percent is not None and 0 <= percent <= 100 else None,
        charging=None if status is None else status in (CHARGING, FULL),
        usb_powered=None if usb is None else usb[1] == "true",
    )
