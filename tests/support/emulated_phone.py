"""An arm64 phone out of mksh, toybox and qemu in a user namespace; its cores and properties are made up.

It proves quoting, files, facts, exit codes and arm64 numbers; nothing about time, memory, GPU or Android itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fake_phone import battery_text, cpuinfo_text, make_cores, properties_text, thermal_text

__all__ = ["ARM64_LITERT", "PROGRAMS", "emulated_shell", "make_emulated_phone", "missing"]

ARM64_LITERT = "PORTRAITLITE_ARM64_LITERT"
SCRIPT = Path(__file__).with_suffix(".sh")
PROGRAMS = {
    "unshare": "util-linux",
    "qemu-aarch64-static": "qemu-user-static",
    "aarch64-linux-gnu-gcc": "g++-aarch64-linux-gnu",
    "cmake": "cmake",
    "mksh": "mksh",
    "toybox": "toybox",
}
LIMIT_S = 60


def missing(folder: Path) -> str | None:
    """Why the phone cannot be made here; None where it can. `folder` is for trying."""
    if absent := [f"{name} (Debian: {package})" for name, package in PROGRAMS.items() if shutil.which(name) is None]:
        return f"missing programs: {', '.join(absent)}"
    library = os.environ.get(ARM64_LITERT)
    if not library or not Path(library).is_file():
        return f"{ARM64_LITERT} names no libLiteRt.so of the aarch64 wheel (scripts/install-test-tools fetches it)"
    root = make_emulated_phone(folder / "trial")
    done = subprocess.run(
        emulated_shell(root)("echo ready"), capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    if done.stdout != "ready\n":
        return f"no user namespace with qemu here ({(done.stderr.strip() or f'exit code {done.returncode}')[:200]})"
    return None


def make_emulated_phone(root: Path) -> Path:
    """Lay out tools, properties, cores and an empty /data/local/tmp below `root`."""
    tools, answers = root / "system/bin", root / "answers"
    for folder in (tools, answers, root / "data/local/tmp", root / "made"):
        folder.mkdir(parents=True)
    listed = subprocess.run(["toybox"], capture_output=True, text=True, check=True, timeout=LIMIT_S)
    for name in listed.stdout.split():
        (tools / name).symlink_to("/bin/toybox")
    (tools / "sh").symlink_to("/bin/mksh")
    for name, text in {
        "getprop": properties_text(),
        "thermalservice": thermal_text(),
        "battery": battery_text(),
        "power": "  mWakefulness=Awake\n",
    }.items():
        (answers / name).write_text(text)
    for name, script in {"getprop": "cat /answers/getprop", "dumpsys": 'cat "/answers/$1"'}.items():
        (tools / name).unlink(missing_ok=True)
        (tools / name).write_text(f"#!/system/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    (root / "made/cpuinfo").write_text(cpuinfo_text())
    make_cores(root / "made/sys/devices/system/cpu")
    return root


def emulated_shell(root: Path) -> Callable[[str], list[str]]:
    """Makes the argument vector of a command."""
    return lambda command: ["sh", str(SCRIPT), str(root), command]
