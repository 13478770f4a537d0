"""For which machines a program or library was built: refused here, before it is sent and fails there."""

from __future__ import annotations

from pathlib import Path

from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["MACHINES", "check_abi", "elf_abi"]

# (64 bit, e_machine) of the ELF header -> Android's name
MACHINES = {(True, 183): "arm64-v8a", (False, 40): "armeabi-v7a", (True, 62): "x86_64", (False, 3): "x86"}
RUNS_ALSO = {"arm64-v8a": ("armeabi-v7a",), "x86_64": ("x86",)}  # on most phones


def elf_abi(path: Path) -> str | None:
    """Android's name of the ABI of an ELF file; None where it is none, or for another machine.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(20)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a file") from error
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return None
    return MACHINES.get((head[4] == 2, int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")))


def check_abi(path: Path, abi: str, *, script: bool = False) -> None:
    """Refuse a file that a phone cannot load.

    Args:
        path: of the program or library.
        abi: of the phone.
        script: whether a shell script (it begins with `#!`) will do as well, as a wrapper.

    Raises:
        InputError: it cannot be read, or is no program.
        MissingDependencyError: it is for another machine.
    """
    found = elf_abi(path)
    if found is None:
        if script and path.read_bytes()[:2] == b"#!":
            return
        raise InputError(f"{path} is no ELF file for a phone; give one that was built for {abi}")
    if found != abi and found not in RUNS_ALSO.get(abi, ()):
        raise MissingDependencyError(f"{path.name} is built for {found}, the phone runs {abi}; give one for {abi}")
