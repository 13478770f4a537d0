"""Cityscapes' masks as they are downloaded: `labelIds`, 34 ids of which 19 are scored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.label_map import IGNORED, UNMAPPED

__all__ = ["LABEL_IDS", "TRAIN_IDS", "label_id_table"]

LABEL_IDS, TRAIN_IDS = "_gtFine_labelIds.png", "_gtFine_labelTrainIds.png"  # how the names of the masks end
SCORED_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Id of every train id, from `labels` of cityscapesscripts (helpers/labels.py, 2017)."""
IDS = 34


def label_id_table(table: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Train id -> scored index, as label id -> scored index: (256,) uint8 both.

    Ids that official evaluation leaves out are `IGNORED`, so is 255 (licence plates, whose id is -1).
    """
    result = np.full(256, UNMAPPED, np.uint8)
    result[:IDS], result[255] = IGNORED, IGNORED
    result[list(SCORED_IDS)] = table[: len(SCORED_IDS)]
    return result
