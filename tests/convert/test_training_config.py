"""Configs and validation lists: the shipped ones are whole, and every slip is named with its place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.config_file import config_from_dict, load_config
from portraitlite.convert.training.validation import evaluate, read_validation
from portraitlite.runtime.errors import InputError

TRAINING = Path(__file__).resolve().parents[2] / "convert" / "training"
SHIPPED = sorted((TRAINING / "configs").glob("*.toml"))
SMALL = """
seed = 1
labels = ["background", "person"]
subject = "person"
[network]
classes = 2
crop_height = 65
crop_width = 97
[schedule]
steps = 5
rates = { "" = 1e-3 }
[losses]
teacher_share = 0.0
[[datasets]]
name = "one"
kind = "folder"
images = "i"
masks = "m"
share = 1
"""


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configs_are_whole(path: Path) -> None:
    config = load_config(path)
    lists = read_validation(path.parent / config.validation.list)
    assert {one.name: len(one.files) for one in lists} == {
        "coco": 100,
        "coco_groups": 60,
        "portrait_cutouts": 40,
        "street_fashion": 60,
        "voc_people": 40,
        "voc_empty": 100,
    }
    folders = {dataset.images for dataset in config.datasets}
    assert {one.images for one in lists} <= folders
    for where in (*folders, config.start.weights, *(teacher.model for teacher in config.teachers)):
        assert not Path(where).is_absolute()
        assert ".." not in Path(where).parts


def test_a_config_survives_json(tmp_path: Path) -> None:
    for path in SHIPPED:
        config = load_config(path)
        assert config_from_dict(json.loads(json.dumps(config.to_dict())), "it") == config


def load(tmp_path: Path, text: str) -> TrainingConfig:
    (tmp_path / "c.toml").write_text(text)
    return load_config(tmp_path / "c.toml")


def test_the_small_config_is_fine(tmp_path: Path) -> None:
    config = load(tmp_path, SMALL)
    assert config.subject_index == 1
    assert config.datasets[0].share == 1.0
    assert config.network.crop_width == 97


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 1", "seeds = 1", r"c\.toml: unknown keys \['seeds'\]"),
        ("seed = 1", "", r"c\.toml: the keys \['seed'\] are missing"),
        ("seed = 1", 'seed = "a"', r"c\.toml: seed: expected int, found 'a'"),
        ("seed = 1", "seed = true", r"c\.toml: seed: expected int, found True"),
        ("seed = 1", "seed = 1\nseed = 2", r"c\.toml is not TOML"),
        ("steps = 5", "steps = 0", "schedule needs steps"),
        ("steps = 5", "steps = 5\nstart_share = 1", "start_share must be at least 0 and below 1"),
        ("steps = 5", "steps = 5\nstart_share = 0.5", "above 0 it needs start.weights"),
        ('"" = 1e-3', '"" = 0.0', "one must be above 0"),
        ('"" = 1e-3', '"" = "fast"', r"schedule: rates\.: expected float, found 'fast'"),
        ("classes = 2", "classes = 3", "the network has 3 classes, but 2 labels"),
        ("crop_width = 97", "crop_width = 96", r"train at sides of 16k\+1, not 65x96"),
        ('subject = "person"', 'subject = "dog"', "the subject 'dog' is not one of the labels"),
        ('kind = "folder"', 'kind = "zip"', r"datasets 1: kind: 'zip' is not one of folder, voc, coco, boxes, photos"),
        ('kind = "folder"', 'kind = "photos"', "the data set one needs a teacher of all classes"),
        ("share = 1", "share = 0", "positive share"),
        ("teacher_share = 0.0", "", "teacher_share needs a teacher"),
        ('"background", "person"', '"person", "person"', "2 to 254 different names"),
        ("[losses]", '[augmentation]\npaste_subjects = ["two"]\n[losses]', "paste names the data set 'two'"),
    ],
)
def test_slips_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError, match=message):
        load(tmp_path, SMALL.replace(old, new, 1))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.toml cannot be read"):
        load_config(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    "text", ["", "lists = 3", "[[lists]]\nname = 'x'", "[[lists", "lists = [{name='a', kind='zip'}]"]
)
def test_bad_lists_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(InputError, match=r"list\.toml"):
        read_validation(tmp_path / "list.toml")


def test_scores_count_pixels_over_a_whole_list(tmp_path: Path) -> None:
    """Two photos with a subject in a VOC list, one without in another; predictions are known."""
    for name in ("i", "m"):
        (tmp_path / name).mkdir()
    masks = {
        "a": np.zeros((40, 50), np.uint8),
        "b": np.zeros((60, 50), np.uint8),
        "empty": np.zeros((40, 50), np.uint8),
    }
    masks["a"][:20] = 1
    masks["b"][:, :10] = 1
    masks["b"][:, 40:] = 255
    for name, mask in masks.items():
        Image.new("RGB", mask.shape[::-1]).save(tmp_path / "i" / f"{name}.png")
        Image.fromarray(mask).save(tmp_path / "m" / f"{name}.png")
    (tmp_path / "list.toml").write_text(
        '[[lists]]\nname="people"\nkind="voc"\nimages="i"\nmasks="m"\nfiles=["a.png","b.png"]\n'
        '[[lists]]\nname="nobody"\nkind="voc"\nimages="i"\nmasks="m"\nfiles=["empty.png"]\n'
    )

    def predict(photo: np.ndarray) -> np.ndarray:
        """Subject in the upper 10 rows, 'sky' in the next 5, else background."""
        probabilities = np.zeros((*photo.shape[:2], 3), np.float32)
        probabilities[..., 0] = 1
        probabilities[:10] = [0.1, 0.9, 0]
        probabilities[10:15] = [0.2, 0, 0.8]
        return probabilities

    lists = read_validation(tmp_path / "list.toml")
    scores = evaluate(lists, tmp_path, predict, 3, 1, splits=((2, 0),))
    # a: 500 of 1000 found; b: 100 of 600 found, 300 too much, the unknown columns left out.
    assert scores["people"]["subject_iou"] == pytest.approx((500 + 100) / (1000 + 600 + 300))
    assert scores["nobody"]["false_subject"] == pytest.approx(500 / 2000)
    inter, union = 600, 1900 + 500
    background = (2000 - 1000) + (2400 - 600 - 300) + (2000 - 500)
    wrong = 500 + 300 + 500 + 500
    assert scores["all"]["mean_iou"] == pytest.approx((inter / union + background / (background + wrong)) / 2)
    assert set(evaluate(lists, tmp_path, predict, 3, 1, limit=1)) == {"people", "nobody", "all"}


def test_a_missing_validation_photo_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text('[[lists]]\nname="x"\nkind="voc"\nimages="i"\nmasks="m"\nfiles=["gone.jpg"]\n')
    with pytest.raises(InputError, match=r"i/gone\.jpg or its mask is missing"):
        evaluate(read_validation(tmp_path / "list.toml"), tmp_path, lambda _: np.zeros((1, 1, 2), np.float32), 2, 1)
