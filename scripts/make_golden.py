"""Make the golden vectors anew: `python scripts/make_golden.py`.

Needed after any wanted change of a host step, the blur graphs or the bundled model; the tests say when. Inputs
come from a fixed seed and from the bundled CC0 photos, scaled down.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from golden_blur_steps import SPEC  # noqa: E402
from golden_steps import STEPS  # noqa: E402
from golden_vectors import FOLDER, Array, Case, write_cases  # noqa: E402

from portraitlite.runtime.blur.spec import PLAN_CHANNELS, PixelType, bundled_folder  # noqa: E402
from portraitlite.runtime.bundled import DEFAULT_MODEL, resolve_model  # noqa: E402

SEED = 20240229
# Rounding of other CPUs' floating-point kernels; everything else must be equal bit by bit.
TOLERANCE = {
    "segment": {"mask": 24},  # int8 kernels round differently, see docs/parity.md
    "mask": {"mask": 1, "box": 1e-9},
    "figures": {"boxes": 1e-12, "shares": 1e-12},
    "scale": {"radii": 1e-9},
    "level": {"level": 1e-6},
    "plan": {"coc": 1e-6, "plan": 0.01},
    "apply": {"picture": 1},
    "fill": {"picture": 1},
    "render": {"picture": 1},
}


class Vectors:
    """Collects cases; outputs are what the runtime makes of the inputs."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.cases: list[Case] = []

    def add(self, step: str, what: str, inputs: dict[str, Array], **parameters: Any) -> dict[str, Array]:
        outputs = STEPS[step](inputs, parameters)
        tolerance = {name: limit for name, limit in TOLERANCE.get(step, {}).items() if name in outputs}
        if step == "place" and inputs["map"].dtype == np.float32:
            tolerance = {"placed": 1e-6}
        if step in {"apply", "fill"} and outputs["picture"].dtype == np.float32:
            tolerance = {"picture": 1 / 255}
        self.cases.append(Case(f"{step}/{what}", step, parameters, inputs, outputs, tolerance))
        return outputs

    def noise(self, *shape: int, low: int = 0) -> Array:
        return self.rng.integers(low, 256, shape, dtype=np.uint8)

    def clouds(self, height: int, width: int, radius: float) -> Array:
        """(height, width) uint8 over the whole range, smooth over `radius` samples."""
        soft = Image.fromarray(self.noise(height, width)).filter(ImageFilter.GaussianBlur(radius))
        values = np.asarray(soft).astype(float)
        return ((values - values.min()) * 255 / np.ptp(values)).astype(np.uint8)


def photo(name: str, height: int, width: int) -> Array:
    with Image.open(ROOT / "examples" / "photos" / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))


def network_input(vectors: Vectors) -> None:
    stored = vectors.noise(5, 7, 3)
    for orientation in range(1, 9):
        vectors.add("orient", str(orientation), {"stored": stored}, orientation=orientation)
    man, wide = photo("man", 60, 80), vectors.noise(20, 160, 3)
    for what, pixels, height, width, fit in (
        ("smaller", man, 33, 33, "stretch"),
        ("larger", man, 65, 97, "stretch"),
        ("noise", vectors.noise(37, 53, 3), 24, 31, "stretch"),
        ("one_side", man, 60, 41, "stretch"),
        ("pad_below", man, 49, 49, "pad"),
        ("pad_right", man.transpose(1, 0, 2), 49, 49, "pad"),
        ("pad_long", wide, 33, 33, "pad"),
        ("pad_larger", photo("woman", 25, 20), 33, 49, "pad"),
    ):
        made = vectors.add("fit", what, {"pixels": np.ascontiguousarray(pixels)}, height=height, width=width, fit=fit)
    for dtype in ("uint8", "int8", "float32"):
        used = made["used"].tolist()
        vectors.add("feed", dtype, {"input": made["input"]}, dtype=dtype, used=used, mean=127.5, std=127.5)
    for name, size in (("man", (96, 128)), ("street", (128, 96))):
        vectors.add("segment", name, {"photo": photo(name, *size)}, model=DEFAULT_MODEL)


def network_output(vectors: Vectors) -> None:
    rest: dict[str, Any] = {"network": [49, 65], "photo": [490, 500]}
    confidence = vectors.clouds(13, 17, 1.5)[..., None].astype(np.float32) / 255
    logits = vectors.rng.normal(0, 3, (13, 17, 3)).astype(np.float32)
    labels = vectors.rng.integers(0, 3, (13, 17)).astype(np.uint8)
    for kind, output, names in (
        ("confidence", confidence, ["background", "person"]),
        ("logits", logits, ["background", "cat", "person"]),
        ("labels", labels, ["background", "cat", "person"]),
    ):
        for convention, used in itertools.product(("align_corners", "legacy", "half_pixel"), ([49, 65], [49, 50])):
            shared = rest | {"used": used, "output_kind": kind, "labels": names, "resize_convention": convention}
            what = f"{kind}_{convention}_{'whole' if used[1] == 65 else 'padded'}"
            made = vectors.add("mask", what, {"output": output}, **shared)
            if kind == "confidence":
                box = made["box"].tolist()
                for height, width in ((61, 80), (7, 9)):
                    what = f"{convention}_{'whole' if used[1] == 65 else 'padded'}_{height}x{width}"
                    vectors.add("photo_mask", what, {"mask": made["mask"]}, box=box, height=height, width=width)


