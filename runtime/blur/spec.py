"""The numbers that fix one set of blur graphs; stored as `spec.json` beside the `.tflite` files."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from pathlib import Path
from typing import Any

from portraitlite.runtime.errors import InputError

__all__ = ["PLAN_CHANNELS", "SCHEMA_VERSION", "SPEC_FILE", "BlurSpec", "Orientation", "PixelType", "bundled_folder"]

SCHEMA_VERSION = 2
PLAN_CHANNELS = 12  # aR aG aB b, background R G B, fade, rim R G B, nothing
SPEC_FILE = "spec.json"


class Orientation(enum.StrEnum):
    """Which way the long side of a plan lies."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"


class PixelType(enum.StrEnum):
    """Photo tiles of an apply graph: bytes 0..255 (for CPUs), or floats 0..1 (GPU delegates refuse the casts)."""

    UINT8 = "uint8"
    FLOAT32 = "float32"


@dataclasses.dataclass(frozen=True)
class BlurSpec:
    """Shape and look of the plan and apply graphs.

    Attributes:
        long_side, short_side: the plan grid in plan pixels; landscape is short x long (height x width).
        scales: photo pixels per plan pixel for which an apply graph exists, ascending.
        tile_height, tile_width: photo pixels of one apply call before rounding to multiples of the scale.
        max_radius: disc radius of the strongest layer, in plan pixels.
        layers: K, the number of baked radii 0, R/(K-1), ..., R.
        components: complex-separable terms per disc (1 soft, 2 good, 3 excellent).
        guide_side: long side of the grid on which the guided filter is solved, in guide pixels.
        box_radius, eps: window radius (guide pixels) and regularisation of the guided filter.
        contrasts: slope applied to alpha around 0.5 after each pass of the filter; restores what the pass softens.
        reach: alpha is scaled by clip(reach * mask, 0, 1), so that it ends where the mask does.
        rim_radius: window radius (guide pixels) of the mean colours on both sides of the subject's edge.
        least_share: product of both sides' shares in a window at which half of their difference of colour is believed.
        trust: background weight falls, as a square, to `floor` where alpha > 1 - trust.
        floor: least background weight; keeps the normalisation defined where no clean background is near.
        fade: the blurred background is mixed in by clip(fade * coc, 0, 1), so that small blurs start from the photo.
        noise_seed: of the grain's tile.
    """

    long_side: int = 504
    short_side: int = 378
    scales: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
    tile_height: int = 128
    tile_width: int = 128
    max_radius: float = 10.0
    layers: int = 5
    components: int = 2
    guide_side: int = 256
    box_radius: int = 4
    eps: float = 1e-4
    contrasts: tuple[float, ...] = (1.8, 1.05)
    reach: float = 20.0
    rim_radius: int = 4
    least_share: float = 1e-4
    trust: float = 0.4
    floor: float = 0.004
    fade: float = 2.0
    noise_seed: int = 1

    @property
    def radii(self) -> tuple[float, ...]:
        """Disc radius of every layer, in plan pixels."""
        return tuple(self.max_radius * k / (self.layers - 1) for k in range(self.layers))

    @property
    def radius_share(self) -> float:
        """Disc radius at strength 1 as a share of the photo's diagonal."""
        return self.max_radius / math.hypot(self.long_side, self.short_side)

    def plan_size(self, orientation: Orientation) -> tuple[int, int]:
        """(height, width) of the plan grid."""
        if orientation is Orientation.LANDSCAPE:
            return self.short_side, self.long_side
        return self.long_side, self.short_side

    def guide_size(self, orientation: Orientation) -> tuple[int, int]:
        """(height, width) of the grid on which the guided filter is solved."""
        height, width = self.plan_size(orientation)
        return round(height * self.guide_side / self.long_side), round(width * self.guide_side / self.long_side)

    def tile_size(self, scale: int) -> tuple[int, int]:
        """(height, width) in photo pixels of one apply call; multiples of the scale."""
        return round(self.tile_height / scale) * scale, round(self.tile_width / scale) * scale

    def plan_tile_size(self, scale: int) -> tuple[int, int]:
        """(height, width) in plan pixels that one tile reads: its own and one more on every side."""
        height, width = self.tile_size(scale)
        return height // scale + 2, width // scale + 2

    @staticmethod
    def plan_file(orientation: Orientation, nearest: int | None = None) -> str:
        """The plan graph for any levels, or, faster, for levels from `nearest` to the next."""
        return f"plan_{orientation}{'' if nearest is None else f'_{nearest}to{nearest + 1}'}.tflite"

    def plan_files(self) -> list[str]:
        """All plan graphs."""
        kinds = (None, *range(self.layers - 1))
        return [self.plan_file(orientation, nearest) for orientation in Orientation for nearest in kinds]

    @staticmethod
    def apply_file(scale: int, pixel_type: PixelType) -> str:
        return f"apply_s{scale}_{pixel_type}.tflite"

    @staticmethod
    def fill_file(scale: int, pixel_type: PixelType) -> str:
        return f"fill_s{scale}_{pixel_type}.tflite"

    def to_json(self) -> str:
        """What `spec.json` holds."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}, indent=2) + "\n"

    @classmethod
    def load(cls, folder: Path) -> BlurSpec:
        """The spec of a folder of blur graphs.

        Raises:
            InputError: there is no spec, or one that this version does not read.
        """
        path = folder / SPEC_FILE
        try:
            document: dict[str, Any] = json.loads(path.read_text("utf-8"))
            version = document.pop("schema_version")
            if version != SCHEMA_VERSION:
                raise ValueError(f"schema version {version!r}, this portraitlite reads {SCHEMA_VERSION}")
            document["scales"] = tuple(document["scales"])
            document["contrasts"] = tuple(document["contrasts"])
            return cls(**document)
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is no description of blur graphs ({error!r}); build the graphs again") from error


def bundled_folder() -> Path:
    """Where the package keeps the graphs it ships."""
    return Path(__file__).parents[1] / "models" / "blur"
