"""Data sets of every layout become the same label maps, and bad data is named before anything else happens."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portraitlite.benchmarks.accuracy.coco import Instance, draw_instances, read_instances
from portraitlite.convert.training.config import DatasetConfig, DatasetKind, Only
from portraitlite.convert.training.datasets import OTHER, UNKNOWN, find_samples, read_labels, readable_samples
from portraitlite.runtime.errors import InputError

LABELS = ("background", "cat", "person")
PERSON = 2


@pytest.fixture
def folder_set(tmp_path: Path) -> DatasetConfig:
    """Four 40x32 photos; the subject is the left half of the first two."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    rng = np.random.default_rng(3)
    for i in range(4):
        Image.fromarray(rng.integers(0, 256, (32, 40, 3), np.uint8)).save(tmp_path / "images" / f"p{i}.jpg")
        mask = np.zeros((32, 40), np.uint8)
        mask[:, :20] = 255 if i < 2 else 0
        mask[0] = 128
        Image.fromarray(mask).save(tmp_path / "masks" / f"p{i}.png")
    return DatasetConfig("made", DatasetKind.FOLDER, "images", 1.0, masks="masks")


def test_a_subject_mask_becomes_a_label_map(folder_set: DatasetConfig, tmp_path: Path) -> None:
    sample = find_samples(folder_set, tmp_path, LABELS)[0]
    labels = read_labels(sample, 32, 40, len(LABELS), PERSON)
    assert (labels[1:, :20] == PERSON).all()
    assert (labels[1:, 20:] == OTHER).all()
    assert (labels[0] == UNKNOWN).all()
    assert not sample.taught


@pytest.mark.parametrize(("only", "count"), [(Only.ALL, 4), (Only.SUBJECT, 2), (Only.NO_SUBJECT, 2)])
def test_photos_are_chosen_by_what_they_show(folder_set: DatasetConfig, tmp_path: Path, only: Only, count: int) -> None:
    samples = readable_samples(find_samples(folder_set, tmp_path, LABELS), only, len(LABELS), PERSON)
    assert len(samples) == count


def test_voc_ids_are_kept(folder_set: DatasetConfig, tmp_path: Path) -> None:
    mask = Image.fromarray(np.tile(np.array([0, 1, 2, 255], np.uint8), (32, 10)))
    mask.putpalette([i % 256 for i in range(768)])
    mask.save(tmp_path / "masks" / "p0.png")
    sample = find_samples(dataclasses.replace(folder_set, kind=DatasetKind.VOC), tmp_path, LABELS)[0]
    labels = read_labels(sample, 32, 40, len(LABELS), PERSON)
    assert labels[0, :4].tolist() == [0, 1, 2, UNKNOWN]


def test_pixels_outside_every_box_are_other(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (100, 50)).save(tmp_path / "images" / "a.jpg")
    (tmp_path / "boxes.json").write_text(json.dumps({"a": [[0.25, 0.5, 0.2, 0.4]]}))
    config = DatasetConfig("boxes", DatasetKind.BOXES, "images", 1.0, annotations="boxes.json")
    (sample,) = find_samples(config, tmp_path, LABELS)
    labels = read_labels(sample, 50, 100, len(LABELS), PERSON)
    inside = np.argwhere(labels == UNKNOWN)
    assert sample.taught
    assert set(np.unique(labels)) == {OTHER, UNKNOWN}
    assert inside.min(axis=0).tolist() == [14, 14]
    assert inside.max(axis=0).tolist() == [35, 35]


def test_coco_polygons_runs_and_crowds(tmp_path: Path) -> None:
    square = [2.0, 1.0, 5.0, 1.0, 5.0, 3.0, 2.0, 3.0]
    # Columns of 4 pixels: 4 empty, 3 set, 13 empty, 4 set.
    runs = {"size": [4, 6], "counts": [4, 3, 13, 4]}
    document = {
        "images": [{"id": 7, "file_name": "x.jpg"}, {"id": 8, "file_name": "empty.jpg"}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "kitty"}, {"id": 3, "name": "spoon"}],
        "annotations": [
            {"image_id": 7, "category_id": 2, "segmentation": [square], "iscrowd": 0},
            {"image_id": 7, "category_id": 1, "segmentation": runs, "iscrowd": 1},
            {"image_id": 7, "category_id": 3, "segmentation": [square], "iscrowd": 0},
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(document))
    found = read_instances(tmp_path / "instances.json", LABELS, {"kitty": "cat"})
    labels = draw_instances(found["x.jpg"], 4, 6, UNKNOWN, "x.jpg")
    expected = np.zeros((4, 6), np.uint8)
    expected[:3, 1] = expected[:, 5] = UNKNOWN
    expected[1:4, 2:6] = 1
    assert labels.tolist() == expected.tolist()
    assert found["empty.jpg"] == ()


