from __future__ import annotations

from pathlib import Path

import pytest

from portraitlite.benchmarks.accuracy.label_map import IGNORED, UNMAPPED, LabelMap, read_label_map
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.labels import label_set


def test_models_are_read_in_scored_classes() -> None:
    person, voc = read_label_map("person"), read_label_map("voc")
    assert person.model_table(("background", "dog", "person"), "m").tolist() == [0, 0, 1]
    assert voc.model_table(label_set("voc_sky"), "m").tolist() == [*range(21), 0]
    assert voc.labels == label_set("voc")


def test_a_class_without_a_place_is_an_error() -> None:
    voc = read_label_map("voc")
    with pytest.raises(InputError, match=r"m\.tflite knows a class 'wall' that is not scored"):
        voc.model_table((*label_set("voc"), "wall"), "m.tflite")
    with pytest.raises(InputError, match=r"m\.tflite knows no class 'tv', which is scored"):
        voc.model_table(label_set("voc")[:-1], "m.tflite")
    with pytest.raises(InputError, match="the set has a class 'cat' that is not scored"):
        LabelMap(("a", "b")).data_table({0: "a", 1: "b", 2: "cat"}, 255, "the set")


def test_masks_are_read_in_scored_classes() -> None:
    mapping = LabelMap(("rest", "cat"), {"dog": "ignore", "*": "rest", "9": "cat"})
    table = mapping.data_table({0: "sky", 1: "cat", 2: "dog"}, 255, "the set")
    assert [table[i] for i in (0, 1, 2, 3, 9, 255)] == [0, 1, IGNORED, UNMAPPED, UNMAPPED, IGNORED]
    plain = LabelMap(("rest", "cat"), {"7": "cat", "*": "rest"}).data_table({}, None, "the set")
    assert [plain[i] for i in (0, 7, 255)] == [UNMAPPED, 1, UNMAPPED]  # the rest is never guessed from values
    with pytest.raises(InputError, match="no value of the masks"):
        LabelMap(("rest", "cat")).data_table({}, None, "the set")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "schema_version is None"),
        ("schema_version = 2", "schema_version is 2"),
        ('schema_version = 1\nlabels = ["a"]', "2 to 254"),
        ('schema_version = 1\nlabels = ["a", "a"]', "2 to 254"),
        ('schema_version = 1\nlabels = ["a", "b"]\n[model]\nx = "c"', "x = 'c' is no scored class"),
        ('schema_version = 1\nlabels = ["a", "b"]\n[model]\nx = "ignore"', "is no scored class"),
        ('schema_version = 1\nlabels = ["a", "b"]\nlables = 1', "unknown keys lables"),
        ("schema_version = 1", "lacks labels"),
        ('schema_version = 1\nlabels = "ab"', "labels is str"),
        ('schema_version = 1\nlabels = ["a", "b"]\n[data]\nx = 1', "x is int"),
        ("labels = " + 9999 * "[", "is not a label map"),
        ("labels = [", "is not a label map"),
    ],
)
def test_what_is_no_label_map(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        read_label_map(path)


def test_an_unknown_name_lists_the_bundled_ones() -> None:
    with pytest.raises(InputError, match="give a file or person, voc"):
        read_label_map("nobody")
