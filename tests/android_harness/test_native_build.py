"""Building the native harness, from the checkout and from the wheel, and the verb `harness`."""

from __future__ import annotations

import json
import shutil
import stat
import sys
import zipfile
from pathlib import Path

import pytest
from native_build import host_litert, native_harness, run_native
from typer.testing import CliRunner

from portraitlite.android_harness import build
from portraitlite.android_harness.build import PROGRAM, SOURCES, Target, build_harness
from portraitlite.android_harness.elf import elf_abi
from portraitlite.cli import app
from portraitlite.runtime.errors import InputError, MissingDependencyError, PortraitLiteError

ROOT = Path(__file__).resolve().parents[2]


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def test_sources_are_in_the_wheel(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    names = set(zipfile.ZipFile(wheel).namelist())
    here = {path.name for path in SOURCES.iterdir() if path.is_file()}
    assert {"main.c", "CMakeLists.txt", "CMakePresets.json"} <= here
    assert {f"portraitlite/android_harness/native/{name}" for name in here} <= names
    assert "portraitlite/android_harness/runtime-lock.toml" in names


def test_a_build_from_the_wheel_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unpacked wheel cannot be written: everything is built elsewhere."""
    needs("cmake", "cc")
    sources = tmp_path / "site" / "native"
    shutil.copytree(SOURCES, sources)
    for path in (*sources.iterdir(), sources):
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.setattr(build, "SOURCES", sources)
    try:
        built = build_harness(tmp_path / "out", Target.HOST)
        before = {path.name for path in SOURCES.iterdir()}
        assert {path.name for path in sources.iterdir()} == before
    finally:
        sources.chmod(0o755)
    assert built.path.stat().st_mode & stat.S_IXUSR
    assert built.abi == elf_abi(Path(sys.executable).resolve())
    assert run_native(built.path, "info")["program"]["version"] == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {PROGRAM}


def test_the_arm64_build(tmp_path: Path) -> None:
    needs("cmake", "aarch64-linux-gnu-gcc")
    assert elf_abi(native_harness(Target.AARCH64_LINUX_GNU)) == "arm64-v8a"


def test_pages_of_16_kib() -> None:
    """Android 15 has phones that load nothing else; the smallest alignment of a loadable segment tells."""
    content = native_harness().read_bytes()
    assert content[4] == 2
    at, size, count = (int.from_bytes(content[i : i + n], "little") for i, n in ((32, 8), (54, 2), (56, 2)))
    headers = [content[at + n * size : at + (n + 1) * size] for n in range(count)]
    loadable = [int.from_bytes(head[48:56], "little") for head in headers if int.from_bytes(head[:4], "little") == 1]
    assert loadable
    assert min(loadable) >= 16384


def test_every_target_is_a_preset() -> None:
    presets = json.loads((SOURCES / "CMakePresets.json").read_text())["configurePresets"]
    assert {preset["name"] for preset in presets if not preset.get("hidden")} == set(Target)


@pytest.fixture
def made_up_ndk(tmp_path: Path) -> Path:
    """A toolchain file that answers as the NDK's does, with the cross compiler of arm64 Linux."""
    needs("cmake", "aarch64-linux-gnu-gcc")
    path = tmp_path / "ndk" / "build" / "cmake" / "android.toolchain.cmake"
    path.parent.mkdir(parents=True)
    path.write_text(
        "set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR aarch64)\n"
        "set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)\n"
        'file(APPEND "$ENV{ASKED}" "${ANDROID_ABI} ${ANDROID_PLATFORM}\\n")\n'
    )
    return tmp_path / "ndk"


def test_the_ndk_is_asked_for_abi_and_platform(
    made_up_ndk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    built = build_harness(tmp_path / "out", Target.ARM64_V8A, ndk=made_up_ndk)
    assert built.abi == "arm64-v8a"
    assert set((tmp_path / "asked").read_text().split("\n")) >= {"arm64-v8a 29"}


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="needs Android's NDK"):
        build_harness(out, Target.ARM64_V8A)
    with pytest.raises(InputError, match=r"no NDK: it has no build/cmake/android\.toolchain\.cmake"):
        build_harness(out, Target.X86_64, ndk=tmp_path)
    with pytest.raises(InputError, match="--ndk is for Android"):
        build_harness(out, Target.HOST, ndk=tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="cmake is missing; install it"):
        build_harness(out, Target.HOST)
    (tmp_path / "cmake").write_text("#!/bin/sh\n")
    (tmp_path / "cmake").chmod(0o755)
    with pytest.raises(MissingDependencyError, match="aarch64-linux-gnu-gcc is missing"):
        build_harness(out, Target.AARCH64_LINUX_GNU)
    assert not out.exists()


def test_a_build_that_fails_leaves_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("cmake", "cc")
    sources = tmp_path / "native"
    shutil.copytree(SOURCES, sources)
    with (sources / "main.c").open("a") as stream:
        stream.write(
            "int unused_parameter(int x);\nint unused_parameter(int x) { return 0; }\n"
        )  # a warning is an error
    monkeypatch.setattr(build, "SOURCES", sources)
    with pytest.raises(
        PortraitLiteError, match=r"cannot be built \(.*unused parameter.*\); see .*build\.log"
    ) as caught:
        build_harness(tmp_path / "out", Target.HOST)
    assert "\n" not in str(caught.value)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"build.log"}


def test_the_verb(tmp_path: Path) -> None:
    needs("cmake", "cc")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / PROGRAM).write_text("mine")
    command = ["harness", "build", "--host", "-o", str(tmp_path / "b"), "--json"]
    run = CliRunner().invoke(app, command)
    assert isinstance(run.exception, InputError)
    assert (tmp_path / "b" / PROGRAM).read_text() == "mine"
    run = CliRunner().invoke(app, [*command, "--force"])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["size_bytes"] == (tmp_path / "b" / PROGRAM).stat().st_size
    arguments = [
        "harness",
        "info",
        "--litert",
        str(host_litert()),
        "--harness",
        str(tmp_path / "b" / PROGRAM),
        "--json",
    ]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0
    assert json.loads(run.stdout)["self_test"] == "passed"
    run = CliRunner().invoke(app, ["harness", "info", "--json"])
    assert "2.3.0" in {row["version"] for row in json.loads(run.stdout)["libraries"]}


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "-o", "x"],
        ["build", "-o", "x", "--host", "--abi", "x86_64"],
        ["build", "-o", "x", "--abi", "mips", "--ndk", "."],
        ["build", "-o", "x", "--toolchain", "$(reboot)"],
        ["info", "--accept-library", "0" * 64],
        ["info", "--litert", "/does/not/exist.so"],
    ],
)
def test_the_verb_refuses(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(app, ["harness", *arguments])
    assert isinstance(run.exception, InputError)
    assert not list(tmp_path.iterdir())
