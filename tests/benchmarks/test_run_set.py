from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_records import made_record

from portraitlite.benchmarks.record import load_record, save_record
from portraitlite.benchmarks.run_set import RunSet, compare_turns, load_run, save_run
from portraitlite.runtime.errors import InputError

RECORDS = (made_record([10, 20, 30]), made_record([15, 40, 45], name="b.tflite"), made_record([9, 18, 27], threads=2))
RUN = RunSet(RECORDS, compare_turns(RECORDS))


def test_ratios_are_of_pairs_and_against_the_first() -> None:
    assert [turn.record for turn in RUN.turns] == [1, 2]
    assert RUN.turns[0].interval.ratio == 1.5  # of 1.5, 2 and 1.5; the ratio of the medians would be 2
    assert RUN.turns[1].interval.ratio == pytest.approx(0.9)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_run(path, RUN)
    assert load_run(path) == RUN
    written = json.loads(path.read_text())
    assert (written["schema_version"], written["kind"], len(written["records"])) == (3, "latency_set", 3)
    with pytest.raises(InputError, match="'latency_set'; 'latency' is wanted"):
        load_record(path)


def test_one_record_alone_is_a_plain_record(tmp_path: Path) -> None:
    path, alone = tmp_path / "run.json", RunSet(RECORDS[:1], ())
    save_run(path, alone)
    assert load_record(path) == RECORDS[0]
    save_record(path, RECORDS[0], force=True)
    assert load_run(path) == alone


def drop_turn(values: dict[str, Any]) -> None:
    values["turns"].pop()


def only_one(values: dict[str, Any]) -> None:
    values["records"], values["turns"] = values["records"][:1], []


def old_record(values: dict[str, Any]) -> None:
    values["records"][1]["schema_version"] = 1


def no_list(values: dict[str, Any]) -> None:
    values["records"] = 7


def add_key(values: dict[str, Any]) -> None:
    values["gpu"] = "none"


def drop_ratio(values: dict[str, Any]) -> None:
    del values["turns"][0]["interval"]["ratio"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_turn, "1 comparisons for 3 records"),
        (only_one, "0 comparisons for 1 records"),
        (old_record, "schema version 1; this portraitlite reads 3: measure again"),
        (no_list, "a set has records and turns"),
        (add_key, "this one has gpu, records, turns"),
        (drop_ratio, r"turns\[0\].interval lacks ratio"),
    ],
)
def test_sets_that_contradict_themselves(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    values = json.loads(json.dumps(RUN.to_dict()))
    change(values)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=message):
        load_run(path)
