"""What the camera library promises as a whole: strict Java 11, documented, without Android, and in the wheel."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from camera_program import LIBRARY, NO_JAVA, ROOT, compile_java

SOURCES = sorted(LIBRARY.rglob("*.java"))


def test_it_compiles_without_a_warning_and_is_documented(tmp_path: Path) -> None:
    if shutil.which("javac") is None:
        pytest.skip(NO_JAVA)
    compile_java(LIBRARY, tmp_path, "-Xdoclint:all/protected")


def test_a_warning_would_be_noticed(tmp_path: Path) -> None:
    if shutil.which("javac") is None:
        pytest.skip(NO_JAVA)
    (tmp_path / "Bad.java").write_text("class Bad { java.util.List raw; }\n")
    with pytest.raises(AssertionError, match="rawtypes"):
        compile_java(tmp_path, tmp_path / "classes")


def test_it_needs_nothing_but_java_itself() -> None:
    assert len(SOURCES) > 20
    for path in SOURCES:
        text = path.read_text("utf-8")
        assert set(re.findall(r"^import (?:static )?(\w+\.\w+)", text, re.M)) <= {"java.util", "java.nio"}, path.name
        assert "package io.github.portraitlite.camera;" in text, path.name


def test_files_stay_small() -> None:
    long = {path.name: lines for path in SOURCES if (lines := len(path.read_text("utf-8").splitlines())) > 300}
    wide = [
        f"{path.name}: {line}" for path in SOURCES for line in path.read_text("utf-8").splitlines() if len(line) > 120
    ]
    assert not long
    assert not wide


def test_the_wheel_brings_it(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"portraitlite/{path.relative_to(ROOT)}" for path in SOURCES} <= names
    assert not [name for name in names if name.endswith(".class")]
