"""What smoothing masks in time gains and costs: `python scripts/measure_video.py [--frames 30] [--light 1]`.

Draws films of a person with exact opacity and sensor noise (`tests/oracles/film_scenes.py`), segments them with the
bundled model and prints a row for each, without / with smoothing:

    flicker   dtSSD of the mask: how far its changes from frame to frame differ from the true ones
    error     mean difference from the true opacity, percent
    lag       how far the mask's centre is behind, in frames, against the unsmoothed one's; moving people only
    mask, cut the first frame after a cut: largest share of the picture by which the mask differs from an unsmoothed one
"""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.accuracy.metrics.temporal import change_error
from portraitlite.runtime import Segmentation, Segmenter, SubjectChoice
from portraitlite.runtime.video.film_subject import FilmSubject

SCENES = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "oracles" / "film_scenes.py"))
SETTLED = 5  # frames before lag is measured

Floats = npt.NDArray[np.float64]


class Remembering:
    """The network, asked once for each frame however often it is called."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._last: tuple[Any, Segmentation] | None = None

    def __call__(self, pixels: Any) -> Segmentation:
        if self._last is None or self._last[0] is not pixels:
            self._last = (pixels, self._segmenter(pixels))
        return self._last[1]


def measure(name: str, segmenter: Remembering, frames: int, light: float) -> list[str]:
    """The cells of one film."""
    scene = SCENES["SCENES"][name]
    ways = [FilmSubject(segmenter, SubjectChoice(), smooth=smooth) for smooth in (False, True)]
    flicker, error, centre, after_cut = [], [], [], 0.0
    before: tuple[Floats, list[Floats]] | None = None
    for n, (bright, alpha) in enumerate(SCENES["frames"](scene, frames)):
        pixels = (bright * light).astype(np.uint8)
        found = [way(pixels, n / SCENES["RATE"]).resized(*alpha.shape) / 255 for way in ways]
        error.append([100 * np.abs(mask - alpha).mean() for mask in found])
        if before is not None and n != scene.cut_at:
            flicker.append([change_error(alpha, before[0], m, old) for m, old in zip(found, before[1], strict=True)])
        if n >= SETTLED:
            centre.append([middle(mask) for mask in found])
        if n == scene.cut_at:
            after_cut = 100 * float(np.abs(found[0] - found[1]).mean())
        before = (alpha, found)
    shift = float(np.diff(np.mean(centre, 0))[0])
    lag = f"{-shift / scene.speed:.2f}" if scene.speed else "-"
    cut = f"{after_cut:.2f} %" if scene.cut_at else "-"
    return [name, *(" / ".join(f"{v:.2f}" for v in np.mean(row, 0)) for row in (flicker, error)), lag, cut]


def middle(mask: Floats) -> float:
    """Centre of gravity from the left, pixels."""
    return float((mask.sum(0) * np.arange(mask.shape[1])).sum() / max(mask.sum(), 1e-9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--light", type=float, default=1.0, help="of the scene, 1 = full")
    arguments = parser.parse_args()
    segmenter = Remembering(Segmenter())
    print("| film | flicker | error, % | lag, frames | mask, cut |\n| --- | --- | --- | --- | --- |")
    for name in SCENES["SCENES"]:
        print(f"| {' | '.join(measure(name, segmenter, arguments.frames, arguments.light))} |", flush=True)


if __name__ == "__main__":
    main()
