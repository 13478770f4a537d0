"""Which LiteRT libraries may be opened, and the self-test of those that nobody tried."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from native_build import arm64_litert, host_litert, native_harness

from portraitlite.android_harness.library_lock import LOCK_FILE, Verdict, check_library, read_lock
from portraitlite.android_harness.place import LocalFolder
from portraitlite.android_harness.self_test import check_answer, run_self_test, self_test
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import CheckFailedError, InputError, MissingDependencyError


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def foreign(path: Path, machine: int = 62) -> Path:
    """An ELF header and nothing else."""
    head = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    head[18] = machine
    path.write_bytes(head)
    return path


def test_the_lock_is_in_order() -> None:
    libraries = read_lock()
    assert len({library.sha256 for library in libraries}) == len(libraries)
    assert {library.verdict for library in libraries} == {Verdict.WORKS, Verdict.FAILS}
    works = {(library.version, library.abi, library.libc) for library in libraries if library.verdict is Verdict.WORKS}
    assert {("2.3.0", "arm64-v8a", "glibc"), ("2.3.0", "x86_64", "glibc")} <= works


def test_the_installed_library_is_listed() -> None:
    import importlib.metadata

    version = importlib.metadata.version("ai-edge-litert")
    if version not in {library.version for library in read_lock()}:
        pytest.skip(f"ai-edge-litert {version} is installed, which nobody has listed yet")
    checked = check_library(host_litert())
    assert checked.known is not None
    assert (checked.known.version, checked.known.verdict) == (version, Verdict.WORKS)
    assert checked.known.size_bytes == checked.size_bytes
    assert not checked.needs_self_test
    assert checked.to_dict()["listed"] is True


def test_the_arm64_library_is_listed() -> None:
    checked = check_library(arm64_litert(), abi="arm64-v8a")
    assert checked.known is not None
    assert checked.abi == checked.known.abi == "arm64-v8a"


def test_an_unlisted_library_needs_the_users_word(tmp_path: Path) -> None:
    path = foreign(tmp_path / "libLiteRt.so")
    with pytest.raises(InputError, match=rf"no library that was tried; .* --accept-library {sha256(path)}"):
        check_library(path)
    checked = check_library(path, accept_sha256=sha256(path).upper())
    assert checked.needs_self_test
    assert checked.to_dict() == {
        "version": None,
        "abi": "x86_64",
        "libc": None,
        "size_bytes": 64,
        "sha256": sha256(path),
        "listed": False,
    }
    with pytest.raises(InputError, match="names another one"):
        check_library(path, accept_sha256="0" * 64)
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        check_library(path, accept_sha256="$(reboot)")


def test_one_that_fails_is_refused_whatever_the_user_says(tmp_path: Path) -> None:
    path = foreign(tmp_path / "libLiteRt.so")
    lock = tmp_path / "lock.toml"
    lock.write_text(
        f'{LOCK_FILE.read_text()}\n[[library]]\nversion = "1.0.0"\nabi = "x86_64"\nlibc = "glibc"\n'
        f'size_bytes = 64\nsha256 = "{sha256(path)}"\nverdict = "fails"\nreason = "it is empty"\n'
    )
    with pytest.raises(InputError, match=r"LiteRT 1\.0\.0, which does not work here: it is empty; take LiteRT 2\.3\.0"):
        check_library(path, accept_sha256=sha256(path), lock=lock)


def test_another_machines_library(tmp_path: Path) -> None:
    path = foreign(tmp_path / "libLiteRt.so", machine=183)
    with pytest.raises(MissingDependencyError, match="built for arm64-v8a, the harness for x86_64"):
        check_library(path, abi="x86_64")
    (tmp_path / "text").write_text("no library")
    for name in ("text", "none"):
        with pytest.raises(InputError):
            check_library(tmp_path / name)
    with pytest.raises(InputError):
        check_library(tmp_path)


ENTRY = f"""schema_version = 1
[[library]]
version = "1"
abi = "a"
libc = "b"
size_bytes = 1
sha256 = "{"0" * 64}"
"""


@pytest.mark.parametrize(
    "text",
    [
        "schema_version = 2",
        "no toml",
        "schema_version = 1",
        'schema_version = 1\n[[library]]\nversion = "1"',
        ENTRY + 'verdict = "maybe"',
        ENTRY + 'verdict = "fails"',  # without a reason
        ENTRY.replace("0", "g") + 'verdict = "works"',
    ],
)
def test_a_damaged_lock(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.toml").write_text(text)
    with pytest.raises(InputError, match="no list of libraries"):
        read_lock(tmp_path / "lock.toml")


def test_the_known_answer_is_the_interpreters() -> None:
    """The answer is computed by plain integers; an interpreter that shares nothing with the C API agrees."""
    test = self_test()
    runner = open_model(test.model)
    inputs = {
        info.name: np.frombuffer(test.inputs[info.name], info.dtype).reshape(info.shape) for info in runner.inputs
    }
    found = {info.name: array.tobytes() for info, array in zip(runner.outputs, runner.run(inputs), strict=True)}
    assert found == dict(test.outputs)
    assert {-128, 127} <= set(np.frombuffer(test.outputs["byte_sums"], np.int8).tolist())  # saturation is tried too


def test_a_good_library_passes() -> None:
    with LocalFolder() as place:
        run_self_test(place, place.put(native_harness(), executable=True), place.put(host_litert()))


def test_a_library_that_refuses_fails(tmp_path: Path) -> None:
    with LocalFolder() as place, pytest.raises((CheckFailedError, MissingDependencyError), match="library"):
        run_self_test(
            place, place.put(native_harness(), executable=True), place.put(foreign(tmp_path / "libLiteRt.so"))
        )


def test_a_wrong_answer_fails() -> None:
    wrong = dict(self_test().outputs)
    wrong["byte_sums"] = wrong["byte_sums"][:-1] + b"\x55"
    with pytest.raises(CheckFailedError, match="byte_sums of a tiny model"):
        check_answer(wrong)
    with pytest.raises(CheckFailedError, match="float_sums"):
        check_answer({})
