"""The camera library (Java) as a program that does a step when asked: compiled once, one process per test module.

Graphs are run on this side, by the runtime's interpreter; tests/android_harness/java/Wire.java is the other end.
"""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from golden_vectors import Array

from portraitlite.runtime.backends import Runner, open_model
from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import DEFAULT_MODEL, resolve_model

__all__ = ["LIBRARY", "PROGRAM", "CameraProgram", "Refused", "compile_java", "running_camera"]

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "android_harness" / "camera" / "java"
PROGRAM = ROOT / "tests" / "android_harness" / "java"
STRICT = ("--release", "11", "-encoding", "UTF-8", "-Xlint:all", "-Werror")
NO_JAVA = "no javac or java on the PATH: install a JDK of version 11 or later (Debian: default-jdk-headless)"


class Refused(Exception):
    """The library raised IllegalArgumentException with this message."""


def compile_java(sources: Path, classes: Path, *options: str) -> None:
    """Compile a folder as strictly as it must stay.

    Raises:
        AssertionError: a warning or an error; what javac says.
    """
    javac = shutil.which("javac")
    assert javac is not None
    files = sorted(str(path) for path in sources.rglob("*.java"))
    done = subprocess.run([javac, *STRICT, *options, "-d", str(classes), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class CameraProgram:
    """Asks a running program."""

    def __init__(self, to_program: IO[bytes], from_program: IO[bytes]) -> None:
        self._to = to_program
        self._from = from_program

    def run(
        self, step: str, arrays: Mapping[str, Array] | None = None, parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Array]:
        """Do one step: see `CameraCases.java` for their names; parameters that are None are left out.

        Raises:
            Refused: the library refused the arguments.
        """
        texts = {name: _text(value) for name, value in (parameters or {}).items() if value is not None}
        self._write_text(step)
        self._to.write(struct.pack(">i", len(texts)))
        for name, text in texts.items():
            self._write_text(name)
            self._write_text(text)
        self._write_arrays(arrays or {})
        self._to.flush()
        while (kind := self._read_text()) == "graph":
            outputs = _run_graph(self._read_text(), self._read_arrays())
            self._write_arrays({"output": outputs})
            self._to.flush()
        if kind == "refused":
            raise Refused(self._read_text())
        assert kind == "fine", self._read_text()
        return self._read_arrays()

    def _write_text(self, text: str) -> None:
        content = text.encode()
        self._to.write(struct.pack(">i", len(content)) + content)

    def _write_arrays(self, arrays: Mapping[str, Array]) -> None:
        self._to.write(struct.pack(">i", len(arrays)))
        for name, array in arrays.items():
            self._write_text(name)
            self._write_text(array.dtype.name)
            self._to.write(struct.pack(f">i{array.ndim}ii", array.ndim, *array.shape, array.nbytes))
            self._to.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())

    def _read(self, size: int) -> bytes:
        content = self._from.read(size)
        assert len(content) == size, "the program ended; its own words are above"
        return content

    def _read_int(self) -> int:
        return int.from_bytes(self._read(4), "big")

    def _read_text(self) -> str:
        return self._read(self._read_int()).decode()

    def _read_arrays(self) -> dict[str, Array]:
        arrays = {}
        for _ in range(self._read_int()):
            name, dtype = self._read_text(), np.dtype(self._read_text()).newbyteorder("<")
            shape = [self._read_int() for _ in range(self._read_int())]
            arrays[name] = np.frombuffer(self._read(self._read_int()), dtype).reshape(shape)
        return arrays


@contextmanager
def running_camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProgram]:
    """The program, until the block ends; skips the test where there is no Java."""
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip(NO_JAVA)
    classes = _compiled(tmp_path_factory.getbasetemp())
    command = [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-cp", str(classes), "CameraCases"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield CameraProgram(process.stdin, process.stdout)
            process.stdin.close()
            assert process.wait(60) == 0
        finally:
            process.kill()


@functools.cache
def _compiled(folder: Path) -> Path:
    classes = folder / "camera_classes"
    compile_java(LIBRARY, classes)
    compile_java(PROGRAM, classes, "-cp", str(classes))
    return classes


def _text(value: Any) -> str:
    return ",".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


@functools.cache
def _graph(file: str) -> Runner:
    path = resolve_model(DEFAULT_MODEL) if file == DEFAULT_MODEL else bundled_folder() / file
    return open_model(path.read_bytes(), what=file)


def _run_graph(file: str, raw: Mapping[str, Array]) -> Array:
    """What LiteRT does in an app: named buffers in, the bytes of the only output out."""
    runner = _graph(file)
    inputs = {info.name: raw[info.name].view(info.dtype).reshape(info.shape) for info in runner.inputs}
    assert raw.keys() == inputs.keys()
    (output,) = runner.run(inputs)
    return np.ascontiguousarray(output).view(np.uint8).reshape(-1)
