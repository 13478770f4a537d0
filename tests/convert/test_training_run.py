"""A tiny network on made data: it learns, resumes bit by bit, stops at bad data, and its int8 file agrees with it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.convert.sources.npz import pack_npz
from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.config_file import load_config
from portraitlite.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """
seed = 3
labels = ["background", "person", "sky"]
subject = "person"

[network]
classes = 3
crop_height = 65
crop_width = 65
depth_multiplier = 0.5
decoder_stride = 4
aspp_filters = 16
decoder_filters = 16
residual = true

[schedule]
steps = 60
batch_size = 4
warmup_steps = 5
ema = 0.8
[schedule.rates]
"" = 1e-3
"decoder/" = 1e-2

[losses]
teacher_share = 0.0

[augmentation]
paste = 0.2
paste_subjects = ["discs"]
paste_backgrounds = ["plain"]

[validation]
list = "held_back.toml"
every_steps = 20

[start]
weights = "start.npz"

[[datasets]]
name = "discs"
kind = "folder"
images = "discs/images"
masks = "discs/masks"
share = 0.7

[[datasets]]
name = "plain"
kind = "voc"
images = "plain/images"
masks = "plain/masks"
share = 0.3
"""
HELD_BACK = """
[[lists]]
name = "discs"
kind = "folder"
images = "discs/images"
masks = "discs/masks"
files = ["0.png", "1.png"]
[[lists]]
name = "plain"
kind = "voc"
images = "plain/images"
masks = "plain/masks"
files = ["0.png"]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright discs (the subject) on dark noise, and noise alone; the config and its list lie beside."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(8)
    rows, columns = np.mgrid[:80, :96]
    for name, shows in (("discs", True), ("plain", False)):
        (root / name / "images").mkdir(parents=True)
        (root / name / "masks").mkdir()
        for i in range(8):
            y, x, radius = rng.uniform(25, 55), rng.uniform(30, 66), rng.uniform(15, 24)
            disc = ((rows - y) ** 2 + (columns - x) ** 2 < radius**2) & shows
            photo = rng.normal(60, 20, (80, 96, 3)) + disc[..., None] * np.array([150, 90, 60])
            Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(root / name / "images" / f"{i}.png")
            Image.fromarray(disc * np.uint8(255 if shows else 0)).save(root / name / "masks" / f"{i}.png")
    (root / "config.toml").write_text(CONFIG)
    (root / "held_back.toml").write_text(HELD_BACK)
    write_start(root / "start.npz", load_config(root / "config.toml"))
    return root


@pytest.fixture
def config(data: Path) -> TrainingConfig:
    return load_config(data / "config.toml")


def write_start(path: Path, config: TrainingConfig) -> None:
    """He-normal kernels: Keras' own initialisation fades away over 17 blocks without batch norms."""
    from portraitlite.convert.networks import build_network
    from portraitlite.convert.weights import official_variables

    rng = np.random.default_rng(5)
    variables = official_variables(build_network(config.network))
    for name, value in variables.items():
        if name.endswith("weights"):
            fan_in = 9 if name.endswith("depthwise_weights") else int(np.prod(value.shape[:3]))
            variables[name] = rng.normal(0, np.sqrt(2 / fan_in), value.shape).astype(np.float32)
    path.write_bytes(pack_npz(variables))


def run(config: TrainingConfig, data: Path, out: Path, **options: Any) -> Any:
    from portraitlite.convert.training.trainer import Folders, train

    return train(config, Folders(data, data, out, out / "teachers"), **options)


def losses(out: Path) -> list[float]:
    lines = (out / "log.jsonl").read_text().splitlines()
    return [record["loss"] for record in map(json.loads, lines) if "loss" in record]


