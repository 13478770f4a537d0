"""Builds the native harness with CMake: for a phone with the NDK, or for Linux. The package brings the C sources."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from portraitlite.android_harness.elf import elf_abi
from portraitlite.runtime.errors import InputError, MissingDependencyError, PortraitLiteError
from portraitlite.runtime.save import write_atomically

__all__ = ["PROGRAM", "SOURCES", "BuiltHarness", "Target", "build_harness"]

PROGRAM = "portraitlite_harness"
SOURCES = Path(__file__).parent / "native"
LOG = "build.log"
LIMIT_S = 600.0
TOOLCHAIN = Path("build") / "cmake" / "android.toolchain.cmake"  # in the NDK


class Target(enum.StrEnum):
    """What to build for; the values are CMake's presets.

    The first three are Android's ABIs and need the NDK, the others are for Linux: this machine, the same with
    AddressSanitizer and UndefinedBehaviorSanitizer, and arm64 with Debian's cross compiler.
    """

    ARM64_V8A = "arm64-v8a"
    ARMEABI_V7A = "armeabi-v7a"
    X86_64 = "x86_64"
    HOST = "host"
    HOST_ASAN = "host-asan"
    AARCH64_LINUX_GNU = "aarch64-linux-gnu"

    @property
    def needs_ndk(self) -> bool:
        return self in (Target.ARM64_V8A, Target.ARMEABI_V7A, Target.X86_64)


@dataclasses.dataclass(frozen=True)
class BuiltHarness:
    """A program that was built.

    Attributes:
        path: of the file.
        target: what it was built for.
        abi: from its ELF header, Android's name.
        size_bytes, sha256: of the file.
    """

    path: Path
    target: Target
    abi: str | None
    size_bytes: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "path": str(self.path), "target": str(self.target)}


def build_harness(folder: Path, target: Target, *, ndk: Path | None = None, force: bool = False) -> BuiltHarness:
    """Compile and put the program into a folder, which is made if need be.

    Args:
        folder: gets `portraitlite_harness`; `build.log` too where the build fails.
        target: what to build for.
        ndk: folder of Android's NDK, for Android targets only.
        force: overwrite a program that is there.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.android_harness.build import Target, build_harness
        >>> build_harness(Path("build"), Target.ARM64_V8A, ndk=Path("~/Android/Sdk/ndk/27.2.12479018").expanduser())

    Raises:
        InputError: no NDK where one is needed, or the output exists.
        MissingDependencyError: CMake or the compiler is missing.
        PortraitLiteError: the build fails.
    """
    cmake = shutil.which("cmake")
    if cmake is None:
        raise MissingDependencyError(
            "cmake is missing; install it (apt install cmake ninja-build, or pip install cmake ninja)"
        )
    environment = {**os.environ, "LC_ALL": "C"}
    if target.needs_ndk:
        environment["ANDROID_NDK"] = str(_checked_ndk(ndk, target))
    elif ndk is not None:
        raise InputError(f"--ndk is for Android; {target} is built with the compilers of this machine: leave it out")
    compiler = _compiler(target)
    if compiler is not None and shutil.which(compiler) is None:
        raise MissingDependencyError(f"{compiler} is missing; install it (apt install {_package(compiler)})")
    if (folder / PROGRAM).exists() and not force:
        raise InputError(f"{folder / PROGRAM} exists already: choose another folder or overwrite it with --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made ({error.strerror}): choose another place") from error
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as name:
        steps = (
            [cmake, "-S", str(SOURCES), "-B", name, f"--preset={target}"],
            [cmake, "--build", name, "--parallel", str(os.cpu_count() or 1)],
        )
        if shutil.which("ninja"):
            steps[0].extend(["-G", "Ninja"])
        for step in steps:
            _run(step, environment, folder)
        program = Path(name, PROGRAM).read_bytes()
    write_atomically(folder / PROGRAM, program, force=force)
    (folder / PROGRAM).chmod(0o755)
    digest = hashlib.sha256(program).hexdigest()
    return BuiltHarness(folder / PROGRAM, target, elf_abi(folder / PROGRAM), len(program), digest)


def _checked_ndk(ndk: Path | None, target: Target) -> Path:
    if ndk is None:
        raise InputError(
            f"{target} needs Android's NDK: give its folder with --ndk, for instance ~/Android/Sdk/ndk/VERSION"
        )
    if not (ndk / TOOLCHAIN).is_file():
        raise InputError(
            f"{ndk} is no NDK: it has no {TOOLCHAIN}; give the folder of one version, such as .../ndk/27.2.12479018"
        )
    return ndk.absolute()


def _compiler(target: Target) -> str | None:
    """The program that the build calls; None where CMake looks for one itself."""
    if target is Target.AARCH64_LINUX_GNU:
        return "aarch64-linux-gnu-gcc"
    if target in (Target.HOST, Target.HOST_ASAN) and not os.environ.get("CC"):
        return next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), "gcc")
    return None


def _package(compiler: str) -> str:
    return "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" if compiler.startswith("aarch64") else "gcc libc6-dev"


def _run(step: list[str], environment: dict[str, str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            step, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PortraitLiteError(f"the build of the harness takes more than {LIMIT_S:.0f} s; try again") from error
    if done.returncode == 0:
        return
    text = (done.stdout + done.stderr).decode(errors="replace")
    write_atomically(folder / LOG, text.encode(), force=True)
    lines = [line.strip() for line in text.splitlines()]
    first = next(
        (line for line in lines if "error:" in line or "CMake Error" in line), lines[-1] if lines else "no message"
    )
    raise PortraitLiteError(f"the harness cannot be built ({first[:200]}); see {folder / LOG}")
