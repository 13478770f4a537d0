"""What is missing for working with phones, and the next step for each problem."""

from __future__ import annotations

import dataclasses
import enum
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from portraitlite.android_harness.adb import find_adb
from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.devices import PLUG_IN, Device, list_devices
from portraitlite.android_harness.elf import check_abi, elf_abi
from portraitlite.android_harness.facts import PhoneFacts, read_facts, read_state
from portraitlite.android_harness.library_lock import check_library
from portraitlite.android_harness.run_folder import leftovers
from portraitlite.android_harness.shell import Phone
from portraitlite.runtime.errors import PortraitLiteError

__all__ = ["Finding", "Level", "Wanted", "examine"]

RUNTIMES = {"ai_edge_litert": "ai-edge-litert", "tflite_runtime": "tflite-runtime", "tensorflow": "tensorflow"}
# Instructions by which 8-bit models gain, as /proc/cpuinfo spells them.
DOT_PRODUCTS = ("asimddp", "i8mm", "avx512_vnni", "avx_vnni")
NDK_VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK")
LEAST_SPACE_BYTES = 200 << 20  # program, library, a model, and a photo of 12 megapixels with its stages


class Level(enum.StrEnum):
    """OK; NOTE: something optional is missing, or worth knowing; PROBLEM: what was asked for does not work."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the answer.

    Attributes:
        subject: what was looked at.
        level: how bad it is.
        found: what there is.
        step: what to do next; empty where nothing need be done.
    """

    subject: str
    level: Level
    found: str
    step: str = ""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What else to look at; None: not asked for.

    Attributes:
        adb, harness, library, accept_library: as for `bench`.
    """

    adb: Path | None = None
    harness: Path | None = None
    library: Path | None = None
    accept_library: str | None = None


def examine(wanted: Wanted, *, root: Path = Path("/")) -> tuple[Finding, ...]:
    """Look at everything; never raises for what it finds. `root` is where `proc` lies."""
    phones = list(_phones(wanted))
    abis = {facts.abi for _, facts in phones if facts is not None and facts.abi is not None}
    return (
        _runtime(),
        *_extras(),
        _cpu(root),
        *(finding for finding, _ in phones),
        *_build_tools(),
        *_files(wanted, abis),
    )


def _runtime() -> Finding:
    for module, distribution in RUNTIMES.items():
        if importlib.util.find_spec(module) is not None:
            return Finding(
                "TFLite runtime", Level.OK, f"{distribution} {_version(distribution) or 'of unknown version'}"
            )
    return Finding("TFLite runtime", Level.PROBLEM, "none", "pip install ai-edge-litert")


def _extras() -> Iterator[Finding]:
    """Those that the package declares, as far as their requirements hold for this Python."""
    try:
        requirements = metadata.requires("portraitlite") or []
    except metadata.PackageNotFoundError:
        yield Finding("extras", Level.NOTE, "portraitlite runs without being installed", "pip install .")
        return
    wanted: dict[str, list[str]] = {}
    for line in requirements:
        match = re.match(r"([A-Za-z0-9._-]+).*;.*extra == ['\"]([\w-]+)['\"]", line)
        if match is not None and match[1] != "portraitlite" and "python_version" not in line:
            wanted.setdefault(match[2], []).append(match[1])
    wanted.pop("all", None)
    for extra, names in sorted(wanted.items()):
        missing = [name for name in names if _version(name) is None]
        if missing:
            step = f"pip install 'portraitlite[{extra}]', if you need it"
            yield Finding(f"extra {extra}", Level.NOTE, f"without {', '.join(missing)}", step)
        else:
            yield Finding(f"extra {extra}", Level.OK, ", ".join(f"{name} {_version(name)}" for name in names))


def _cpu(root: Path) -> Finding:
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Finding("this CPU", Level.NOTE, "no /proc/cpuinfo, so its features are unknown")
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return _dot_products("this CPU", tuple(flags[1].split()) if flags else ())


def _dot_products(subject: str, features: tuple[str, ...]) -> Finding:
    present = [name for name in DOT_PRODUCTS if name in features]
    if present:
        return Finding(subject, Level.OK, f"8-bit dot products: {', '.join(present)}")
    return Finding(subject, Level.NOTE, "no 8-bit dot products", "expect less from int8 models here than on newer CPUs")


def _phones(wanted: Wanted) -> Iterator[tuple[Finding, PhoneFacts | None]]:
    try:
        adb = find_adb(wanted.adb)
        devices = list_devices(adb)
    except PortraitLiteError as error:
        level = Level.NOTE if wanted.adb is None else Level.PROBLEM
        yield Finding("adb", level, "not usable", str(error)), None
        return
    yield Finding("adb", Level.OK, f"{adb.version} ({adb.path})"), None
    if not devices:
        yield Finding("phones", Level.NOTE, "none", PLUG_IN), None
    for device in devices:
        if not device.usable:
            yield Finding(device.serial, Level.PROBLEM, device.state, device.problem), None
            continue
        try:
            yield from _phone(Phone(adb, device.serial), device)
        except DeviceError as error:
            yield Finding(device.serial, Level.PROBLEM, "does not answer", str(error)), None


def _phone(phone: Phone, device: Device) -> Iterator[tuple[Finding, PhoneFacts | None]]:
    facts, state = read_facts(phone), read_state(phone)
    found = f"{facts.name}, Android {facts.android or '?'}, {facts.abi or 'unknown ABI'}, {facts.soc or 'unknown chip'}"
    yield Finding(device.serial, Level.OK, found), facts
    if facts.emulated is not None:
        step = "use it for parity; times are left out of its records"
        yield Finding(device.serial, Level.NOTE, f"emulated: {facts.emulated}", step), None
    yield _dot_products(f"{device.serial}: CPU", facts.cpu_features or ()), None
    if state.throttled is not None:
        yield Finding(device.serial, Level.NOTE, state.throttled, "let it cool down, without its case"), None
    if state.usb_powered:
        yield (
            Finding(device.serial, Level.NOTE, "charges over the cable and gets warm", "measure with it charged"),
            None,
        )
    free = _free_bytes(phone)
    if free is not None and free < LEAST_SPACE_BYTES:
        step = f"free {LEAST_SPACE_BYTES >> 20} MB on the phone"
        yield Finding(device.serial, Level.PROBLEM, f"{free >> 20} MB free in /data", step), None
    if old := leftovers(phone):
        step = "the next bench or parity removes them"
        yield Finding(device.serial, Level.NOTE, f"{len(old)} folders of runs that died", step), None


def _free_bytes(phone: Phone) -> int | None:
    lines = phone.shell("df -k /data/local/tmp").stdout.strip().splitlines()
    fields = lines[-1].split() if len(lines) > 1 else []
    return int(fields[3]) * 1024 if len(fields) > 3 and re.fullmatch(r"\d{1,15}", fields[3]) else None


def _build_tools() -> Iterator[Finding]:
    cmake = shutil.which("cmake")
    step = "" if cmake else "install CMake 3.21 or later, if you build the native program"
    yield Finding("cmake", Level.OK if cmake else Level.NOTE, cmake or "none", step)
    ndk = next((os.environ[name] for name in NDK_VARIABLES if os.environ.get(name)), None)
    if ndk is not None and Path(ndk, "build/cmake/android.toolchain.cmake").is_file():
        yield Finding("Android NDK", Level.OK, ndk)
    else:
        step = (
            "install it with Android Studio's SDK manager, then: portraitlite harness build --ndk DIR --abi arm64-v8a"
        )
        yield Finding("Android NDK", Level.NOTE, f"none named in {', '.join(NDK_VARIABLES)}", step)


def _files(wanted: Wanted, abis: set[str]) -> Iterator[Finding]:
    if wanted.harness is not None:
        try:
            for abi in sorted(abis):
                check_abi(wanted.harness, abi, script=True)
            yield Finding("harness", Level.OK, f"{wanted.harness}: {elf_abi(wanted.harness) or 'a script'}")
        except PortraitLiteError as error:
            yield Finding("harness", Level.PROBLEM, str(wanted.harness), str(error))
    if wanted.library is not None:
        built_for = elf_abi(wanted.harness) if wanted.harness is not None and wanted.harness.is_file() else None
        try:
            library = check_library(wanted.library, abi=built_for, accept_sha256=wanted.accept_library)
            listed = "not listed, tested before use" if library.known is None else f"LiteRT {library.known.version}"
            yield Finding("LiteRT library", Level.OK, f"{wanted.library}: {library.abi}, {listed}")
        except PortraitLiteError as error:
            yield Finding("LiteRT library", Level.PROBLEM, str(wanted.library), str(error))


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
