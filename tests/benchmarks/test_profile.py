from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from portraitlite.benchmarks import profile as module
from portraitlite.benchmarks.bench_report import print_profile
from portraitlite.benchmarks.graph_nodes import Node, Nodes, Tensor
from portraitlite.benchmarks.profile import Profile, build_profile, profile_model
from portraitlite.benchmarks.profile_output import check_suffix, save_profile
from portraitlite.runtime.errors import InputError, MissingDependencyError

CONV, ADD = "Fully Connected (NC, F32) GEMM", "Add (ND)"
KINDS = ("QUANTIZE", "CONV_2D", "CONV_2D", "SOFTMAX", "ADD")
NODES = Nodes(
    tuple(
        Node(i, kind, (i,), (i + 1,), partition)
        for i, (kind, partition) in enumerate(zip(KINDS, (None, 0, 0, None, 1), strict=True))
    ),
    {i: Tensor(f"layer{i};fused", 4, False) for i in range(6)},
    (0,),
    (5,),
    2,
)


def run(*times_us: int) -> dict[str, Any]:
    rows = [("QUANTIZE", 2, 0), (CONV, 8, 0), (CONV, 8, 1), ("SOFTMAX", 2, 3), (ADD, 8, 0)]
    ops = [[*row, time] for row, time in zip(rows, times_us, strict=True)]
    return {"invoke_us": sum(times_us) + 10, "ops": ops}


def answer(*runs: dict[str, Any], plain_ms: float = 15.0) -> dict[str, Any]:
    return {"version": "2.3.0", "plain_ms": [plain_ms] * len(runs), "runs": list(runs)}


NOISY = answer(run(1000, 2000, 3000, 4000, 5000), run(9000, 9000, 9000, 9000, 9000), run(1200, 2000, 3000, 4000, 5000))


def test_times_are_means_of_the_quieter_half_and_add_up() -> None:
    found = build_profile("x.tflite", NODES, NOISY, 1)
    assert [op.mean_ms for op in found.ops] == pytest.approx([1.1, 2, 3, 4, 5])
    assert found.ops_ms == pytest.approx(15.1)
    assert found.invoke_ms == pytest.approx(15.11)
    assert (found.plain_ms, found.runs, found.partitions, found.warnings) == (15.0, 3, 2, ())


def test_layers_and_partitions() -> None:
    found = build_profile("x.tflite", NODES, NOISY, 1)
    assert [(op.layer_index, op.layer, op.partition) for op in found.ops] == [
        (0, "layer1", None),
        (1, "layer2", 0),
        (2, "layer3", 0),
        (3, "layer4", None),
        (4, "layer5", 1),
    ]
    totals = {(total.kind, total.runs_on): (total.count, total.total_ms) for total in found.by_kind()}
    assert totals[CONV, "XNNPACK 0"] == (2, pytest.approx(5))
    assert totals["SOFTMAX", "CPU kernels"] == (1, pytest.approx(4))


def test_operators_that_fit_no_layer_keep_their_time() -> None:
    other = json.loads(json.dumps(NOISY).replace(ADD, "Something New (ND)"))
    found = build_profile("x.tflite", NODES, other, 1)
    assert (found.ops[4].layer, found.ops[4].layer_index, found.ops[4].mean_ms) == (None, None, 5)
    assert found.ops[1].layer == "layer2"
    assert found.warnings == ("the operators of partition 1 cannot be matched with the file's layers",)


@pytest.mark.parametrize(("plain_ms", "fine"), [(14.5, True), (15.8, True), (14.2, False), (16.0, False)])
def test_a_sum_that_disagrees_with_the_whole_is_said(plain_ms: float, fine: bool) -> None:
    found = build_profile("x.tflite", NODES, answer(*NOISY["runs"], plain_ms=plain_ms), 1)
    assert (not found.warnings) == fine
    assert fine or "more than 5 % apart" in found.warnings[0]


def test_runs_that_list_other_ops_are_refused() -> None:
    short = run(1, 2, 3, 4, 5)
    short["ops"].pop()
    with pytest.raises(InputError, match="from run to run"):
        build_profile("x.tflite", NODES, answer(run(1, 2, 3, 4, 5), short), 1)


def test_csv_json_and_png(tmp_path: Path) -> None:
    found = build_profile("x.tflite", NODES, NOISY, 1)
    for suffix in ("csv", "json", "png"):
        save_profile(tmp_path / f"p.{suffix}", found)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["op"] for row in rows] == ["QUANTIZE", CONV, CONV, "SOFTMAX", ADD]
    assert [row["partition"] for row in rows] == ["", "0", "0", "", "1"]
    assert sum(float(row["mean_ms"]) for row in rows) == pytest.approx(15.1)
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=1e-5)
    document = json.loads((tmp_path / "p.json").read_text())
    assert (document["kind"], document["ops"][4]["layer"]) == ("profile", "layer5")
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.width > 500
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
    with pytest.raises(InputError, match="exists"):
        save_profile(tmp_path / "p.csv", found)


def test_names_with_markup_and_formulas_stay_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = build_profile(r"$\x$", NODES, NOISY, 1)
    odd = tuple(dataclasses.replace(op, op="[/odd]", layer=r"$\nothing$") for op in whole.ops)
    found = dataclasses.replace(whole, ops=odd)
    save_profile(tmp_path / "p.png", found)
    assert (tmp_path / "p.png").stat().st_size > 1000
    print_profile(found)
    assert "[/odd]" in capsys.readouterr().out


def test_another_suffix() -> None:
    with pytest.raises(InputError, match=r"no kind of profile; give a name that ends in \.csv, \.json, \.png"):
        check_suffix(Path("profile.txt"))


def test_a_runtime_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.metadata, "version", lambda _: "2.1.4")
    with pytest.raises(MissingDependencyError, match=r"needs ai-edge-litert 2\.3, not 2\.1\.4"):
        profile_model("portrait")


def test_a_file_that_cannot_run(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"\0\0\0\0TFL3" + bytes(200))
    with pytest.raises(InputError, match=r"x\.tflite cannot be profiled"):
        profile_model(path, runs=1)


@pytest.fixture(scope="module")
def bundled() -> Profile:
    return profile_model("portrait", runs=4, warmup=1)


def test_the_ops_of_a_bundled_model_make_up_its_time(bundled: Profile) -> None:
    """Against the inference as the profiler itself sees it: a plain run may meet other noise."""
    assert abs(bundled.ops_ms / bundled.invoke_ms - 1) < 0.05
    assert all(op.mean_ms >= 0 for op in bundled.ops)


def test_every_layer_of_a_bundled_model_is_found(bundled: Profile) -> None:
    assert all(op.layer for op in bundled.ops)
    indices = [op.layer_index for op in bundled.ops]
    assert indices == sorted(indices, key=lambda index: index or 0)
    assert {op.op for op in bundled.ops if op.partition is None} <= {"QUANTIZE", "SOFTMAX", "STRIDED_SLICE"}
    assert not [warning for warning in bundled.warnings if "matched" in warning]
