"""How blur grows with distance: from a depth map, or from a guess about the ground.

Defocus is proportional to the difference of inverse distances, so depth is kept as nearness (1 nearest, 0 farthest of
the photo), which is what monocular depth networks and the phones' depth maps give.
"""

from __future__ import annotations

import dataclasses
import enum
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.components import dilate
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.subject import SubjectMask

__all__ = ["DepthConvention", "DepthGuess", "DepthMap", "blur_map", "reduce_map"]

Floats = npt.NDArray[np.float32]

STORED_SIDE = 512  # about the blur's plan; a finer map is reduced
DEAD_ZONE = 0.05  # nearness from the subject's that stays sharp
FAR_PERCENTILE = 95  # of the surroundings' distance from the subject: here blur reaches its full strength
LEAST_RANGE = 0.2  # nearness; so that a nearly flat map does not become a strong one
LOOSE_EDGE = 0.02  # of the map's diagonal: how far its edges may lie beside the subject's
EYE_HEIGHT = 0.93  # of a person's height; a camera at that height sees the horizon there
GROUND_ROWS = 512


class DepthConvention(enum.StrEnum):
    """What the values of a depth picture mean.

    NEAR_WHITE, FAR_WHITE: the lightest is the nearest (inverse depth, "disparity") or the farthest point. MILLIMETRES:
    16-bit distances, below 100 a hole. DEPTH16: Android's, 13 bits of millimetres under 3 bits of confidence.
    """

    NEAR_WHITE = "near-white"
    FAR_WHITE = "far-white"
    MILLIMETRES = "millimetres"
    DEPTH16 = "depth16"


class DepthGuess(enum.StrEnum):
    """What to assume without a depth map.

    CONSTANT: everything behind the subject is equally far. GROUND: the subject stands on level ground, seen from eye
    height; blur grows from nothing at the feet to all of it at the eyes and above. Without visible feet, as CONSTANT.
    """

    CONSTANT = "constant"
    GROUND = "ground"


@dataclasses.dataclass(frozen=True)
class DepthMap:
    """Depth of a whole photo.

    Example:
        >>> import numpy as np
        >>> from portraitlite.runtime import DepthMap
        >>> near_below = DepthMap(np.linspace(0, 1, 64, dtype=np.float32)[:, None])
        >>> near_below.nearness.shape
        (64, 1)

    Attributes:
        nearness: (h, w) float32, 0 farthest to 1 nearest; stretched over the photo, so of any resolution.

    Raises:
        InputError: of another type, shape or range.
    """

    nearness: Floats

    def __post_init__(self) -> None:
        depth = self.nearness
        if depth.dtype != np.float32 or depth.ndim != 2 or depth.size == 0:
            raise InputError(f"the depth map is {depth.dtype} {list(depth.shape)}; give float32 [height, width]")
        if not (depth.min() >= 0 and depth.max() <= 1):
            raise InputError(f"the depth map spans {depth.min()}..{depth.max()}; give nearness from 0 to 1")


def blur_map(depth: DepthMap | DepthGuess, subject: SubjectMask, height: int, width: int) -> Floats | None:
    """How much to blur where, relative to the strength; for `BlurRenderer.render`.

    With a map, things in front of the subject blur as those behind do; a guess leaves the foreground sharp.

    Args:
        depth: of the photo.
        subject: who is in focus.
        height, width: of the photo in pixels.

    Returns:
        (h, w) float32 over the whole photo, 0 sharp to 1 full strength; None: the same everywhere.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.runtime import Segmenter, blur_map, load_depth, subject_mask
        >>> subject = subject_mask(Segmenter()(numpy_rgb))
        >>> levels = blur_map(load_depth(Path("depth.png")), subject, *numpy_rgb.shape[:2])
        >>> levels.shape, levels.dtype
        ((256, 256), dtype('float32'))

    Raises:
        InputError: the map lies and the photo stands, or the other way round.
    """
    if isinstance(depth, DepthGuess):
        return _ground(subject) if depth is DepthGuess.GROUND else None
    rows, columns = depth.nearness.shape
    if (rows - columns) * (height - width) < 0:
        raise InputError(f"the depth map is {columns}x{rows} for a photo of {width}x{height}: turn it first")
    nearness = reduce_map(Image.fromarray(depth.nearness))
    inside = subject.resized(*nearness.shape) >= 128
    if not inside.any():
        return None
    distance = np.abs(nearness - np.median(nearness[inside]))
    around = distance[~inside]
    far = max(LEAST_RANGE, float(np.percentile(around, FAR_PERCENTILE)) if around.size else 0.0)
    distance = _beyond_loose_edges(distance, inside)
    level: npt.NDArray[np.float32] = np.clip((distance - DEAD_ZONE) / (far - DEAD_ZONE), 0, 1).astype(np.float32)
    return level


def _beyond_loose_edges(distance: Floats, inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """At the subject's rim, the mean distance of what lies farther out.

    Edges of depth maps lie some pixels beside the picture's. Without this, a sharp seam of background follows the
    subject wherever the map takes it for subject.
    """
    reach = max(1, round(LOOSE_EDGE * math.hypot(*distance.shape)))
    clear = ~dilate(inside, reach)
    weight = _box_sum(clear.astype(np.float64), 2 * reach)
    mean = _box_sum(np.where(clear, distance, 0.0), 2 * reach) / np.maximum(weight, 1)
    return np.where(clear | (weight < 1), distance, mean)


def _box_sum(values: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    """Sum over the samples at most `reach` rows and columns away."""
    for _ in range(2):
        total = np.cumsum(np.pad(values, ((reach + 1, reach), (0, 0))), axis=0)
        values = (total[2 * reach + 1 :] - total[: -2 * reach - 1]).T
    return values


def reduce_map(image: Image.Image) -> Floats:
    """A map of mode F -> (h, w) float32, at most STORED_SIDE a side, by means of whole blocks."""
    return np.asarray(image.reduce(-(-max(image.size) // STORED_SIDE)), np.float32)


def _ground(subject: SubjectMask) -> Floats | None:
    kept = [figure for figure in subject.figures if figure.kept]
    if not kept or kept[0].feet is None:
        return None
    feet = kept[0].feet
    eyes = feet - EYE_HEIGHT * kept[0].height
    rows = (np.arange(GROUND_ROWS, dtype=np.float32) + 0.5) / GROUND_ROWS
    # The nearness of level ground falls linearly from the camera's feet to the horizon.
    return np.clip((feet - rows) / (feet - eyes), 0, 1).astype(np.float32)[:, None]