KEPT_STEP = 33


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is long enough to have learned; `kept` holds what a kill after step 33 would have left."""
    out = tmp_path_factory.mktemp("run")
    config = load_config(data / "config.toml")
    schedule = dataclasses.replace(config.schedule, checkpoint_minutes=0.02)

    def keep(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == KEPT_STEP + 1:
            shutil.copytree(out, out / "kept", ignore=shutil.ignore_patterns("kept"))

    result = run(dataclasses.replace(config, schedule=schedule), data, out, progress=keep)
    assert result.steps == 60
    return out


def test_the_loss_falls(trained: Path) -> None:
    curve = losses(trained)
    assert len(curve) == 6
    assert curve[-1] < 0.5 * curve[0]


def test_the_log_holds_evaluations(trained: Path) -> None:
    records = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    scores = {record["step"]: record["evaluation"] for record in records if "evaluation" in record}
    assert list(scores) == [20, 40, 60]
    assert set(scores[60]) == {"discs", "plain", "all"}
    assert scores[60]["discs"]["subject_iou"] > 0.6
    assert scores[60]["plain"]["false_subject"] < 0.1


def test_a_resumed_run_is_the_same_run(data: Path, trained: Path, tmp_path: Path) -> None:
    import typer

    from portraitlite.convert.training.commands import register

    out = tmp_path / "run"
    shutil.copytree(trained / "kept", out)
    app = typer.Typer()
    register(app)
    arguments = [str(data / "config.toml"), "--data", str(data), "--out", str(out), "--resume", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["steps"] == 60
    assert Path(printed["weights"]) == out / "weights.npz"
    with np.load(trained / "state.npz") as one, np.load(out / "state.npz") as two:
        assert one.files == two.files
        for name in set(one.files) - {"header"}:
            assert (one[name] == two[name]).all(), name
    assert (trained / "weights.npz").read_bytes() == (out / "weights.npz").read_bytes()
    assert losses(trained)[-2:] == losses(out)[-2:]


def test_a_finished_run_can_put_out_more_of_its_start(data: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(trained, out, ignore=shutil.ignore_patterns("kept"))
    config = load_config(data / "config.toml")
    schedule = dataclasses.replace(config.schedule, start_share=0.25)
    run(dataclasses.replace(config, schedule=schedule), data, out, resume=True)
    with (
        np.load(data / config.start.weights) as start,
        np.load(trained / "weights.npz") as end,
        np.load(out / "weights.npz") as mixed,
    ):
        for name in mixed.files:
            np.testing.assert_allclose(mixed[name], 0.25 * start[name] + 0.75 * end[name], atol=1e-6)
            assert not name.endswith("/weights") or (mixed[name] != end[name]).any()


def test_a_rate_of_zero_freezes(config: TrainingConfig, data: Path, tmp_path: Path) -> None:
    schedule = dataclasses.replace(config.schedule, steps=2, rates={"": 0.0, "logits/": 1e-2}, ema=0.5)
    run(dataclasses.replace(config, schedule=schedule), data, tmp_path / "run")
    with np.load(data / config.start.weights) as start, np.load(tmp_path / "run" / "weights.npz") as end:
        changed = {name for name in end.files if (start[name] != end[name]).any()}
    assert changed == {name for name in end.files if name.startswith("logits/")}


def test_a_run_is_not_overwritten_nor_resumed_with_another_config(
    config: TrainingConfig, data: Path, trained: Path
) -> None:
    with pytest.raises(InputError, match="holds a run already"):
        run(config, data, trained)
    schedule = dataclasses.replace(config.schedule, ema=0.9, steps=90)
    changed = dataclasses.replace(config, seed=4, schedule=schedule)
    with pytest.raises(InputError, match=r"another config \(schedule\.ema, seed changed\)"):
        run(changed, data, trained, resume=True)


def test_a_run_without_checkpoint_cannot_be_resumed(config: TrainingConfig, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to resume"):
        run(config, data, tmp_path, resume=True)


def test_a_damaged_checkpoint_is_named(config: TrainingConfig, data: Path, tmp_path: Path) -> None:
    (tmp_path / "state.npz").write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(InputError, match=r"state\.npz is damaged"):
        run(config, data, tmp_path, resume=True)


def test_a_loss_that_is_no_number_names_the_photos(
    config: TrainingConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    losses = iter([1.0, 0.5, math.nan])
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda *_, **__: {"loss": next(losses)})
    with pytest.raises(InputError, match=r"nan at step 3, with the photos (discs|plain)/images/\d\.png"):
        run(config, data, tmp_path)
    assert not (tmp_path / "weights.npz").exists()


def test_held_back_photos_are_not_drawn(config: TrainingConfig, data: Path, tmp_path: Path) -> None:
    from portraitlite.convert.training.sets import load_sets
    from portraitlite.convert.training.validation import read_validation

    lists = read_validation(data / "held_back.toml")
    sets = load_sets(config, data, tmp_path, set().union(*(one.keys for one in lists)), lambda *_: None)
    drawn = {sample.key for photos in sets.values() for sample in photos.samples}
    assert len(drawn) == 13
    assert not drawn & {"discs/images/0.png", "discs/images/1.png", "plain/images/0.png"}


def test_a_set_with_nothing_left_is_named(config: TrainingConfig, data: Path, tmp_path: Path) -> None:
    from portraitlite.convert.training.config import Only

    plain = dataclasses.replace(config.datasets[1], only=Only.SUBJECT)
    with pytest.raises(InputError, match="data set plain: no photo is left"):
        run(dataclasses.replace(config, datasets=(config.datasets[0], plain)), data, tmp_path)


def test_int8_agrees_with_float(trained: Path, data: Path, config: TrainingConfig, tmp_path: Path) -> None:
    from portraitlite.convert.infer import SpecFlags
    from portraitlite.convert.networks import build_network
    from portraitlite.convert.pipeline import ConvertOptions, convert
    from portraitlite.convert.sources.npz import read_npz
    from portraitlite.convert.weights import load_variables
    from portraitlite.runtime.backends import open_model
    from portraitlite.runtime.types import Fit, OutputKind

    options = ConvertOptions(
        output=OutputKind.LOGITS, flags=SpecFlags(crop=(65, 65)), calibrate=data / "discs" / "images", fit=Fit.STRETCH
    )
    convert(trained / "weights.npz", tmp_path / "int8.tflite", options)
    runner = open_model((tmp_path / "int8.tflite").read_bytes())
    network = build_network(config.network)
    load_variables(network, read_npz(trained / "weights.npz"))
    for name in ("2.png", "5.png"):
        photo = np.asarray(Image.open(data / "discs" / "images" / name).resize((65, 65), Image.Resampling.BILINEAR))
        exact = np.asarray(network.model((photo[None] / 127.5 - 1).astype(np.float32)))
        (stored,) = runner.run({runner.inputs[0].name: photo[None]})
        found = runner.outputs[0].dequantize(stored)
        assert np.abs(found - exact).mean() < 0.05 * np.ptp(exact)
        disc, expected = (maps[..., 1] > maps[..., 0] for maps in (found, exact))
        assert expected.mean() > 0.05
        assert (disc != expected).mean() < 0.03


ONE_STEP = """
import json, sys
import numpy as np
from pathlib import Path
import dataclasses
from portraitlite.convert.sources.npz import pack_npz
from portraitlite.convert.training.config_file import load_config
from portraitlite.convert.training.sets import load_sets
from portraitlite.convert.training.trainer import Folders, start
from portraitlite.convert.training.batches import BatchMaker
from portraitlite.convert.networks import build_network
from portraitlite.convert.weights import official_variables

