from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from accuracy_records import made_accuracy, made_scores
from PIL import Image
from run_records import made_environment, made_record

from portraitlite.benchmarks.accuracy.record import AccuracyRecord, save_accuracy
from portraitlite.benchmarks.record import SCHEMA_VERSION, RunRecord, save_record
from portraitlite.benchmarks.report.inputs import Inputs, read_inputs
from portraitlite.runtime.errors import InputError

OTHER = "ef" * 32


def inputs(accuracy: list[AccuracyRecord], latency: list[RunRecord] | None = None) -> Inputs:
    return Inputs(tuple(accuracy), tuple(latency or ()), ())


def test_files_of_every_kind_are_sorted(tmp_path: Path) -> None:
    new, old = made_accuracy(created="2025-03-01T00:00:00+00:00"), made_accuracy()
    save_accuracy(tmp_path / "1.json", new)
    save_accuracy(tmp_path / "2.json", old)
    save_record(tmp_path / "3.json", made_record([1.0, 2.0]))
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "worst.png")
    found = read_inputs([*(tmp_path / f"{i}.json" for i in (1, 2, 3)), tmp_path / "worst.png"])
    assert found.accuracy == (old, new)
    assert [len(found.latency), [name for name, _ in found.pictures]] == [1, ["worst.png"]]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.json", b"{", "is not JSON"),
        ("x.json", json.dumps({"kind": "profile", "schema_version": SCHEMA_VERSION}).encode(), "kind 'profile'"),
        ("x.json", b'{"kind": "accuracy", "schema_version": 9}', "schema version 9"),
        ("x.json", b"[" * 100_000, "cannot be used"),
        ("x.png", b"no picture", "cannot be read as a PNG"),
    ],
)
def test_foreign_files(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_inputs([tmp_path / name])
    assert "\n" not in str(caught.value)


def test_missing_files_and_pictures_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_inputs([tmp_path / "none.json"])
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "worst.png")
    with pytest.raises(InputError, match="needs run records"):
        read_inputs([tmp_path / "worst.png"])


def test_a_point_is_the_latest_score_with_the_latency_of_the_same_bytes() -> None:
    first = made_accuracy(made_scores(mean_iou=0.6), made_scores("n.tflite", 0.5, sha256=OTHER))
    second = made_accuracy(made_scores(mean_iou=0.7), created="2025-02-01T00:00:00+00:00")
    elsewhere = made_accuracy(made_scores(mean_iou=0.9), data_sha256=OTHER)
    found = inputs([first, elsewhere, second], [made_record([5.0]), made_record([7.0])]).points("mean_iou")
    assert [(one.name, one.accuracy.value, one.latency_ms) for one in found] == [
        ("m.tflite", 0.7, 7.0),
        ("n.tflite", 0.5, None),
    ]
    assert inputs([], [made_record([5.0])]).points("mean_iou") == ()


@pytest.mark.parametrize(
    "other",
    [
        made_record([5.0], threads=2),
        made_record([5.0], delegate="gpu"),
        made_record([5.0], scope="portrait"),
        made_record([5.0], environment=made_environment(cpu_model="another")),
    ],
)
def test_latencies_of_other_conditions_do_not_mix(other: RunRecord) -> None:
    newest = made_record([7.0], sha256=OTHER)
    found = inputs([made_accuracy()], [other, newest])
    assert found.timed() == (newest,)
    assert [one.latency_ms for one in found.points("mean_iou")] == [None]


def test_history_is_of_what_was_scored_twice_on_the_same_data() -> None:
    moments = [f"2025-0{i}-01T00:00:00+00:00" for i in (1, 2, 3)]
    runs = [made_accuracy(made_scores(mean_iou=0.6 + 0.1 * i), created=at) for i, at in enumerate(moments[:2])]
    runs.append(made_accuracy(created=moments[2], data_sha256=OTHER))
    (name, values), *others = inputs(runs).history("mean_iou").items()
    assert (others, name) == ([], "m.tflite, voc:VOC2012 (cdcdcd)")
    assert values == [(moments[0], 0.6), (moments[1], 0.7)]


def wrong(**changes: object) -> dict[str, object]:
    document = json.loads(json.dumps(made_accuracy().to_dict()))
    for place, value in changes.items():
        *parts, last = place.split("__")
        target = document
        for part in parts:
            target = target[int(part[1:]) if part[0] == "i" else part]
        target[last] = value
    return dict(document)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (wrong(dataset__labels=["a", "a", "person"]), "3 scored classes"),
        (wrong(dataset__subject="cat"), "'cat' that is not scored"),
        (wrong(dataset__units=3), "3 units of 2 photos"),
        (wrong(models=[]), "no model"),
        (wrong(models__i0__confusion=[[1, 2], [3, 4]]), "not 3 by 3"),
        (wrong(models__i0__confusion=[[1, 2, 3]] * 2 + [[1, 2, -3]]), "no number of pixels"),
        (wrong(models__i0__confusion=[[1, 2, 3]] * 2 + [[1, 2, 10**30]]), "no number of pixels"),
        (wrong(models__i0__photos=[]), "0 photos of"),
        (wrong(models__i0__per_class={"iou": {"cat": 0.5}}), "'cat', which is not scored"),
        (wrong(models__i0__figures={"mean_iou": {"value": 0.5, "low": 0.6, "high": 0.4}}), "ends are exchanged"),
        (wrong(models__i0__figures={"mean_iou": {"value": 0.5, "low": 0.4}}), "lacks high"),
    ],
)
def test_accuracy_records_that_contradict_themselves(tmp_path: Path, document: dict[str, object], reason: str) -> None:
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=reason):
        read_inputs([tmp_path / "x.json"])


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    record = made_accuracy(made_scores(photos=("caf\udce9.png", "b.png")))
    save_accuracy(tmp_path / "x.json", record)
    assert read_inputs([tmp_path / "x.json"]).accuracy == (record,)


def test_a_made_record_is_a_record() -> None:
    record = made_accuracy(reference=dataclasses.replace(made_scores(), differences={}))
    assert AccuracyRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record
