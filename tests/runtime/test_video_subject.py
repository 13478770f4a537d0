"""The figure that was chosen first is followed through a film, and given up after a cut or when it stays away."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_segmenter import COLOURS, tiny_segmenter

from portraitlite.runtime import Keep, Segmenter, SubjectChoice
from portraitlite.runtime.video.film_subject import LOST_S, FilmSubject

RATE = 10


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    return Segmenter(tiny_segmenter(tmp_path_factory.mktemp("model") / "tiny.tflite"))


def _frame(*lefts: float, widths: tuple[float, ...] = (0.15, 0.2), shade: int = 0) -> np.ndarray:
    """(96, 96, 3): figures from 30 % of the height down, of the given left edges and widths; the rest is red."""
    classes = np.zeros((96, 96), np.uint8)
    for left, width in zip(lefts, widths, strict=False):
        classes[30:, max(0, round(96 * left)) : max(0, round(96 * (left + width)))] = 1
    picture = COLOURS[classes]
    picture[:20, 40 * shade : 40 * shade + 30, 2] = 200 * (shade > 0)
    return picture


def _kept(subject: FilmSubject, frame: np.ndarray, n: int) -> list[float]:
    """Left edges of the figures that stay sharp."""
    return [figure.box[0] for figure in subject(frame, n / RATE).figures if figure.kept]


def test_the_figure_at_the_point_is_followed_past_the_point(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice(keep=Keep.FOCUS, focus=(0.1, 0.7)))
    for n in range(14):
        left = 0.03 + 0.02 * n
        assert _kept(subject, _frame(left, 0.75), n) == [pytest.approx(left, abs=0.03)], n
    assert subject.cuts == 0


def test_the_largest_stays_the_one_that_was_largest(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice(keep=Keep.LARGEST))
    for n in range(8):
        widths = (0.15, 0.2 - 0.02 * n)  # the second one walks away
        assert _kept(subject, _frame(0.1, 0.6, widths=widths), n) == [pytest.approx(0.6, abs=0.02)], n


def test_near_keeps_those_about_as_near(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice(keep=Keep.NEAR, focus=(0.1, 0.7)))
    for n in range(3):
        assert len(_kept(subject, _frame(0.05 + 0.02 * n, 0.75), n)) == 2


def test_all_are_kept_wherever_they_go(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice())
    assert [len(_kept(subject, _frame(*lefts), n)) for n, lefts in enumerate([(), (0.1,), (0.1, 0.6), (0.7,)])] == [
        0,
        1,
        2,
        1,
    ]


def test_before_the_first_one_comes_to_the_point_nobody_is_sharp(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice(keep=Keep.FOCUS, focus=(0.1, 0.7)))
    assert _kept(subject, _frame(0.75), 0) == []
    assert _kept(subject, _frame(0.75), 20) == [], "however long it takes"
    assert _kept(subject, _frame(0.05, 0.75), 21) == [pytest.approx(0.05, abs=0.02)]


def test_who_is_away_for_long_is_given_up_for_the_largest(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice(keep=Keep.FOCUS, focus=(0.1, 0.7)))
    assert _kept(subject, _frame(0.05, 0.75), 0) == [pytest.approx(0.05, abs=0.02)]
    away = [_kept(subject, _frame(-1.0, 0.75), n) for n in range(1, round(LOST_S * RATE) + 3)]
    assert away[:8] == [[]] * 8
    assert away[-1] == [pytest.approx(0.75, abs=0.02)]


def test_after_a_cut_the_largest_of_the_new_shot_is_sharp_and_no_mask_is_left(segmenter: Segmenter) -> None:
    subject = FilmSubject(segmenter, SubjectChoice(keep=Keep.FOCUS, focus=(0.1, 0.7)))
    for n in range(3):
        _kept(subject, _frame(0.05, 0.6, widths=(0.15, 0.35)), n)
    picture = 255 - _frame(shade=2)  # other surroundings, where the model sees neither class surely
    picture[30:, 30:60] = COLOURS[1]
    mask = subject(picture, 0.3)
    assert subject.cuts == 1
    fresh = FilmSubject(segmenter, SubjectChoice(keep=Keep.LARGEST))(picture, 0.0)
    np.testing.assert_array_equal(mask.values, fresh.values)


def test_smoothing_can_be_left_out_to_compare(segmenter: Segmenter) -> None:
    plain, smooth = (FilmSubject(segmenter, SubjectChoice(), smooth=on) for on in (False, True))
    frame = _frame(0.4)
    changed = frame.copy()
    changed[60:64, 10:14] = COLOURS[1]  # a small thing that comes and goes
    flicker = []
    for subject in (plain, smooth):
        masks = [subject(picture, n / 30).values.astype(int) for n, picture in enumerate((frame, changed))]
        flicker.append(np.abs(masks[1] - masks[0]).max())
    assert flicker[0] > 200
    assert flicker[1] <= flicker[0]
