"""The subject of real photos: cleaning the mask does no harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portraitlite.runtime import Segmenter, load_photo, subject_mask
from portraitlite.runtime.components import dilate


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


def test_of_one_person_only_specks_and_holes_change(segmenter: Segmenter, photos: Path) -> None:
    for path in sorted(photos.glob("*.jpg")):
        segmentation = segmenter(load_photo(path))
        plain, cleaned = segmentation.mask("person"), subject_mask(segmentation)
        changed = cleaned.values != plain
        assert changed.mean() < 0.01, path.name
        filled = changed & (cleaned.values > 0)
        assert (cleaned.values[filled] > plain[filled]).all(), "holes are filled, nothing is made weaker"
        main = cleaned.figures[0]
        rows = np.flatnonzero((plain >= 128).any(1))
        assert main.box[3] == pytest.approx((rows[-1] + 1) / len(plain)), path.name
        body = ~dilate(plain < 128, 3)
        assert np.array_equal(cleaned.values[body], plain[body]), f"{path.name}: the body was changed"
        assert main.share > 0.9 * float((plain >= 128).mean()), path.name


@pytest.mark.shared_data
@pytest.mark.parametrize(("folder", "every"), [("coco", 16), ("coco_groups", 8), ("portrait_cutouts", 8)])
def test_agreement_with_human_masks_does_not_fall(segmenter: Segmenter, shared: Path, folder: str, every: int) -> None:
    scores = []
    base = shared / "data" / "person" / folder
    for path in sorted((base / "images").iterdir())[::every]:
        with Image.open(base / "masks" / f"{path.stem}.png") as image:
            truth = np.asarray(image.convert("L"))
        known, person = np.isin(truth, (0, 255)), truth == 255
        if not person.any():
            continue
        segmentation = segmenter(load_photo(path))
        before = segmentation.photo_mask("person") >= 128
        after = subject_mask(segmentation).resized(*truth.shape) >= 128
        scores.append([(m & person).sum() / ((m & known) | person).sum() for m in (before, after)])
    plain, cleaned = np.mean(scores, axis=0)
    assert len(scores) >= 20
    # On every fourth photo it rises in every folder (docs/portrait.md); of forty, one photo moves the mean by 1e-4.
    assert cleaned >= plain - 2e-4
