from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

import portraitlite
from portraitlite.benchmarks import environment
from portraitlite.benchmarks.environment import Environment, MachineState, read_environment, read_state

ARM = "processor\t: 0\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd asimddp i8mm\nCPU implementer\t: 0x41\n"
X86 = "processor : 0\nmodel name : Some CPU @ 2.0GHz\nflags : fpu avx2 sse2 avx\n\nprocessor : 1\nmodel name : Other\n"
MEMINFO = "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n"


@pytest.fixture
def two_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_affinity", lambda: (1, 3))


def machine(root: Path, cpuinfo: str, *, cpufreq: tuple[int, ...] = ()) -> Path:
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(cpuinfo)
    (root / "proc/meminfo").write_text(MEMINFO)
    (root / "proc/loadavg").write_text("1.25 0.5 0.1 2/99 1234\n")
    for cpu in cpufreq:
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"governor{cpu}\n")
        (folder / "scaling_cur_freq").write_text(f"{cpu}800500\n")
    return root


def read(root: Path) -> Environment:
    return read_environment(backend_version="9.9", before=read_state(root), after=read_state(root), root=root)


@pytest.mark.usefixtures("two_cpus")
def test_everything_is_exposed(tmp_path: Path) -> None:
    found = read(machine(tmp_path, X86, cpufreq=(1, 3)))
    assert found.unavailable == {}
    assert found.cpu_model == "Some CPU @ 2.0GHz"
    assert found.cpu_features == ("avx", "avx2")
    assert found.cpu_affinity == (1, 3)
    assert found.cpu_governor == ("governor1", "governor3")
    assert found.memory_total_bytes == 1000 * 1024
    assert (found.portraitlite, found.numpy) == (portraitlite.__version__, np.__version__)
    assert found.backend_version == "9.9"
    assert found.before == MachineState(1.25, (1800.5, 3800.5), 400 * 1024, {})


@pytest.mark.usefixtures("two_cpus")
def test_an_arm_machine_has_features_but_no_model_name(tmp_path: Path) -> None:
    found = read(machine(tmp_path, ARM, cpufreq=(1, 3)))
    assert found.cpu_features == ("asimd", "asimddp", "i8mm")
    assert found.cpu_model is None
    assert found.unavailable == {"cpu_model": "no 'model name' in /proc/cpuinfo"}


@pytest.mark.usefixtures("two_cpus")
def test_a_governor_that_only_some_cpus_show_is_not_guessed(tmp_path: Path) -> None:
    found = read(machine(tmp_path, X86, cpufreq=(1,)))
    assert found.cpu_governor is None
    assert found.before.cpu_mhz is None
    assert found.unavailable.keys() == {"cpu_governor"}
    assert found.before.unavailable.keys() == {"cpu_mhz"}


def test_a_machine_that_tells_nothing_gives_reasons(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert {"cpu_model", "cpu_features", "cpu_governor", "memory_total_bytes"} <= found.unavailable.keys()
    assert found.before.unavailable.keys() == {"load_average_1min", "cpu_mhz", "memory_available_bytes"}
    assert all(found.unavailable.values())


def test_null_without_reason_and_reason_without_null_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cpu_mhz"):
        MachineState(1.0, None, 5, {})
    found = read(tmp_path)
    with pytest.raises(ValueError, match="os"):
        dataclasses.replace(found, unavailable={**found.unavailable, "os": "secret"})


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="not a Linux machine")
def test_this_machine() -> None:
    state = read_state()
    found = read_environment(backend_version="1", before=state, after=state)
    assert found.cpu_count == os.cpu_count()
    assert found.memory_total_bytes is not None
    assert state.memory_available_bytes is not None
    assert 0 < state.memory_available_bytes <= found.memory_total_bytes
