"""Who stays sharp, on hand-made segmentations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from portraitlite.runtime import InputError, Keep, ModelMetadata, Segmentation, SubjectChoice, SubjectMask, subject_mask
from portraitlite.runtime.types import Fit, OutputKind

SIZE = 97
# Two men, a child beside the first, somebody far behind; left, top, right, bottom in samples.
FIRST, SECOND, CHILD, FAR = (10, 20, 28, 90), (60, 30, 75, 88), (32, 65, 40, 88), (84, 22, 90, 40)


def _segmentation(
    *people: tuple[int, int, int, int],
    things: dict[str, tuple[int, int, int, int]] | None = None,
    photo: tuple[int, int] = (970, 970),
    used: tuple[int, int] = (SIZE, SIZE),
) -> Segmentation:
    labels = ("background", "person", *(things or {}))
    maps = np.zeros((SIZE, SIZE, len(labels)), np.float32)
    boxes = [(1, box) for box in people] + [(n, box) for n, box in enumerate((things or {}).values(), 2)]
    for n, (left, top, right, bottom) in boxes:
        maps[top - 1 : bottom + 1, left - 1 : right + 1, n] += 0.3  # soft rim
        maps[top:bottom, left:right, n] = 0.9
    maps[..., 0] = 1 - maps[..., 1:].sum(-1)
    meta = ModelMetadata("boxes", labels, SIZE, SIZE, output_kind=OutputKind.CONFIDENCE, fit=Fit.PAD)
    return Segmentation(maps, meta, *photo, *used)


CROWD = _segmentation(FIRST, SECOND, CHILD, FAR)


def _sharp(mask: SubjectMask, *boxes: tuple[int, int, int, int]) -> list[bool]:
    """Whether each box is wholly kept (True) or, with its rim, wholly gone (False)."""
    kept = []
    for left, top, right, bottom in boxes:
        core = mask.values[top:bottom, left:right]
        rim = mask.values[top - 1 : bottom + 1, left - 1 : right + 1]
        assert (core >= 230).all() or (rim == 0).all(), "half kept"
        kept.append(bool(core.any()))
    return kept


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (SubjectChoice(), [True, True, True, True]),
        (SubjectChoice(keep=Keep.LARGEST), [True, False, False, False]),
        (SubjectChoice(keep=Keep.NEAR), [True, True, True, False]),
        (SubjectChoice(keep=Keep.FOCUS, focus=(0.7, 0.5)), [False, True, False, False]),
        (SubjectChoice(keep=Keep.FOCUS, focus=(0.98, 0.3)), [False, False, False, True]),
        (SubjectChoice(keep=Keep.NEAR, focus=(0.9, 0.3)), [True, True, True, True]),
        (SubjectChoice(keep=Keep.FOCUS, focus=(0.5, 0.05)), [False, False, False, False]),
    ],
)
def test_choices(choice: SubjectChoice, expected: list[bool]) -> None:
    mask = subject_mask(CROWD, choice)
    assert _sharp(mask, FIRST, SECOND, CHILD, FAR) == expected
    # Figures are told largest first: FIRST, SECOND, CHILD, FAR.
    assert [figure.kept for figure in mask.figures] == expected
    assert mask.found == any(expected)


def test_the_far_one_is_the_nearer_one_of_two_far_ones() -> None:
    """Near is relative: without the men in front, the child is the reference and the far one is half its size."""
    mask = subject_mask(_segmentation(CHILD, FAR), SubjectChoice(keep=Keep.NEAR))
    assert [figure.kept for figure in mask.figures] == [True, True]


def test_feet_out_of_the_photo_tell_nothing() -> None:
    portrait, passer = (20, 10, 80, 97), (84, 70, 90, 96)
    mask = subject_mask(_segmentation(portrait, passer), SubjectChoice(keep=Keep.NEAR))
    assert [figure.kept for figure in mask.figures] == [True, False]


def test_all_of_one_person_is_the_plain_mask() -> None:
    segmentation = _segmentation(FIRST)
    mask = subject_mask(segmentation)
    assert np.array_equal(mask.values, segmentation.mask("person"))
    assert mask.share == pytest.approx(18 * 70 / SIZE**2)


def test_a_focus_point_counts_in_the_photos_proportions() -> None:
    """A wide photo: the figure at the same height lies farther from the point than the one below it."""
    left, below = (20, 20, 30, 40), (45, 56, 55, 80)
    wide = _segmentation(left, below, photo=(500, 1500))
    assert [f.kept for f in subject_mask(wide, SubjectChoice(keep=Keep.FOCUS, focus=(0.4, 0.45))).figures] == [
        True,
        False,
    ]
    tall = dataclasses.replace(wide, height=1500, width=500)
    assert [f.kept for f in subject_mask(tall, SubjectChoice(keep=Keep.FOCUS, focus=(0.4, 0.45))).figures] == [
        False,
        True,
    ]


def test_padding_takes_no_part() -> None:
    """The photo uses the upper half: shares, boxes and points count in it alone, and its last row is repeated."""
    segmentation = _segmentation((10, 20, 30, 49), photo=(490, 970), used=(49, SIZE))
    mask = subject_mask(segmentation, SubjectChoice(keep=Keep.FOCUS, focus=(0.2, 0.9)))
    assert np.array_equal(mask.values, segmentation.mask("person"))
    assert mask.share == pytest.approx(20 * 29 / (49 * SIZE))
    assert mask.figures[0].box == pytest.approx((10 / SIZE, 20 / 49, 30 / SIZE, 1))
    assert mask.resized(490, 970)[480, 200] == 230


BOTTLE, TABLE, LOST = (28, 40, 34, 52), (10, 90, 28, 96), (60, 5, 70, 15)


def test_what_is_held_stays_sharp_where_the_model_can_tell() -> None:
    segmentation = _segmentation(FIRST, things={"bottle": BOTTLE, "table": TABLE})
    mask = subject_mask(segmentation)
    assert _sharp(mask, BOTTLE) == [True]
    assert not (mask.values[92:96, 10:28] >= 128).any(), "a table is not held unless it is named"
    assert mask.values[45, 28:30].min() >= 230, "a seam between hand and bottle"
    named = subject_mask(segmentation, SubjectChoice(held=("table",)))
    assert (named.values[92:96, 10:28] >= 128).all()
    assert not (named.values[41:51, 30:34] >= 128).any()
    assert not (subject_mask(segmentation, SubjectChoice(held=())).values[41:51, 30:34] >= 128).any()


def test_things_elsewhere_and_of_other_people_are_not_held() -> None:
    elsewhere = _segmentation(FIRST, things={"bottle": LOST})
    assert np.array_equal(subject_mask(elsewhere).values, elsewhere.mask("person"))
    others = _segmentation(FIRST, SECOND, things={"dog": (75, 70, 85, 80)})
    assert _sharp(subject_mask(others), (75, 70, 85, 80)) == [True]
    assert _sharp(subject_mask(others, SubjectChoice(keep=Keep.LARGEST)), (75, 70, 85, 80)) == [False]


def test_pets_are_subjects_too() -> None:
    segmentation = _segmentation(FIRST, things={"cat": SECOND})
    mask = subject_mask(segmentation, SubjectChoice("cat"))
    assert _sharp(mask, FIRST, SECOND) == [False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep": Keep.FOCUS}, "needs a focus point"),
        ({"keep": Keep.LARGEST, "focus": (0.5, 0.5)}, "takes no focus point"),
        ({"focus": (0.5, 0.5)}, "takes no focus point"),
        ({"keep": Keep.FOCUS, "focus": (1.2, 0.5)}, r"1\.2,0\.5 is outside"),
        ({"keep": Keep.NEAR, "focus": (0.5, float("nan"))}, "outside the photo"),
    ],
)
def test_choices_that_make_no_sense(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SubjectChoice(**arguments)  # type: ignore[arg-type]


def test_unknown_classes() -> None:
    with pytest.raises(InputError, match=r"no class 'cat' .* knows background, person"):
        subject_mask(CROWD, SubjectChoice("cat"))
    with pytest.raises(InputError, match=r"'bottle' .* only person and the rest"):
        subject_mask(CROWD, SubjectChoice(held=("bottle",)))
