from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

import pytest

import portraitlite.benchmarks
from portraitlite.android_harness.cores import Clock, Cluster
from portraitlite.android_harness.facts import PhoneFacts, PhoneState
from portraitlite.benchmarks import emulated_run, official, parity_record, profile, record, run_set
from portraitlite.benchmarks.accuracy import record as accuracy
from portraitlite.benchmarks.accuracy.bootstrap import Interval
from portraitlite.benchmarks.benchmark_output import BenchmarkOutput
from portraitlite.benchmarks.emulated_run import EmulatedRun
from portraitlite.benchmarks.environment import Environment, MachineState
from portraitlite.benchmarks.memory import Memory
from portraitlite.benchmarks.official import OfficialRun
from portraitlite.benchmarks.parity import PhotoParity
from portraitlite.benchmarks.parity_record import ParityRecord
from portraitlite.benchmarks.parity_stages import ParityGate, StageDifference
from portraitlite.benchmarks.phone_record import LibraryFacts, PhoneMemory, PhoneRound, PhoneRun
from portraitlite.benchmarks.profile import OpTime, Profile
from portraitlite.benchmarks.record import SCHEMA_VERSION, Configuration, Figures, ModelFacts, RunRecord
from portraitlite.benchmarks.run_set import RunSet, Turns
from portraitlite.benchmarks.statistics import LatencyStatistics, RatioInterval, Stability

FOLDER = Path(portraitlite.benchmarks.__file__).parent / "schema"
JSON_TYPES = {str: "string", int: "integer", bool: "boolean", float: "number", tuple: "array", dict: "object"}
PHONE = [PhoneRun, LibraryFacts, PhoneMemory, PhoneRound, PhoneFacts, PhoneState, Cluster, Clock]
FILES: dict[str, tuple[str, type, list[type]]] = {
    "run_record": (
        record.KIND,
        RunRecord,
        [ModelFacts, Configuration, Figures, LatencyStatistics, Stability, Memory, Environment, MachineState, *PHONE],
    ),
    "run_set": (run_set.SET_KIND, RunSet, [Turns, RatioInterval]),
    "benchmark_model": (official.KIND, OfficialRun, [ModelFacts, BenchmarkOutput, Environment, MachineState, *PHONE]),
    "emulated_run": (
        emulated_run.KIND,
        EmulatedRun,
        [ModelFacts, Configuration, Environment, MachineState, *PHONE],
    ),
    "profile": (profile.KIND, Profile, [OpTime]),
    "parity": (
        parity_record.KIND,
        ParityRecord,
        [ModelFacts, PhoneFacts, Cluster, LibraryFacts, ParityGate, PhotoParity, StageDifference],
    ),
    "accuracy_record": (
        accuracy.KIND,
        accuracy.AccuracyRecord,
        [ModelFacts, accuracy.DatasetFacts, accuracy.ModelScores, Interval, accuracy.PhotoScore],
    ),
}
VERSIONS = dict.fromkeys(FILES, SCHEMA_VERSION) | {
    "accuracy_record": accuracy.SCHEMA_VERSION,
    "parity": parity_record.SCHEMA_VERSION,
}


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text())
    return loaded


def json_type(hint: Any) -> Any:
    """What the schema's `type` (or `$ref`) of a field must be."""
    if typing.get_origin(hint) is types.UnionType:
        kind = typing.get_args(hint)[0]
        return ["object", "null"] if dataclasses.is_dataclass(kind) else [json_type(kind), "null"]
    if dataclasses.is_dataclass(hint):
        return f"#/$defs/{typing.cast(type, hint).__name__}"
    return JSON_TYPES[typing.get_origin(hint) or hint]


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (_, top, parts) in FILES.items() for kind in (top, *parts)]
)
def test_the_schema_says_what_the_classes_say(name: str, kind: type) -> None:
    whole, top = schema(name), FILES[name][1]
    part = whole if kind is top else whole["$defs"][kind.__name__]
    properties = {key: value.get("type", value.get("$ref")) for key, value in part["properties"].items()}
    if kind is top:
        del properties["schema_version"], properties["kind"]
    assert properties == {key: json_type(hint) for key, hint in typing.get_type_hints(kind).items()}
    assert part["required"] == list(part["properties"])
    assert part["additionalProperties"] is False


@pytest.mark.parametrize("name", FILES)
def test_the_schema_has_this_version_and_kind(name: str) -> None:
    whole = schema(name)
    assert whole["properties"]["schema_version"]["const"] == VERSIONS[name]
    assert whole["properties"]["kind"]["const"] == FILES[name][0]
    assert whole["$defs"].keys() == {kind.__name__ for kind in FILES[name][2]}


def test_a_schema_may_be_null_where_it_says_memory() -> None:
    memory = schema("run_record")["$defs"]["Figures"]["properties"]["memory"]
    assert memory["then"] == {"$ref": "#/$defs/Memory"}


def test_a_reference_may_be_null_where_it_says_scores() -> None:
    reference = schema("accuracy_record")["properties"]["reference"]
    assert reference["then"] == {"$ref": "#/$defs/ModelScores"}
