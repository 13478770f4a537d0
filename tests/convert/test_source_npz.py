"""`.npz` of official variables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portraitlite.convert.sources import npz as npz_module
from portraitlite.convert.sources.npz import read_npz
from portraitlite.runtime.errors import InputError


def test_variables_come_back_as_float32(tmp_path: Path) -> None:
    kernel = np.arange(6, dtype=np.float64).reshape(1, 1, 2, 3)
    np.savez(tmp_path / "v.npz", **{"aspp0/weights": kernel, "aspp0/biases": np.ones(3, np.float16)})
    found = read_npz(tmp_path / "v.npz")
    assert found.keys() == {"aspp0/weights", "aspp0/biases"}
    assert all(value.dtype == np.float32 for value in found.values())
    np.testing.assert_array_equal(found["aspp0/weights"], kernel)


def test_pickles_other_types_and_damage_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, a=np.array([{"evil": 1}], dtype=object))
    with pytest.raises(InputError, match="allow_pickle"):
        read_npz(path)
    np.savez(path, a=np.arange(3))
    with pytest.raises(InputError, match="not a float array"):
        read_npz(path)
    np.savez(path)
    with pytest.raises(InputError, match="is empty"):
        read_npz(path)
    np.savez_compressed(path, a=np.random.default_rng(0).normal(size=1000))
    damaged = bytearray(path.read_bytes())
    damaged[200:400] = b"\xff" * 200
    for data in (bytes(damaged), b"no archive", b""):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_npz(path)
    with pytest.raises(InputError):
        read_npz(tmp_path / "absent.npz")


def test_bombs_are_refused_by_their_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "v.npz", a=np.zeros(100_000, np.float32))
    monkeypatch.setattr(npz_module, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="refused"):
        read_npz(tmp_path / "v.npz")
