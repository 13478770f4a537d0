from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_records import made_environment, made_record

from portraitlite.benchmarks.memory import Memory
from portraitlite.benchmarks.record import load_record, save_record
from portraitlite.runtime.errors import InputError

MEMORY = Memory(100, 1, 2, 3, None, None, {"peak_load_bytes": "hidden", "peak_run_bytes": "hidden"})
HIDDEN = made_environment(cpu_governor=None, unavailable={"cpu_governor": "hidden"})
MADE = made_record([0.1, 0.7, 0.2], name="größe.tflite", environment=HIDDEN, warnings=("busy",))
RECORD = dataclasses.replace(MADE, figures=dataclasses.replace(MADE.figures, memory=MEMORY))


def document() -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(RECORD.to_dict()))
    return copy


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_record(path, RECORD)
    assert load_record(path) == RECORD
    written = json.loads(path.read_bytes())
    assert (written["schema_version"], written["kind"]) == (3, "latency")
    assert written["model"]["name"] == "größe.tflite"
    assert written["environment"]["cpu_governor"] is None


def test_overwrites_only_with_force(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", "mine")
    with pytest.raises(InputError, match="exists"):
        save_record(path, RECORD)
    assert path.read_text() == "mine"
    save_record(path, RECORD, force=True)
    assert load_record(path) == RECORD
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        (b"\xff\xfe\x00", "cannot be used"),
        ("[1, 2]", "no portraitlite run record"),
        ('{"results": []}', "no portraitlite run record"),
        ("[" * 100_000, "cannot be used"),
        ('{"schema_version": 4}', "schema version 4; this portraitlite reads 3: update it"),
        ('{"schema_version": 2}', "schema version 2; this portraitlite reads 3: measure again"),
        ('{"schema_version": 3, "kind": "memory"}', "of kind 'memory'"),
        ('{"schema_version": 3, "kind": "latency"}', "record lacks configuration, created"),
        ("9" * 5000, "cannot be used"),
    ],
)
def test_foreign_files(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_record(write(tmp_path / "run.json", content))
    assert "\n" not in str(caught.value)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load_record(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_numbers_that_are_none(tmp_path: Path, number: str) -> None:
    text = json.dumps(document()).replace('"load_ms": 1.5', f'"load_ms": {number}')
    assert number in text
    with pytest.raises(InputError, match="cannot be used"):
        load_record(write(tmp_path / "run.json", text))


def change_runs(values: dict[str, Any]) -> None:
    values["configuration"]["runs"] = 4


def change_sign(values: dict[str, Any]) -> None:
    values["figures"]["latency_ms"][1] = -1


def no_median(values: dict[str, Any]) -> None:
    values["figures"]["statistics"]["p50_ms"] = 0


def drop_reason(values: dict[str, Any]) -> None:
    values["environment"]["unavailable"] = {}


def add_key(values: dict[str, Any]) -> None:
    values["gpu"] = "none"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_runs, "3 latencies for 4 runs"),
        (change_sign, "a negative latency"),
        (no_median, r"a median of 0\.0 ms"),
        (drop_reason, "cpu_governor"),
        (add_key, "unknown keys gpu"),
    ],
)
def test_records_that_contradict_themselves(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    values = document()
    change(values)
    with pytest.raises(InputError, match=message):
        load_record(write(tmp_path / "run.json", json.dumps(values)))


def test_a_record_with_nan_is_not_written(tmp_path: Path) -> None:
    broken = dataclasses.replace(RECORD, figures=dataclasses.replace(RECORD.figures, load_ms=float("nan")))
    with pytest.raises(ValueError, match="JSON compliant"):
        save_record(tmp_path / "run.json", broken)
    assert list(tmp_path.iterdir()) == []
