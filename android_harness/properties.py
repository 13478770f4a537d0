"""`getprop`: what the phone calls itself. Serial numbers are among the properties; only those of `WANTED` are kept."""

from __future__ import annotations

import re

from portraitlite.android_harness.bounded import one_line

__all__ = ["WANTED", "is_emulator", "parse_properties", "soc_name"]

WANTED = (
    *("ro.product.manufacturer", "ro.product.model", "ro.product.cpu.abi", "ro.build.version.release"),
    *("ro.build.version.sdk", "ro.build.fingerprint", "ro.soc.manufacturer", "ro.soc.model", "ro.board.platform"),
    *("ro.hardware", "ro.kernel.qemu", "ro.boot.qemu"),
)
EMULATOR_HARDWARE = ("goldfish", "ranchu", "cutf_cvm", "vsoc")
MAX_LENGTH = 200


def parse_properties(text: str) -> dict[str, str]:
    """The properties of `WANTED` that are there and not empty. Values may hold brackets and span lines."""
    pairs = re.findall(r"^\[([^\]\n]+)\]: \[(.*?)\]\r?$(?=\r?\n\[|\s*\Z)", text, re.MULTILINE | re.DOTALL)
    return {key: one_line(value, MAX_LENGTH) for key, value in pairs if key in WANTED and value.strip()}


def soc_name(properties: dict[str, str]) -> str | None:
    """The chip: exact from Android 12 on, else the board's platform or hardware name; None is unknown."""
    model = properties.get("ro.soc.model")
    if model is not None:
        return f"{properties.get('ro.soc.manufacturer', '')} {model}".strip()
    return properties.get("ro.board.platform") or properties.get("ro.hardware")


def is_emulator(properties: dict[str, str]) -> bool:
    """Whether Android itself says that it runs in an emulator."""
    flagged = "1" in (properties.get("ro.kernel.qemu"), properties.get("ro.boot.qemu"))
    return flagged or properties.get("ro.hardware", "").startswith(EMULATOR_HARDWARE)
