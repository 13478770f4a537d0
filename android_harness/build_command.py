"""The verb `harness`: build the native program, and what is known about LiteRT libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.console import print_json, say
from portraitlite.runtime.errors import InputError

__all__ = ["build", "info", "register"]

ANDROID_ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
TOOLCHAINS = ("aarch64-linux-gnu",)


def build(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the program; made if need be.")],
    abi: Annotated[str | None, typer.Option("--abi", help=f"Build for Android: {', '.join(ANDROID_ABIS)}.")] = None,
    ndk: Annotated[Path | None, typer.Option("--ndk", help="Folder of Android's NDK, for --abi.")] = None,
    host: Annotated[bool, typer.Option("--host", help="Build for this machine.")] = False,
    toolchain: Annotated[
        str | None, typer.Option("--toolchain", help=f"Build for Linux with a cross compiler: {', '.join(TOOLCHAINS)}.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a program that is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what was built on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices.")] = False,
) -> None:
    """Build the program that runs models on a phone. Needs CMake and, for Android, the NDK."""
    from portraitlite.android_harness.build import Target, build_harness

    if sum((abi is not None, host, toolchain is not None)) != 1:
        raise InputError("give one of --abi (with --ndk), --host and --toolchain")
    if abi is not None and abi not in ANDROID_ABIS:
        raise InputError(f"--abi {abi} is no ABI of Android's; give one of {', '.join(ANDROID_ABIS)}")
    if toolchain is not None and toolchain not in TOOLCHAINS:
        raise InputError(f"--toolchain {toolchain} is not known; give {', '.join(TOOLCHAINS)}")
    built = build_harness(output, Target(abi or toolchain or "host"), ndk=ndk, force=force)
    if json:
        print_json(built.to_dict())
    say(f"{built.path}: {built.abi}, {built.size_bytes} bytes, sha256 {built.sha256}", quiet=quiet)


def info(
    litert: Annotated[Path | None, typer.Option("--litert", help="A libLiteRt.so to look up.")] = None,
    harness: Annotated[
        Path | None,
        typer.Option("--harness", help="A host build of the program: --litert must pass the self-test with it."),
    ] = None,
    accept_library: Annotated[
        str | None, typer.Option("--accept-library", metavar="SHA256", help="Vouch for a library that is not listed.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it on stdout as JSON.")] = False,
) -> None:
    """The LiteRT libraries that are known to work, or what is known about one."""
    from portraitlite.android_harness.library_lock import check_library

    if litert is None:
        if harness is not None or accept_library is not None:
            raise InputError("--harness and --accept-library need --litert: name the library")
        _print_lock(json=json)
        return
    from portraitlite.android_harness.elf import elf_abi

    abi = None if harness is None else elf_abi(harness)
    checked = check_library(litert, abi=abi, accept_sha256=accept_library)
    document = checked.to_dict()
    if harness is not None:
        from portraitlite.android_harness.place import LocalFolder
        from portraitlite.android_harness.self_test import run_self_test

        with LocalFolder() as place:
            run_self_test(place, place.put(harness, executable=True), place.put(litert))
        document["self_test"] = "passed"
    if json:
        print_json(document)
        return
    known = f"LiteRT {checked.known.version}, {checked.known.libc}" if checked.known else "not listed, accepted"
    tested = ", self-test passed" if harness is not None else ""
    print(f"{litert}: {known}, {checked.abi}, sha256 {checked.sha256}{tested}")


def _print_lock(*, json: bool) -> None:
    import dataclasses

    from portraitlite.android_harness.library_lock import read_lock

    libraries = read_lock()
    if json:
        print_json({"libraries": [dataclasses.asdict(library) for library in libraries]})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(caption="Others need --accept-library SHA256 and must pass the self-test.")
    for name in ("LiteRT", "ABI", "libc", "", "sha256"):
        table.add_column(name, overflow="fold")
    for library in libraries:
        verdict = library.verdict if not library.reason else f"{library.verdict}: {library.reason}"
        table.add_row(library.version, library.abi, library.libc, verdict, library.sha256)
    Console(markup=False).print(table)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    harness = typer.Typer(name="harness", help="The program that runs models on a phone.", no_args_is_help=True)
    harness.command("build")(build)
    harness.command("info")(info)
    app.add_typer(harness)
