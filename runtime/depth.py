"""How blur grows with distance: from a depth map, or from a guess about the ground.

Defocus is proportional to the difference of inverse distances, so depth is kept as nearness (1 nearest, 0 farthest of
the photo), which is what monocular depth networks and the phones' depth maps give.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.components import dilate
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.subject import SubjectMask

__all__ = ["DepthConvention", "DepthGuess", "DepthMap", "blur_map", "load_depth"]

Floats = npt.NDArray[np.float32]

MAX_DEPTH_PIXELS = 50_000_000
STORED_SIDE = 512  # about the blur's plan; a finer map is reduced
DEAD_ZONE = 0.05  # nearness from the subject's that stays sharp
FAR_PERCENTILE = 95  # of the surroundings' distance from the subject: here blur reaches its full strength
LEAST_RANGE = 0.2  # nearness; so that a nearly flat map does not become a strong one
LOOSE_EDGE = 0.02  # of the map's diagonal: how far its edges may lie beside the subject's
EYE_HEIGHT = 0.93  # of a person's height; a camera at that height sees the horizon there
GROUND_ROWS = 512

_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I")


class DepthConvention(enum.StrEnum):
    """What white means in a depth picture: the nearest (inverse depth, "disparity") or the farthest point."""

    NEAR_WHITE = "near-white"
    FAR_WHITE = "far-white"


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


def load_depth(path: Path, convention: DepthConvention = DepthConvention.NEAR_WHITE) -> DepthMap:
    """Read an 8 or 16-bit grey PNG or TIFF; its darkest and its lightest value become 0 and 1.

    Example:
        >>> from pathlib import Path
        >>> from portraitlite.runtime import load_depth
        >>> load_depth(Path("depth.png")).nearness.dtype
        dtype('float32')

    Raises:
        InputError: no file, no such picture, damaged, in colour, too large, or all of one value.
    """
    if not path.is_file():
        raise InputError(f"the depth map {path} does not exist or is no file; give a grey PNG or TIFF")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not matter here, sizes are checked below
            with Image.open(path, formats=("PNG", "TIFF")) as image:
                values = _grey(path, image)
    except InputError:
        raise
    except Exception as error:  # on damaged files Pillow's plugins raise nearly everything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"the depth map {path} cannot be read ({reason}); give an 8 or 16-bit grey PNG") from error
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise InputError(f"the depth map {path} is {low:g} everywhere; it must tell near from far")
    nearness = (values - np.float32(low)) / np.float32(high - low)
    return DepthMap(nearness if convention is DepthConvention.NEAR_WHITE else 1 - nearness)


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
    nearness = _small(Image.fromarray(depth.nearness))
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


def _grey(path: Path, image: Image.Image) -> Floats:
    if image.width * image.height > MAX_DEPTH_PIXELS:
        found = f"{image.width}x{image.height} pixels"
        raise InputError(f"the depth map {path} has {found}; {STORED_SIDE} a side are enough, make it smaller")
    if image.mode != "L" and image.mode not in _DEEP_MODES:
        raise InputError(f"the depth map {path} has {image.mode} pixels, expected 8 or 16-bit grey: convert it first")
    return _small(image.convert("F"))


def _small(image: Image.Image) -> Floats:
    """(h, w) float32, at most STORED_SIDE a side."""
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
