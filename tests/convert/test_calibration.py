"""Which photos are chosen, and how a quantized file is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portraitlite.convert.agreement import Agreement, PhotoAgreement
from portraitlite.convert.calibration import calibration_set, list_photos
from portraitlite.runtime.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty grey photos of rising brightness, names in another order."""
    for i in range(20):
        name = f"{(i * 7) % 20:02}_{i:02}.png"
        Image.new("RGB", (64, 48), (i * 12, i * 12, i * 12)).save(tmp_path / name)
    return tmp_path


def _levels(files: tuple[Path, ...]) -> list[int]:
    return [int(path.stem.split("_")[1]) for path in files]


def test_photos_are_spread_over_brightness(folder: Path) -> None:
    chosen = calibration_set(folder, 5)
    assert _levels(chosen.files) == [0, 4, 8, 12, 16]
    assert len(chosen.spare) == 15
    assert not set(chosen.files) & set(chosen.spare)
    assert calibration_set(folder, 5).sha256 == chosen.sha256
    assert calibration_set(folder, 6).sha256 != chosen.sha256
    assert len(calibration_set(folder, 100).files) == 20


def test_classes_not_yet_shown_come_first(folder: Path) -> None:
    """Only the third-brightest candidate shows class 7; without a judge it would not be taken."""
    candidates = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    shown = {level: frozenset({0}) for level in candidates} | {14: frozenset({0, 7})}
    asked: list[int] = []

    def judge(path: Path) -> frozenset[int]:
        level = int(path.stem.split("_")[1])
        asked.append(level)
        return shown[level]

    levels = _levels(calibration_set(folder, 5, judge=judge).files)
    assert 14 in levels
    assert levels == sorted(levels)
    assert sorted(asked) == candidates


def test_duplicates_and_unreadable_files_are_reported(folder: Path) -> None:
    first = sorted(folder.iterdir())[0]
    (folder / "zz_copy.png").write_bytes(first.read_bytes())
    (folder / "zz_broken.jpg").write_bytes(b"no picture")
    chosen = calibration_set(folder, 50)
    assert chosen.duplicates == ("zz_copy.png",)
    assert [name for name, _ in chosen.unreadable] == ["zz_broken.jpg"]
    assert len(chosen.files) == 20


def test_a_list_file_is_taken_as_it_is(folder: Path) -> None:
    names = [path.name for path in sorted(folder.glob("*.png"))[:4]][::-1]
    (folder / "list.txt").write_text("# my photos\n" + "\n".join(names) + "\n\nabsent.png\n")
    chosen = calibration_set(folder / "list.txt", 3)
    assert [path.name for path in chosen.files] == names[:3]
    assert [path.name for path in chosen.spare] == names[3:]
    assert [name for name, _ in chosen.unreadable] == ["absent.png"]


def test_sources_that_cannot_serve(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    for name, reason in (
        ("absent", "is not a folder"),
        ("empty.txt", "lists no photos"),
        ("binary.txt", "is not text"),
        ("folder", "holds no photos"),
    ):
        with pytest.raises(InputError, match=reason):
            list_photos(tmp_path / name)
    Image.new("RGB", (64, 64)).save(tmp_path / "folder" / "a.png")
    with pytest.raises(InputError, match="at least 1"):
        calibration_set(tmp_path / "folder", 0)


def test_agreement_names_the_worst_photo() -> None:
    agreement = Agreement((PhotoAgreement("a", 0.9), PhotoAgreement("b", 0.7), PhotoAgreement("c", 0.95)), True, (3,))
    assert agreement.mean == pytest.approx(0.85)
    assert agreement.worst.photo == "b"
    assert agreement.to_dict()["worst_labels_equal"] == 0.7


def test_grey_and_tiny_photos_serve(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 50), 128, np.uint8)).save(tmp_path / "grey.png")
    assert len(calibration_set(tmp_path).files) == 1
