"""Whole evaluations with a model whose answers are known, in one process and several, interrupted and not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import typer
from PIL import Image
from tiny_segmenter import SIDE, save_photo_and_mask, tiny_segmenter
from typer.testing import CliRunner

from portraitlite.benchmarks.accuracy import command, worker
from portraitlite.benchmarks.accuracy.datasets import Dataset, open_dataset
from portraitlite.benchmarks.accuracy.evaluate import evaluate
from portraitlite.benchmarks.accuracy.record import AccuracyRecord, load_accuracy
from portraitlite.benchmarks.accuracy.shards import appending
from portraitlite.benchmarks.accuracy.sheet import worst_sheet
from portraitlite.runtime.errors import InputError

MAP = """schema_version = 1
labels = ["background", "person", "dog"]
[data]
"0" = "background"
"1" = "person"
"2" = "dog"
"255" = "ignore"
"""


def make_set(root: Path, photos: int = 6) -> Path:
    """Photos (some of them portrait format, so that the input is padded) with a wrong block and an ignored row."""
    for i in range(photos):
        labels = np.zeros((SIDE, SIDE - 8 * (i % 2)), np.uint8)
        labels[4:20, 4:16], labels[22:30, 2:10] = 1, 2 if i else 0
        seen = labels.copy()
        seen[4:8, 4 : 6 + i] = 2
        labels[31] = 255
        save_photo_and_mask(root / f"images/{i}.png", root / f"masks/{i}.png", seen, labels)
    (root / "map.toml").write_text(MAP)
    return root


def opened(root: Path) -> Dataset:
    return open_dataset(f"folder:{root}", label_map=root / "map.toml")


def same(record: AccuracyRecord) -> dict[str, Any]:
    return {name: value for name, value in record.to_dict().items() if name != "created"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_set(tmp_path / "data")


def read(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def test_the_figures_are_those_of_the_pixels(tmp_path: Path, data: Path, oracle: Any) -> None:
    record = evaluate([tiny_segmenter(tmp_path / "m.tflite")], opened(data), jobs=1)
    want = np.concatenate([read(p).ravel() for p in sorted((data / "masks").iterdir())])
    got = np.concatenate([read(p).argmax(-1).ravel() for p in sorted((data / "images").iterdir())])
    scores = record.models[0]
    assert scores.figures["mean_iou"].value == pytest.approx(
        oracle("accuracy_metrics").mean_iou(want, got, 3), abs=1e-12
    )
    known = want != 255
    assert scores.figures["pixel_accuracy"].value == pytest.approx((want == got)[known].mean())
    assert np.array(scores.confusion).sum() == known.sum()
    person = ((want == 1) & (got == 1)).sum() / ((want == 1) | (got == 1)).sum()
    assert scores.per_class["iou"]["person"] == pytest.approx(person)
    assert scores.figures["subject_iou"].value == pytest.approx(person)
    assert scores.figures["subject_iou"].low < person < scores.figures["subject_iou"].high
    assert [photo.key for photo in scores.photos] == [f"{i}.png" for i in range(6)]
    assert scores.figures["calibration_error"].value < 0.05
    assert "agreement" not in scores.figures
    assert "matte_mse" not in scores.figures


def test_any_number_of_processes_gives_the_same_record(tmp_path: Path, data: Path) -> None:
    models = [tiny_segmenter(tmp_path / "m.tflite"), tiny_segmenter(tmp_path / "n.tflite", swap=True)]
    alone = evaluate(models, opened(data), jobs=1)
    assert same(evaluate(models, opened(data), jobs=2)) == same(alone)
    assert alone.models[0].figures["mean_iou"].value > alone.models[1].figures["mean_iou"].value


def test_an_interrupted_run_goes_on(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, shard = tiny_segmenter(tmp_path / "m.tflite"), tmp_path / "run.json.shard"
    whole = evaluate([model], opened(data), jobs=1)
    scored: list[str] = []
    original = worker._score

    def stops(task: Any, segmenters: Any, unit: Any) -> Any:
        if len(scored) == 4:
            raise KeyboardInterrupt
        scored.append(unit[0].key)
        return original(task, segmenters, unit)

    monkeypatch.setattr(worker, "_score", stops)
    with pytest.raises(KeyboardInterrupt):
        evaluate([model], opened(data), jobs=1, shard=shard)
    with shard.open("ab") as stream:
        stream.write(b'{"key": "4.png", "tall')  # torn by a crash
    rest: list[str] = []
    monkeypatch.setattr(
        worker, "_score", lambda task, opened, unit: rest.append(unit[0].key) or original(task, opened, unit)
    )
    assert same(evaluate([model], opened(data), jobs=1, shard=shard, resume=True)) == same(whole)
    assert scored + rest == [f"{i}.png" for i in range(6)]
    assert not shard.exists()


def test_a_shard_of_another_run_is_refused(tmp_path: Path, data: Path) -> None:
    shard = tmp_path / "s"
    shard.write_text('{"kind": "evaluation shard"}\n')
    with pytest.raises(InputError, match="begun with other models"):
        evaluate([tiny_segmenter(tmp_path / "m.tflite")], opened(data), jobs=1, shard=shard, resume=True)


def test_an_old_shard_is_kept_unless_it_is_dropped_on_purpose(tmp_path: Path, data: Path) -> None:
    model, output = tiny_segmenter(tmp_path / "m.tflite"), tmp_path / "run.json"
    options = ["-d", f"folder:{data}", "--label-map", data / "map.toml", "--jobs", 1, "-o", output]
    shard = tmp_path / "run.json.shard"
    shard.write_text("results of hours\n")
    result = run(model, *options)
    assert isinstance(result.exception, InputError)
    assert "go on with --resume or drop them with --force" in str(result.exception)
    assert shard.read_text() == "results of hours\n"
    assert run(model, *options, "--force").exit_code == 0
    assert (output.exists(), shard.exists()) == (True, False)


def test_an_interrupted_run_says_where_its_results_are(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = worker._score

    def stops(task: Any, segmenters: Any, unit: Any) -> Any:
        if unit[0].key == "3.png":
            raise KeyboardInterrupt
        return original(task, segmenters, unit)

    monkeypatch.setattr(worker, "_score", stops)
    options = ["-d", f"folder:{data}", "--label-map", data / "map.toml", "--jobs", 1]
    model = tiny_segmenter(tmp_path / "m.tflite")
    result = run(model, *options, "-o", tmp_path / "run.json")
    assert result.exit_code == 130
    assert f"results so far lie in {tmp_path / 'run.json.shard'}; go on with --resume" in result.stderr
    assert "results so far" not in run(model, *options).stderr


def test_only_trouble_with_the_shard_is_put_down_to_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no more processes"), appending(tmp_path / "s", {}, resumed=False):
        raise OSError("no more processes")
    with pytest.raises(InputError, match="cannot be written"), appending(tmp_path / "gone" / "s", {}, resumed=False):
        pass


def test_the_sheet_compares_what_agreement_compares(tmp_path: Path, data: Path) -> None:
    """Other labels in another order, the same answers."""
    good = tiny_segmenter(tmp_path / "m.tflite")
    same = tiny_segmenter(tmp_path / "n.tflite", ("background", "dog", "person"), swap=True)
    for model, agrees in ((same, True), (tiny_segmenter(tmp_path / "w.tflite", swap=True), False)):
        record = evaluate([model], opened(data), against=good, jobs=1)
        sheet = tmp_path / f"{model.stem}.png"
        worst_sheet(sheet, model, good, record.models[0], opened(data))
        assert (record.models[0].figures["agreement"].value == 1) == agrees
        assert bool((read(sheet) == [220, 30, 30]).all(-1).any()) != agrees


def test_against_a_float_file(tmp_path: Path, data: Path) -> None:
    good, swapped = tiny_segmenter(tmp_path / "m.tflite"), tiny_segmenter(tmp_path / "n.tflite", swap=True)
    record = evaluate([swapped, good], opened(data), against=good, jobs=1)
    first, second = record.models
    seen = [read(path).argmax(-1) for path in sorted((data / "images").iterdir())]
    assert first.figures["agreement"].value == pytest.approx(np.mean([(one == 0).mean() for one in seen]))
    assert second.figures["agreement"].value == second.figures["mean_iou_to_reference"].value == 1
    assert second.differences["mean_iou"].value == second.differences["mean_iou"].high == 0
    assert record.reference is not None
    difference = first.figures["mean_iou"].value - record.reference.figures["mean_iou"].value
    assert first.differences["mean_iou"].value == pytest.approx(difference)
    assert first.differences["mean_iou"].high < 0
    assert record.reference.differences == {}


@pytest.mark.parametrize("jobs", [1, 2])
def test_broken_models_and_photos_are_named(tmp_path: Path, data: Path, jobs: int) -> None:
    broken = tiny_segmenter(tmp_path / "nan.tflite", gain=float("nan"))
    with pytest.raises(InputError, match=r"nan\.tflite on .*not finite"):
        evaluate([broken], opened(data), jobs=jobs)
    (data / "images/3.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"3\.png"):
        evaluate([tiny_segmenter(tmp_path / "m.tflite")], opened(data), jobs=jobs)


def run(*arguments: object) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_the_verb(tmp_path: Path, data: Path) -> None:
    model = tiny_segmenter(tmp_path / "m.tflite")
    options = ["-d", f"folder:{data}", "--label-map", data / "map.toml", "--jobs", 1]
    sheet, output = tmp_path / "worst.png", tmp_path / "run.json"
    result = run(model, *options, "--against", model, "--sheet", sheet, "-o", output, "--json")
    assert result.exit_code == 0, result.exception
    record = load_accuracy(output)
    assert AccuracyRecord.from_dict(json.loads(result.stdout)) == record
    assert read(sheet).shape[0] > 6 * 160
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "m.tflite", "run.json", "worst.png"]
    table = run(model, *options)
    assert "mean_iou" in table.stdout
    assert "6 photos, 3 classes" in table.stdout
    assert isinstance(run(model, *options, "-o", output).exception, InputError)
    assert isinstance(run(model, *options, "--resume").exception, InputError)
    assert isinstance(run(model, *options, "--sheet", tmp_path / "x.png").exception, InputError)


def test_photos_whose_names_are_no_text(tmp_path: Path, data: Path) -> None:
    for folder in ("images", "masks"):
        (data / folder / "0.png").rename(data / folder / "caf\udce9.png")
    options = ["-d", f"folder:{data}", "--label-map", data / "map.toml", "--jobs", 1, "-o", tmp_path / "run.json"]
    result = run(tiny_segmenter(tmp_path / "m.tflite"), *options, "--json")
    assert result.exit_code == 0, result.exception
    record = load_accuracy(tmp_path / "run.json")
    assert record.models[0].photos[-1].key == "caf\udce9.png"
    assert AccuracyRecord.from_dict(json.loads(result.stdout)) == record


def test_records_are_read_strictly(tmp_path: Path, data: Path) -> None:
    record = evaluate([tiny_segmenter(tmp_path / "m.tflite")], opened(data), jobs=1).to_dict()
    path = tmp_path / "r.json"
    for change in ({"schema_version": 2}, {"kind": "latency"}, {"models": 3}, {"extra": 1}):
        path.write_text(json.dumps(record | change))
        with pytest.raises(InputError, match=r"r\.json cannot be used"):
            load_accuracy(path)
