"""Every layout on a data set of two photos, and what is wrong with data sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_segmenter import save_photo_and_mask

from portraitlite.benchmarks.accuracy.datasets import open_dataset
from portraitlite.benchmarks.accuracy.label_map import IGNORED, UNMAPPED
from portraitlite.benchmarks.accuracy.sample import read_alpha, read_labels
from portraitlite.runtime.errors import InputError

SEEN = np.zeros((6, 8), np.uint8)


def mask(value: int = 15) -> np.ndarray:
    labels = np.zeros((6, 8), np.uint8)
    labels[2:, 3:], labels[0] = value, 255
    return labels


def voc(root: Path, value: int = 15) -> Path:
    for name in ("b", "a"):
        save_photo_and_mask(root / f"JPEGImages/{name}.jpg", root / f"SegmentationClass/{name}.png", SEEN, mask(value))
    (root / "ImageSets/Segmentation").mkdir(parents=True, exist_ok=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("b\na\n")
    return root


def labels_of(dataset: str, **options: str) -> list[list[int]]:
    """The distinct scored labels of every photo."""
    data = open_dataset(dataset, **options)  # type: ignore[arg-type]
    return [
        np.unique(read_labels(sample, 6, 8, data.table, data.subject or 0)).tolist()
        for unit in data.units
        for sample in unit
    ]


def test_voc(tmp_path: Path) -> None:
    data = open_dataset(f"voc:{voc(tmp_path)}")
    assert [unit[0].key for unit in data.units] == ["b", "a"]  # the list's order
    assert (len(data.labels), data.subject, data.split) == (21, 15, "val")
    assert labels_of(f"voc:{tmp_path}") == [[0, 15, IGNORED]] * 2
    assert labels_of(f"voc:{tmp_path}", label_map="person") == [[0, 1, IGNORED]] * 2


def test_voc_palette_masks_are_read_as_indices(tmp_path: Path) -> None:
    voc(tmp_path)
    picture = Image.fromarray(mask())
    palette = Image.frombytes("P", picture.size, picture.tobytes())
    palette.putpalette([255, 0, 0] * 256)
    palette.save(tmp_path / "SegmentationClass/a.png")
    assert labels_of(f"voc:{tmp_path}")[1] == [0, 15, IGNORED]


def test_ade20k_counts_from_one_and_ignores_zero(tmp_path: Path) -> None:
    save_photo_and_mask(
        tmp_path / "images/validation/x.jpg",
        tmp_path / "annotations/validation/x.png",
        SEEN,
        np.array(mask(13) % 255, np.uint8),
    )
    data = open_dataset(f"ade20k:{tmp_path}")
    assert data.labels[13] == "person"
    assert len(data.labels) == 151
    assert data.table[0] == IGNORED
    assert data.table[151] == UNMAPPED
    assert labels_of(f"ade20k:{tmp_path}") == [[13, IGNORED]]


def test_cityscapes(tmp_path: Path) -> None:
    photo = tmp_path / "leftImg8bit/val/ulm/u_1_leftImg8bit.png"
    truth = tmp_path / "gtFine/val/ulm/u_1_gtFine_labelTrainIds.png"
    save_photo_and_mask(photo, truth, SEEN, mask(11))
    data = open_dataset(f"cityscapes:{tmp_path}")
    assert (data.labels[11], len(data.labels), data.units[0][0].key) == ("person", 19, "ulm/u_1")
    assert labels_of(f"cityscapes:{tmp_path}") == [[0, 11, IGNORED]]
    truth.unlink()
    with pytest.raises(InputError, match="createTrainIdLabelImgs"):
        open_dataset(f"cityscapes:{tmp_path}")


def test_cityscapes_as_it_is_downloaded(tmp_path: Path) -> None:
    photo = tmp_path / "leftImg8bit/val/ulm/u_1_leftImg8bit.png"
    folder = tmp_path / "gtFine/val/ulm"
    ids = np.arange(34, dtype=np.uint8).reshape(2, 17)
    save_photo_and_mask(photo, folder / "u_1_gtFine_labelIds.png", np.zeros((2, 17), np.uint8), ids)
    data = open_dataset(f"cityscapes:{tmp_path}")
    labels = read_labels(data.units[0][0], 2, 17, data.table, data.subject or 0).ravel()
    # By the official names: what is not among the 19 does not count.
    official = (
        "_ _ _ _ _ _ _ road sidewalk _ _ building wall fence _ _ _ pole _ traffic_light traffic_sign vegetation "
        "terrain sky person rider car truck bus _ _ train motorcycle bicycle"
    )
    names = [name.replace(" ", "_") for name in data.labels]
    assert [names[i] if i != IGNORED else "_" for i in labels.tolist()] == official.split()
    assert (data.table[255], data.table[34]) == (IGNORED, UNMAPPED)
    people = open_dataset(f"cityscapes:{tmp_path}", label_map="person")
    assert np.flatnonzero(people.table == 1).tolist() == [24, 25]
    # Where train ids have been made they are taken, for every photo.
    save_photo_and_mask(photo, folder / "u_1_gtFine_labelTrainIds.png", np.zeros((2, 17), np.uint8), ids % 19)
    assert open_dataset(f"cityscapes:{tmp_path}").table[18] == 18
    save_photo_and_mask(
        photo.with_name("u_2_leftImg8bit.png"), folder / "u_2_gtFine_labelIds.png", np.zeros((2, 17), np.uint8), ids
    )
    with pytest.raises(InputError, match=r"u_2_gtFine_labelTrainIds\.png is missing"):
        open_dataset(f"cityscapes:{tmp_path}")


def coco(root: Path, category: str) -> None:
    save_photo_and_mask(root / "val2017/7.jpg", root / "unused.png", SEEN, mask())
    square = [2, 2, 6, 2, 6, 5, 2, 5]
    document = {
        "categories": [{"id": 4, "name": category}, {"id": 9, "name": "kite"}],
        "images": [{"id": 7, "file_name": "7.jpg"}],
        "annotations": [
            {"image_id": 7, "category_id": 4, "iscrowd": 0, "segmentation": [square]},
            {"image_id": 7, "category_id": 9, "iscrowd": 0, "segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]]},
        ],
    }
    (root / "annotations").mkdir()
    (root / "annotations/instances_val2017.json").write_text(json.dumps(document))


def test_coco_in_the_words_of_voc_and_in_its_own(tmp_path: Path) -> None:
    coco(tmp_path, "couch")
    assert labels_of(f"coco:{tmp_path}") == [[0, 18]]  # sofa; kites are background
    own = tmp_path / "own.toml"
    own.write_text('schema_version = 1\nlabels = ["background", "couch", "toy"]\n[data]\nkite = "toy"\n')
    assert labels_of(f"coco:{tmp_path}", label_map=str(own)) == [[0, 1, 2]]
    for rest in ("toy", "ignore"):  # nothing is drawn for the rest
        own.write_text(f'schema_version = 1\nlabels = ["background", "couch", "toy"]\n[data]\n"*" = "{rest}"\n')
        with pytest.raises(InputError, match=r"`\*` counts as it, and no category can be ignored"):
            open_dataset(f"coco:{tmp_path}", label_map=str(own))


def test_folders_need_a_label_map(tmp_path: Path) -> None:
    save_photo_and_mask(tmp_path / "images/x.png", tmp_path / "masks/x.png", SEEN, np.array(mask(128), np.uint8))
    assert labels_of(f"folder:{tmp_path}", label_map="person") == [[0, 1, IGNORED]]
    with pytest.raises(InputError, match="--label-map"):
        open_dataset(f"folder:{tmp_path}")
    save_photo_and_mask(tmp_path / "images/x.png", tmp_path / "masks/x.png", SEEN, mask(7))
    with pytest.raises(InputError, match=r"x\.png holds 7, which is no class"):
        labels_of(f"folder:{tmp_path}", label_map="person")


def test_mattes_and_clips(tmp_path: Path) -> None:
    for name in ("single", "clip/0", "clip/1"):
        save_photo_and_mask(tmp_path / f"images/{name}.png", tmp_path / f"alphas/{name}.png", SEEN, mask(128))
    data = open_dataset(f"alpha:{tmp_path}")
    assert [[sample.key for sample in unit] for unit in data.units] == [["single.png"], ["clip/0.png", "clip/1.png"]]
    assert data.samples == 3
    assert labels_of(f"alpha:{tmp_path}") == [[0, 1]] * 3
    alpha = read_alpha(data.units[0][0], 6, 8)
    assert alpha is not None
    assert alpha[3, 4] == 128


def test_the_bundled_set_is_whole() -> None:
    data = open_dataset("regression")
    assert (data.samples, data.labels) == (17, ("background", "person"))
    assert max(len(unit) for unit in data.units) == 4


@pytest.mark.parametrize("labels", ['"rest", "cat"', '"background", "person", "cat"'])
def test_mattes_need_a_subject_and_the_rest(tmp_path: Path, labels: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'schema_version = 1\nlabels = [{labels}]\n[data]\n0 = "cat"\n')
    with pytest.raises(InputError, match="two scored classes, one of them the subject"):
        open_dataset("regression", label_map=own)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("voc", "is not KIND:PATH"),
        ("pascal:{}", "kinds are voc, coco"),
        ("regression:{}", "is not KIND:PATH"),
        ("voc:{}/nowhere", "lists its photos there"),
        ("folder:{}", "is not a folder"),
    ],
)
def test_what_is_no_data_set(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_dataset(text.format(tmp_path), label_map="person")


def test_missing_and_wrong_labels_are_named(tmp_path: Path) -> None:
    voc(tmp_path)
    with pytest.raises(InputError, match="'unicorn' is not scored"):
        open_dataset(f"voc:{tmp_path}", subject="unicorn")
    save_photo_and_mask(tmp_path / "JPEGImages/a.jpg", tmp_path / "SegmentationClass/a.png", SEEN, mask(30))
    with pytest.raises(InputError, match="mask of a holds 30"):
        labels_of(f"voc:{tmp_path}")
    save_photo_and_mask(tmp_path / "JPEGImages/a.jpg", tmp_path / "SegmentationClass/a.png", SEEN, mask()[:3])
    with pytest.raises(InputError, match="8x3, its photo 8x6"):
        labels_of(f"voc:{tmp_path}")
    (tmp_path / "SegmentationClass/a.png").unlink()
    with pytest.raises(InputError, match="is missing; every photo needs its labels"):
        open_dataset(f"voc:{tmp_path}")
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("")
    with pytest.raises(InputError, match="is empty"):
        open_dataset(f"voc:{tmp_path}")
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("../../secret\n")
    with pytest.raises(InputError, match="without folders"):
        open_dataset(f"voc:{tmp_path}")