data, out = Path(sys.argv[1]), Path(sys.argv[2])
config = load_config(data / "config.toml")
folders = Folders(data, data, out, out)
network, model = start(config, folders)
batch = BatchMaker(config, load_sets(config, data, out, (), lambda *_: None))(0)
before = {name: value.copy() for name, value in official_variables(network).items()}
logs = model.train_on_batch(batch.image, batch.targets, return_dict=True)
after = official_variables(network)
np.savez(out / "step.npz", loss=float(logs["loss"]), **{name: after[name] - before[name] for name in after})
"""


@pytest.mark.parametrize("other", ["jax", "torch"])
def test_one_step_is_the_same_on_other_backends(other: str, data: Path, tmp_path: Path) -> None:
    pytest.importorskip(other, reason=f"needs {other}: pip install {other}")
    found = {}
    for backend in ("tensorflow", other):
        out = tmp_path / backend
        out.mkdir()
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(ROOT / "src"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        command = [sys.executable, "-c", ONE_STEP, str(data), str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(out / "step.npz") as archive:
            found[backend] = {name: archive[name] for name in archive.files}
    one, two = found["tensorflow"], found[other]
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)
    # Adam's first step is the rate times the gradient's sign: it tells rates and signs, where gradients are not tiny.
    for name in one.keys() - {"loss"}:
        rate = 1e-2 if name.startswith("decoder/") else 1e-3
        assert np.abs(one[name]).max() < 1.01 * rate
        assert (np.abs(one[name] - two[name]) < 0.05 * rate).mean() > 0.98, name