def test_compressed_runs_are_the_same_runs() -> None:
    def pack(counts: list[int]) -> str:
        """The encoder of the COCO API, written from its description."""
        text = ""
        for i, count in enumerate(counts):
            value = count - counts[i - 2] if i > 2 else count
            more = True
            while more:
                code = value & 31
                value >>= 5
                more = value != (-1 if code & 16 else 0)
                text += chr((code | 32 if more else code) + 48)
        return text

    counts = [300, 45, 955, 70, 30, 1000]
    plain = draw_instances((Instance(1, False, {"size": [40, 60], "counts": counts}),), 40, 60, UNKNOWN, "x")
    packed = draw_instances((Instance(1, False, {"size": [40, 60], "counts": pack(counts)}),), 40, 60, UNKNOWN, "x")
    assert plain.sum() == 45 + 70 + 1000
    assert (plain == packed).all()


def spoil_size(root: Path) -> str:
    Image.fromarray(np.zeros((32, 41), np.uint8)).save(root / "masks" / "p2.png")
    return "p2.png is 41x32, its photo 40x32"


def spoil_value(root: Path) -> str:
    Image.fromarray(np.full((32, 40), 7, np.uint8)).save(root / "masks" / "p1.png")
    return "p1.png holds 7"


def spoil_photo(root: Path) -> str:
    path = root / "images" / "p3.jpg"
    path.write_bytes(path.read_bytes()[:300])
    return "p3.jpg"


def spoil_mask(root: Path) -> str:
    (root / "masks" / "p0.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    return "p0.png cannot be read"


def lose_mask(root: Path) -> str:
    (root / "masks" / "p2.png").unlink()
    return "masks/p2.png is missing"


def empty_folder(root: Path) -> str:
    for path in (root / "images").iterdir():
        path.unlink()
    return "images holds no photos"


def colour_mask(root: Path) -> str:
    Image.new("RGB", (40, 32)).save(root / "masks" / "p0.png")
    return "p0.png has mode RGB"


@pytest.mark.parametrize(
    "spoil", [spoil_size, spoil_value, spoil_photo, spoil_mask, lose_mask, empty_folder, colour_mask]
)
def test_bad_data_is_named(folder_set: DatasetConfig, tmp_path: Path, spoil: Callable[[Path], str]) -> None:
    message = spoil(tmp_path)
    with pytest.raises(InputError) as caught:
        readable_samples(find_samples(folder_set, tmp_path, LABELS), Only.ALL, len(LABELS), PERSON)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_voc_label_out_of_range_is_named(folder_set: DatasetConfig, tmp_path: Path) -> None:
    Image.fromarray(np.full((32, 40), 3, np.uint8)).save(tmp_path / "masks" / "p0.png")
    samples = find_samples(dataclasses.replace(folder_set, kind=DatasetKind.VOC), tmp_path, LABELS)
    with pytest.raises(InputError, match=r"p0\.png holds label 3; expected 0\.\.2 or 255"):
        readable_samples(samples, Only.ALL, len(LABELS), PERSON)


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        '{"a": [[1, 2, 3]]}',
        '{"a": [["x", 0, 0, 0]]}',
        "{",
        '{"a": [[1e999, 0, 0, 0]]}',
        f'{{"a": [[1{400 * "0"}, 0, 0, 0]]}}',
        9999 * "[",
    ],
)
def test_bad_boxes_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (50, 50)).save(tmp_path / "images" / "a.jpg")
    (tmp_path / "boxes.json").write_text(text)
    config = DatasetConfig("boxes", DatasetKind.BOXES, "images", 1.0, annotations="boxes.json")
    with pytest.raises(InputError, match=r"boxes\.json"):
        find_samples(config, tmp_path, LABELS)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [4, 6], "counts": [4, 3]},
        {"size": [6, 4], "counts": [24]},
        {"size": [4, 6], "counts": [-1, 25]},
        {"size": [4, 6], "counts": [2**63 - 1, 2**63 - 1, 26]},
        {"size": [4, 6], "counts": [10**30]},
        {"size": [4, 6], "counts": 99 * "o"},
        {"size": [4, 6], "counts": "H\x10"},
        [[10**400, 0, 1, 1, 2, 2]],
        [[1.0]],
        ["abc"],
        5,
    ],
)
def test_bad_coco_segmentations_name_the_photo(segmentation: object) -> None:
    with pytest.raises(InputError, match=r"some\.jpg"):
        draw_instances((Instance(1, False, segmentation),), 4, 6, UNKNOWN, "some.jpg")


@pytest.mark.parametrize(
    "text", ["[]", "{}", "nothing", 9999 * "[", '{"images": 3, "categories": [], "annotations": []}']
)
def test_a_json_that_is_not_coco_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json is not a COCO"):
        read_instances(tmp_path / "x.json", LABELS, {})
