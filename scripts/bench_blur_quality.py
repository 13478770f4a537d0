"""Blur quality on a drawn scene whose right answer is known: `python scripts/bench_blur_quality.py [--plain]`.

PSNR in dB of all pixels, of the band (background within one disc radius of the subject) and of the edge (partly covered
pixels), with a mask of 65 x 65, no highlights and no grain. `--plain` adds a one-pass guided filter without foreground
estimation, which is what most phones do, and a Gaussian through the raw mask.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import runpy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from portraitlite.runtime.blur import BlurRenderer, BlurSpec

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((768, 1024, 15.0), (1512, 2016, 30.0))
SCENE: dict[str, Any] = runpy.run_path(str(ROOT / "tests" / "oracles" / "hard_scene.py"))


def strength_of(height: int, width: int, radius: float) -> float:
    """The slider's place at which the renderer draws discs of `radius` photo pixels."""
    return radius / (BlurSpec().radius_share * math.hypot(height, width))


def gaussian(scene: Any) -> Any:
    """A Gaussian of the disc's size in sRGB, mixed through the mask as it comes."""
    size = (scene.photo.shape[1], scene.photo.shape[0])
    photo = Image.fromarray(scene.photo)
    mask = Image.fromarray(scene.mask()).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(Image.composite(photo, photo.filter(ImageFilter.GaussianBlur(scene.radius / 2)), mask))


def plain_models(folder: Path, scales: tuple[int, ...] = (3, 4)) -> Path:
    """Graphs of the plain guided filter: one pass, and `rim` told to believe in nothing."""
    from portraitlite.convert.blur.build import build_blur_models

    plain = dataclasses.replace(BlurSpec(), contrasts=(1.6,), trust=0.1, scales=scales, least_share=1e6)
    build_blur_models(folder, plain)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", action="store_true", help="also a plain guided filter and a Gaussian")
    parser.add_argument("--seed", type=int, default=0, help="of the scene")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        renderers = {"portraitlite": BlurRenderer()}
        if arguments.plain:
            renderers["plain guided filter"] = BlurRenderer(models=plain_models(Path(folder)))
        for height, width, radius in SIZES:
            scene = SCENE["make_scene"](height, width, radius, arguments.seed)
            areas = scene.areas()
            strength = strength_of(height, width, radius)
            pictures = {
                name: renderer.render(scene.photo, scene.mask(), strength=strength)
                for name, renderer in renderers.items()
            }
            if arguments.plain:
                pictures["Gaussian, raw mask"] = gaussian(scene)
            for name, picture in pictures.items():
                figures = " / ".join(f"{SCENE['psnr'](picture, scene.truth, where):.1f}" for where in areas.values())
                print(f"{width}x{height} {name:20s} {figures}", flush=True)


if __name__ == "__main__":
    main()
