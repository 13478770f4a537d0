"""The native harness, built once per test process, and what a run of it needs."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from native_steps import Document, parse_document

from portraitlite.android_harness.build import Target, build_harness
from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["ARM64_VARIABLE", "arm64_litert", "host_litert", "native_harness", "run_native"]

ARM64_VARIABLE = "PORTRAITLITE_ARM64_LITERT"
# LiteRT is built without sanitizers. Its allocations at load time live until the process ends, and what it frees by
# `free` in options comes from our `calloc`; neither is reported, so no suppression is needed.
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


@functools.cache
def native_harness(target: Target = Target.HOST) -> Path:
    """Skips the test where CMake or a compiler is missing; fails where the build does."""
    folder = Path(tempfile.mkdtemp(prefix="portraitlite-native-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        return build_harness(folder, target).path
    except MissingDependencyError as error:
        pytest.skip(str(error))


def host_litert() -> Path:
    """The library of the installed `ai-edge-litert`; skips where there is none."""
    spec = importlib.util.find_spec("ai_edge_litert")
    library = Path(spec.origin).parent / "libLiteRt.so" if spec and spec.origin else None
    if library is None or not library.is_file():
        pytest.skip("ai-edge-litert is not installed, or brings no libLiteRt.so")
    return library


def arm64_litert() -> Path:
    """The library for arm64 Linux; skips where nobody named one."""
    named = os.environ.get(ARM64_VARIABLE)
    if not named:
        pytest.skip(f"no arm64 libLiteRt.so: run scripts/install-test-tools, or name one in {ARM64_VARIABLE}")
    return Path(named)


def run_native(
    program: Path, mode: str, *options: str | Path, code: int = 0, environment: Mapping[str, str] | None = None
) -> Document:
    """Run it and expect an exit code; what it says."""
    merged = {**os.environ, **SANITIZER_OPTIONS, **(environment or {})}
    command = [str(program), mode, *map(str, options)]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=300, env=merged, check=False)
    text = done.stdout.decode()
    assert done.returncode == code, text[-1000:] + done.stderr.decode(errors="replace")[-3000:]
    return parse_document(text)
