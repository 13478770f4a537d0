"""Crops, targets and losses: every array must show the same pixels, and every term must mean what it says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from portraitlite.convert.training.colour import change_colours
from portraitlite.convert.training.config import AugmentationConfig, DatasetKind, LossConfig
from portraitlite.convert.training.crop import Window, choose_window
from portraitlite.convert.training.datasets import OTHER, UNKNOWN, Sample
from portraitlite.convert.training.targets import targets
from portraitlite.convert.training.view import View, paste, view

SIZE, STRIDE, N = (65, 65), 4, 17
CLASSES, PERSON, SKY = 4, 2, 3
NO_AUGMENTATION = AugmentationConfig(
    whole=0, framing=0, zoom=0, colour=0, gray=0, blur=0, noise=0, jpeg=0, smallest_area=0.3
)


def sample_of(kind: DatasetKind) -> Sample:
    from pathlib import Path

    return Sample("images/x.jpg", Path("x.jpg"), kind)


def position_teacher(window: Window, at_y: np.ndarray, at_x: np.ndarray) -> np.ndarray:
    """'Probabilities' that tell where in the photo they were asked for."""
    rows = window.top + at_y * window.height
    columns = window.left + at_x * window.width
    grid = np.stack(np.broadcast_arrays(rows[:, None], columns[None, :]), axis=-1)
    return np.concatenate([grid, np.zeros((*grid.shape[:2], CLASSES - 2))], axis=-1).astype(np.float32)


def coordinate_photo(height: int, width: int) -> np.ndarray:
    """Red tells the row, green the column."""
    rows = np.broadcast_to(((np.arange(height) + 0.5) / height * 255)[:, None], (height, width))
    columns = np.broadcast_to(((np.arange(width) + 0.5) / width * 255)[None], (height, width))
    return np.stack([rows, columns, np.zeros((height, width))], axis=-1).round().astype(np.uint8)


@pytest.mark.parametrize("window", [Window(), Window(0.2, 0.3, 0.5, 0.6), Window(0.2, 0.3, 0.5, 0.6, mirrored=True)])
def test_photo_labels_and_teacher_show_the_same_place(window: Window) -> None:
    height, width = 240, 300
    photo = coordinate_photo(height, width)
    labels = np.full((height, width), OTHER, np.uint8)
    labels[100:160, 110:200] = PERSON
    shown = view(photo, labels, position_teacher, window, SIZE, STRIDE, PERSON)
    seen = shown.image[::STRIDE, ::STRIDE, :2].astype(np.float32) / 255
    inner = slice(1, -1)  # the antialiased resize leans inwards at the borders of a photo
    assert np.abs(seen - shown.teacher[..., :2])[inner, inner].max() < 0.012
    rows, columns = shown.teacher[..., 0] * height, shown.teacher[..., 1] * width
    inside = (rows >= 100) & (rows < 160) & (columns >= 110) & (columns < 200)
    assert ((shown.labels == PERSON) == inside).mean() > 0.99
    assert (
        np.abs(shown.matte[::STRIDE, ::STRIDE] - inside)[(np.abs(rows - 130) < 22) & (np.abs(columns - 155) < 35)].max()
        < 0.01
    )
    # The edge, found between samples: where the matte crosses one half.
    row = shown.matte[SIZE[0] // 2]
    assert row.max() == 1
    expected = 90 / width / window.width * SIZE[1]
    assert row.sum() == pytest.approx(min(expected, SIZE[1]), abs=0.6)


def test_windows_stay_inside_and_repeat() -> None:
    subject = np.zeros((90, 120), bool)
    subject[20:80, 40:90] = True
    config = AugmentationConfig()
    first = [choose_window(np.random.default_rng(i), config, subject) for i in range(300)]
    again = [choose_window(np.random.default_rng(i), config, subject) for i in range(300)]
    assert first == again
    for window in first:
        assert 0 <= window.top <= window.top + window.height <= 1 + 1e-9
        assert 0 <= window.left <= window.left + window.width <= 1 + 1e-9
    assert 0.05 < np.mean([window.height == window.width == 1 for window in first]) < 0.2
    assert 0.3 < np.mean([window.mirrored for window in first]) < 0.7


def test_phone_framing_is_four_by_three() -> None:
    config = dataclasses.replace(NO_AUGMENTATION, framing=1.0)
    ratios = set()
    for i in range(40):
        window = choose_window(np.random.default_rng(i), config, np.zeros((200, 500), bool))
        ratios.add(round(window.width * 500 / (window.height * 200), 6))
    assert ratios == {round(4 / 3, 6), 0.75}


def test_zoomed_crops_lie_in_the_subject() -> None:
    config = dataclasses.replace(NO_AUGMENTATION, zoom=1.0)
    subject = np.zeros((200, 200), bool)
    subject[120:, 120:] = True
    windows = [choose_window(np.random.default_rng(i), config, subject) for i in range(60)]
    small = [w for w in windows if w.height * w.width <= 0.3001]
    assert len(small) > 45
    for window in small:
        left, top, right, bottom = (int(side) for side in window.box(200, 200))
        assert subject[top : bottom + 1, left : right + 1].mean() > 0.25


def test_colours_change_by_seed_and_only_when_asked() -> None:
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    same = change_colours(np.random.default_rng(1), NO_AUGMENTATION, image)
    assert (same == image).all()
    everything = AugmentationConfig(colour=1, gray=0, blur=1, noise=1, jpeg=1)
    first = change_colours(np.random.default_rng(5), everything, image)
    assert first.dtype == np.uint8
    assert first.shape == image.shape
    assert (first != image).mean() > 0.5
    assert (first == change_colours(np.random.default_rng(5), everything, image)).all()
    gray = change_colours(np.random.default_rng(5), dataclasses.replace(NO_AUGMENTATION, gray=1.0), image)
    assert (gray[..., :1] == gray).all()


def flat_view(labels: np.ndarray, teacher: list[float], matte: float = 0.0) -> View:
    return View(
        image=np.full((*SIZE, 3), 100, np.uint8),
        matte=np.full(SIZE, matte, np.float32),
        unknown=(labels == UNKNOWN).astype(np.float32),
        labels=labels,
        teacher=np.tile(np.array(teacher, np.float32), (N, N, 1)),
    )


def all_of(value: int) -> np.ndarray:
    return np.full((N, N), value, np.uint8)


def test_a_pasted_subject_hides_what_is_behind() -> None:
    front = flat_view(all_of(OTHER), [1, 0, 0, 0])
    front.matte[:, :33] = 1
    front = dataclasses.replace(front, image=np.full((*SIZE, 3), 200, np.uint8))
    back = flat_view(all_of(1), [0, 1, 0, 0])
    shown = paste(front, back, PERSON, STRIDE)
    assert (shown.image[:, :28] == 200).all()
    assert (shown.image[:, 38:] == 100).all()
    assert (shown.labels[:, :7] == PERSON).all()
    assert (shown.labels[:, 10:] == 1).all()
    assert shown.teacher[0, 0].tolist() == [0, 0, 1, 0]
    assert shown.teacher[0, -1].tolist() == [0, 1, 0, 0]
    assert shown.teacher.sum(axis=2) == pytest.approx(1)


def test_labels_mix_with_the_teacher() -> None:
    goal = targets(
        flat_view(all_of(1), [0.5, 0.2, 0.3, 0]),
        sample_of(DatasetKind.VOC),
        LossConfig(teacher_share=0.25),
        PERSON,
        STRIDE,
    )
    assert goal.mixture[3, 3] == pytest.approx([0.125, 0.75 + 0.05, 0.075, 0], abs=1e-6)
    assert (goal.subject == 0).all()
    assert (goal.weight == 1).all()
    assert (goal.quiet == 0).all()


def test_other_is_divided_as_the_teacher_says_without_the_subject() -> None:
    goal = targets(
        flat_view(all_of(OTHER), [0.2, 0.2, 0.6, 0]),
        sample_of(DatasetKind.FOLDER),
        LossConfig(teacher_share=0),
        PERSON,
        STRIDE,
    )
    assert goal.mixture[0, 0] == pytest.approx([0.5, 0.5, 0, 0], abs=1e-3)


def test_the_subject_of_a_mask_overrules_the_teacher() -> None:
    goal = targets(
        flat_view(all_of(PERSON), [1, 0, 0, 0], matte=1.0),
        sample_of(DatasetKind.FOLDER),
        LossConfig(teacher_share=0),
        PERSON,
        STRIDE,
    )
    assert goal.mixture[0, 0] == pytest.approx([0, 0, 1, 0])
    assert (goal.subject == 1).all()
    assert (goal.quiet == 0).all()


def test_background_that_the_labels_cannot_name_is_divided() -> None:
    goal = targets(
        flat_view(all_of(0), [0.3, 0, 0.1, 0.6]),
        sample_of(DatasetKind.VOC),
        LossConfig(teacher_share=0),
        PERSON,
        STRIDE,
        splits=((SKY, 0),),
    )
    assert goal.mixture[0, 0] == pytest.approx([1 / 3, 0, 0, 2 / 3], abs=1e-3)


def test_unknown_pixels_are_ignored_or_taught() -> None:
    left_out = targets(
        flat_view(all_of(UNKNOWN), [0.1, 0, 0.9, 0]), sample_of(DatasetKind.FOLDER), LossConfig(), PERSON, STRIDE
    )
    assert (left_out.weight == 0).all()
    assert left_out.mixture[0, 0] == pytest.approx([0.1, 0, 0.9, 0])
    taught = targets(
        flat_view(all_of(UNKNOWN), [0.1, 0, 0.9, 0]), sample_of(DatasetKind.BOXES), LossConfig(), PERSON, STRIDE
    )
    assert taught.subject == pytest.approx(0.9)
    assert 0.9 < taught.weight[0, 0] < 1
    forgotten = targets(
        flat_view(all_of(OTHER), [0.1, 0, 0.9, 0]), sample_of(DatasetKind.BOXES), LossConfig(), PERSON, STRIDE
    )
    assert (forgotten.weight == 0).all()


def test_quiet_is_where_nobody_sees_a_subject() -> None:
    goal = targets(
        flat_view(all_of(OTHER), [0.99, 0, 0.01, 0]), sample_of(DatasetKind.FOLDER), LossConfig(), PERSON, STRIDE
    )
    assert (goal.quiet == 1).all()
