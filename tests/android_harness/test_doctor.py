"""Each problem is found and has a next step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_device import Auth, FakeDevice
from fake_phone import fake_library, thermal_text
from private_adb import connect, disconnect
from typer.testing import CliRunner

from portraitlite.android_harness import doctor
from portraitlite.android_harness.adb import ADB_VARIABLE, AdbProgram
from portraitlite.android_harness.doctor import Finding, Level, Wanted, examine
from portraitlite.android_harness.shell import Phone
from portraitlite.cli import app


def named(findings: tuple[Finding, ...], subject: str) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject]


def test_what_is_not_fine_has_a_next_step(phone: Phone) -> None:
    findings = examine(Wanted())
    assert not [one for one in findings if one.level is Level.PROBLEM]
    assert all(one.step for one in findings if one.level is Level.PROBLEM)
    (first, *_) = named(findings, phone.serial)
    assert first.found == "Acme Anvil [2], Android 14, arm64-v8a, Acme AC100"
    assert named(findings, f"{phone.serial}: CPU")[0].found == "8-bit dot products: asimddp"
    assert named(findings, "adb")[0].found.startswith(phone.adb.version)


def test_no_adb_is_a_note_unless_it_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ADB_VARIABLE, str(tmp_path / "absent"))
    (note,) = named(examine(Wanted()), "adb")
    assert note.level is Level.NOTE
    assert "apt-get install adb" in note.step
    (problem,) = named(examine(Wanted(adb=tmp_path / "absent")), "adb")
    assert problem.level is Level.PROBLEM


def test_an_unauthorised_phone_is_a_problem(adb: AdbProgram, device: FakeDevice) -> None:
    device.auth = Auth.NEVER
    connect(adb.path, device.serial)
    (found,) = named(examine(Wanted()), device.serial)
    assert found.level is Level.PROBLEM
    assert "unlock the phone" in found.step
    disconnect(adb.path, device.serial)


def test_a_hot_full_phone_with_leftovers(phone: Phone, device: FakeDevice, tmp_path: Path) -> None:
    (device.root / "answers/thermalservice").write_text(thermal_text(status=3))
    left = device.root / "data/local/tmp/portraitlite/run-00000000-1-0123456789ab"
    left.mkdir(parents=True)
    import os

    os.utime(left, (0, 0))
    df = device.root / "tools/df"
    df.write_text(
        "#!/bin/sh\necho 'Filesystem 1K-blocks Used Available Use% Mounted on'\necho '/dev/x 9 9 1024 99% /data'\n"
    )
    df.chmod(0o755)
    found = {one.found: one.level for one in named(examine(Wanted()), phone.serial)}
    assert found["thermal status 3"] is Level.NOTE
    assert found["1 MB free in /data"] is Level.PROBLEM
    assert found["1 folders of runs that died"] is Level.NOTE


def test_a_program_and_a_library_for_other_machines(phone: Phone, tmp_path: Path) -> None:
    harness, library = fake_library(tmp_path / "harness", machine=62), fake_library(tmp_path / "lib.so")
    findings = examine(Wanted(harness=harness, library=library))
    assert "built for x86_64" in named(findings, "harness")[0].step
    assert "built for arm64-v8a" in named(findings, "LiteRT library")[0].step
    missing = examine(Wanted(harness=tmp_path / "absent", library=tmp_path / "absent"))
    assert named(missing, "harness")[0].level is named(missing, "LiteRT library")[0].level is Level.PROBLEM


def test_a_cpu_without_dot_products(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADB_VARIABLE, str(tmp_path / "absent"))
    (tmp_path / "proc").mkdir()
    for flags, level in (("flags\t: sse2 avx2", Level.NOTE), ("Features\t: asimd i8mm", Level.OK)):
        (tmp_path / "proc/cpuinfo").write_text(f"{flags}\n")
        assert named(examine(Wanted(), root=tmp_path), "this CPU")[0].level is level


def test_without_a_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ADB_VARIABLE, str(tmp_path / "absent"))
    monkeypatch.setattr(doctor, "RUNTIMES", {"no_such_module": "none"})
    (found,) = named(examine(Wanted()), "TFLite runtime")
    assert (found.level, found.step) == (Level.PROBLEM, "pip install ai-edge-litert")


def test_extras_come_from_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ADB_VARIABLE, str(tmp_path / "absent"))
    lines = ["numpy>=1", "pillow>=1 ; extra == 'good'", "no-such-thing>=2; extra == 'bad'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: lines)
    findings = examine(Wanted())
    assert named(findings, "extra good")[0].level is Level.OK
    assert named(findings, "extra bad")[0].step == "pip install 'portraitlite[bad]', if you need it"


def test_the_verb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ADB_VARIABLE, str(tmp_path / "absent"))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["problems"] == 0
    failed = CliRunner().invoke(app, ["doctor", "--litert", str(tmp_path / "absent"), "--quiet"])
    assert getattr(failed.exception, "exit_code", None) == 3
    assert failed.stdout.startswith("problem  LiteRT library")
