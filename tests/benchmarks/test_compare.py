from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from run_records import made_environment, made_record
from typer.testing import CliRunner

from portraitlite.benchmarks import compare_command
from portraitlite.benchmarks.compare import Verdict, compare_runs, noise_band
from portraitlite.benchmarks.record import RunRecord
from portraitlite.benchmarks.run_set import RunSet, compare_turns, save_run
from portraitlite.runtime.errors import CheckFailedError, InputError

STEADY = [10.0, 10.1, 9.9, 10.0] * 10


def alone(record: RunRecord) -> RunSet:
    return RunSet((record,), ())


def scaled(factor: float, **changes: Any) -> RunSet:
    return alone(made_record([factor * value for value in STEADY], **changes))


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        (1.0, Verdict.SAME),
        (1.019, Verdict.SAME),
        (1.021, Verdict.SLOWER),
        (0.985, Verdict.SAME),
        (0.97, Verdict.FASTER),
    ],
)
def test_the_verdict_is_about_the_band(factor: float, verdict: Verdict) -> None:
    found = compare_runs(scaled(1.0), scaled(factor))
    (pair,) = found.pairs
    assert pair.ratio == pytest.approx(factor)
    assert pair.band_ratio == pytest.approx(0.02)
    assert pair.verdict is verdict
    assert found.slower == (verdict is Verdict.SLOWER)


def test_an_unsteady_run_widens_the_band() -> None:
    unsteady = made_record([9.0, 9.0, 11.0, 11.0] * 5)
    steady = made_record([10.0] * 20)
    both = noise_band(unsteady, unsteady)
    assert both == pytest.approx(unsteady.figures.stability.band_ratio)
    assert 0.02 < noise_band(steady, unsteady) == noise_band(unsteady, steady) < both
    assert compare_runs(alone(steady), alone(unsteady)).pairs[0].verdict is Verdict.SAME


def test_single_runs_are_compared_whatever_the_models_are_called() -> None:
    (pair,) = compare_runs(scaled(1.0, name="old.tflite"), scaled(0.5, name="new.tflite", sha256="cd" * 32)).pairs
    assert (pair.a, pair.b, pair.same_model) == ("old.tflite", "new.tflite", False)
    assert compare_runs(scaled(1.0), scaled(1.0)).pairs[0].same_model


def test_sets_are_matched_by_name_threads_and_stage() -> None:
    def run(names: list[tuple[str, int]], factor: float) -> RunSet:
        records = tuple(
            made_record([factor * (i + 1.0)] * 8, name=name, threads=threads) for i, (name, threads) in enumerate(names)
        )
        return RunSet(records, compare_turns(records))

    found = compare_runs(run([("a", 1), ("b", 1), ("b", 2)], 1.0), run([("b", 2), ("c", 1), ("a", 1)], 1.0))
    assert [(pair.a, pair.threads, pair.ratio) for pair in found.pairs] == [
        ("a", 1, 3.0),
        ("b", 2, pytest.approx(1 / 3)),
    ]
    with pytest.raises(InputError, match="no model with the same name, threads and stage"):
        compare_runs(run([("a", 1), ("b", 1)], 1), run([("c", 1), ("d", 1)], 1))


def test_records_of_the_same_name_are_matched_in_their_order() -> None:
    def run(*medians_ms: float) -> RunSet:
        records = tuple(made_record([median_ms] * 8) for median_ms in medians_ms)
        return RunSet(records, compare_turns(records))

    found = compare_runs(run(1, 2), run(10, 30, 50))
    assert [pair.ratio for pair in found.pairs] == [10, 15]


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"environment": made_environment(cpu_model="Other")}, "cpu_model CPU and Other"),
        ({"environment": made_environment(backend_version="3")}, "backend_version 2 and 3"),
        ({"environment": made_environment(cpu_affinity=(1,))}, r"cpu_affinity \(0,\) and \(1,\)"),
        ({"threads": 2}, "threads 1 and 2"),
        ({"scope": "portrait", "photo_size": (64, 48)}, "scope invoke and portrait; photo_size None and"),
    ],
)
def test_another_environment_is_refused_unless_told(changes: dict[str, Any], difference: str) -> None:
    other = scaled(1.0, **changes)
    with pytest.raises(InputError, match=f"cannot be compared: {difference}.*--other-environment"):
        compare_runs(scaled(1.0), other)
    found = compare_runs(scaled(1.0), other, other_environment=True)
    assert found.differences
    assert found.pairs[0].verdict is Verdict.SAME


def test_what_may_change_between_runs_is_no_other_environment() -> None:
    other = scaled(1.0, environment=made_environment(portraitlite="2", python="3.99", numpy="9"), rule="mlperf")
    assert compare_runs(scaled(1.0), other).differences == ()


def call(tmp_path: Path, a: RunSet, b: RunSet, *options: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)  # keeps `compare` a verb although it is the only one
    compare_command.register(app)
    for name, run in (("a", a), ("b", b)):
        save_run(tmp_path / f"{name}.json", run, force=True)
    return CliRunner().invoke(app, ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"), *options])


def test_the_verb_ends_with_1_where_b_is_slower(tmp_path: Path) -> None:
    result = call(tmp_path, scaled(1.0), scaled(1.5, warnings=("a train passed",)))
    assert isinstance(result.exception, CheckFailedError)
    assert result.exception.exit_code == 1
    assert "m.tflite takes 1.500 of the time of m.tflite, outside of the band of 0.020" in str(result.exception)
    assert "slower" in result.stdout
    assert result.stderr == "warning: B: a train passed\n"
    assert call(tmp_path, scaled(1.5), scaled(1.0)).exit_code == 0


def test_the_pair_that_is_blamed_is_outside_of_its_band(tmp_path: Path) -> None:
    def run(steady: float, unsteady: float) -> RunSet:
        records = (
            made_record([steady * value for value in STEADY[:20]], name="steady"),
            made_record([unsteady * value for value in [9.0, 9.0, 11.0, 11.0] * 5], name="[/x]"),
        )
        return RunSet(records, compare_turns(records))

    result = call(tmp_path, run(1.0, 1.0), run(1.06, 1.1))
    assert isinstance(result.exception, CheckFailedError)
    assert str(result.exception).startswith("steady takes 1.060 of the time of steady")
    assert "[/x]" in result.stdout


def test_the_verb_prints_json(tmp_path: Path) -> None:
    other = scaled(1.0, environment=made_environment(os="Other"))
    result = call(tmp_path, scaled(1.0), other, "--json", "--other-environment", "--quiet")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["pairs"][0]["verdict"] == "within the band"
    assert document["differences"] == ["os Linux and Other"]
    assert document["slower"] is False