def subjects(vectors: Vectors) -> None:
    speckled = (vectors.noise(24, 31) < 110).astype(np.uint8)
    for diagonal in (True, False):
        what = "touching_corners" if diagonal else "touching_sides"
        vectors.add("components", what, {"mask": speckled}, diagonal=diagonal)
    clouds = [vectors.clouds(49, 65, radius) for radius in (1.0, 2.0, 4.0)]
    clouds.append(np.where(vectors.noise(49, 65) < 12, np.uint8(90), np.maximum(clouds[2], 60)))
    for number, values in enumerate(clouds):
        vectors.add("holes", str(number), {"values": values})
        vectors.add("figures", str(number), {"values": values})
    crowd = np.zeros((49, 65, 1), np.float32)
    for left, top, right, bottom in (
        (6, 10, 20, 46),
        (38, 14, 50, 45),
        (22, 33, 28, 45),
        (56, 11, 60, 20),
        (1, 1, 2, 2),
    ):
        crowd[top - 1 : bottom + 1, left - 1 : right + 1] += 0.3
        crowd[top:bottom, left:right] = 0.9
    rest = {"network": [49, 65], "photo": [490, 650], "used": [49, 65], "output_kind": "confidence"}
    rest |= {"labels": ["background", "person"], "resize_convention": "align_corners"}
    for keep, focus in (("all", None), ("largest", None), ("near", None), ("focus", [0.7, 0.5]), ("near", [0.9, 0.3])):
        what = f"{keep}_at_point" if focus and keep == "near" else keep
        vectors.add("subject", what, {"output": crowd}, keep=keep, focus=focus, **rest)


def plan(vectors: Vectors) -> None:
    sizes = [(64, 64), (378, 504), (504, 378), (379, 505), (505, 379), (3024, 4032), (4032, 3024), (3025, 4032)]
    sizes += [(3464, 3464), (2160, 3840), (1080, 1920), (8660, 11547), (22361, 4472), (1, 1), (24192, 18144)]
    vectors.add("scale", "sizes", {"sizes": np.array(sizes, np.int32)})
    for scale in (2, 3, 8, 12, 48):
        size = (2 * scale + scale // 2 + 1, 3 * scale + 1)
        vectors.add("reduce", f"by_{scale}", {"pixels": vectors.noise(*size, 3)}, scale=scale)
    vectors.add("reduce", "by_8_near_white", {"pixels": vectors.noise(21, 33, 3, low=253)}, scale=8)
    small, depth = vectors.clouds(13, 17, 1.5), vectors.clouds(9, 12, 1.5).astype(np.float32) / 255
    for what, values, height, width, box in (
        ("whole", small, 50, 66, None),
        ("box", small, 50, 66, [0.375, 0.375, 16.5, 10.25]),
        ("box_beyond", small, 50, 66, [-3.5, -1.25, 20.0, 14.0]),
        ("past_the_rim", small, 379, 505, [0.4, 0.4, 16.6, 12.6]),
        ("depth", depth, 50, 66, None),
    ):
        vectors.add("place", what, {"map": values}, height=height, width=width, box=box)
    radii = np.concatenate([np.linspace(0, SPEC.max_radius, 101), SPEC.radii])
    vectors.add("level", "radii", {"radius": radii})


def lights_and_grain(vectors: Vectors) -> None:
    for scale, highlights, size in ((2, 0.25, (61, 88)), (3, 1.0, (70, 55))):
        lamps = vectors.noise(*size, 3, low=60) // 2 + 60
        lamps[10:14, 20:25], lamps[31:33, 40], lamps[40:41, 30:33] = 255, 255, (255, 246, 240)
        lamps[24:30, 5:15] = (255, 255, 90)  # one channel is not clipped
        lamps[45:, :26] = 253  # a white wall
        vectors.add("light", f"by_{scale}", {"pixels": lamps}, scale=scale, highlights=highlights)

    def noisy(height: int, width: int, deviation: float, first: float = 60, last: float = 180) -> Array:
        slope = np.linspace(first, last, width)[:, None] + np.linspace(0, 20, height)[:, None, None]
        return (slope + vectors.rng.normal(0, deviation, (height, width, 3)) + 0.5).clip(0, 255).astype(np.uint8)

    for what, pixels in (
        ("noisy", noisy(41, 50, 3)),
        ("wide", noisy(17, 567, 1.5)),
        ("partly_clipped", noisy(40, 48, 4, 100, 260)),
        ("half_textured", np.concatenate([noisy(24, 48, 2), vectors.noise(24, 48, 3)])),
        *(("smooth", noisy(40, 48, 0, 90, 90)), ("texture", vectors.noise(40, 48, 3))),
        *(("too_small", noisy(24, 32, 3)), ("all_clipped", noisy(40, 48, 3, 250, 255))),
    ):
        made = vectors.add("grain_level", what, {"pixels": pixels})
        if what in {"noisy", "smooth"}:
            assert (made["level"][0] > 0) == (what == "noisy")
            vectors.add("noise", what, {"pixels": pixels}, scale=3, grain=0.7, rows=12, columns=20)
    vectors.add("grain_tile", "whole", {}, height=128, width=256, seed=SPEC.noise_seed)
    vectors.add("grain_tile", "other_seed", {}, height=5, width=7, seed=12345)


def blur(vectors: Vectors) -> None:
    depth = np.tile(np.linspace(1, 0, 12, dtype=np.float32)[:, None], (1, 9))
    for what, name, size, coc, options in (
        ("landscape", "man", (42, 56), {}, {"strength": 0.6, "highlights": 0.5}),
        ("portrait_depth", "woman", (56, 42), {"coc": depth}, {"strength": 1.0, "highlights": 0.0}),
    ):
        picture = photo(name, *size).copy()
        picture[3:5, 8:11] = 255  # a lamp
        mask = STEPS["segment"]({"photo": photo(name, 256, 256)}, {"model": DEFAULT_MODEL})["mask"]
        inputs = {"photo": picture, "mask": np.asarray(Image.fromarray(mask).resize((33, 33))), **coc}
        vectors.add("plan", what, inputs, **options)
        grainy = picture + vectors.rng.normal(0, 3, picture.shape)
        inputs = {**inputs, "photo": grainy.clip(0, 255).astype(np.uint8)}
        vectors.add("render", what, inputs, **options, grain=1.0 if options["highlights"] else 0.0)
    for scale, pixels in ((1, PixelType.UINT8), (3, PixelType.UINT8), (4, PixelType.FLOAT32), (8, PixelType.UINT8)):
        made = vectors.rng.uniform(0, 1, (-(-37 // scale), -(-53 // scale), PLAN_CHANNELS)).astype(np.float32)
        made[..., (0, 1, 2, 8, 9, 10)] -= 0.5
        made[..., 11] = 0
        noise = vectors.rng.normal(0, 0.05, (37, 53)).astype(np.float32)
        what, shared = f"by_{scale}_{pixels}", {"scale": scale, "pixels": str(pixels)}
        vectors.add("apply", what, {"photo": photo("terrace", 37, 53), "noise": noise, "plan": made}, **shared)
        cut = {"noise": noise[:18, :25], "plan": made[: -(-18 // scale), : -(-25 // scale)]}
        vectors.add("fill", what, cut, **shared)
    tile_kinds(vectors)
    for height, width in ((400, 520), (505, 379), (757, 1009)):
        vectors.add("tiles", f"{width}x{height}", {}, height=height, width=width, channels=PLAN_CHANNELS)


def tile_kinds(vectors: Vectors) -> None:
    for scale, rows, columns in ((8, 36, 72), (12, 25, 46)):
        made = np.zeros((rows, columns, 5), np.float32)
        made[..., :3] = vectors.rng.uniform(-0.5, 0.5, (rows, columns, 3))
        red, green, blue, _, fade = np.moveaxis(made, -1, 0)
        fade[:] = np.where(vectors.noise(rows, columns) < 128, 1, 1.5)
        negative = np.minimum(red, 0) + np.minimum(green, 0) + np.minimum(blue, 0)
        positive = np.maximum(red, 0) + np.maximum(green, 0) + np.maximum(blue, 0)
        subject = np.arange(columns) < columns // 2
        made[..., 3] = np.where(subject, 1 + np.float32(1e-6) - negative, -positive)
        made[rows // 2 :, columns // 2 - 9 : columns // 2 + 3, 4] = 0  # in focus
        made[rows - 1, columns - 1, 4] = 0.999
        height, width = rows * scale - 3, columns * scale - 2
        vectors.add("tile_kinds", f"by_{scale}", {"plan": made}, scale=scale, height=height, width=width)


def main() -> None:
    vectors = Vectors()
    for make in (network_input, network_output, subjects, plan, lights_and_grain, blur):
        make(vectors)
    files = [resolve_model(DEFAULT_MODEL), *sorted(bundled_folder().glob("*.tflite"))]
    write_cases(vectors.cases, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
    size_bytes = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(vectors.cases)} cases of {len({case.step for case in vectors.cases})} steps, {size_bytes} bytes")


if __name__ == "__main__":
    main()
