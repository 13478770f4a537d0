"""A portrait whose right answer is known: long hair over busy surroundings with lights. Load with `runpy.run_path`.

    photo = alpha F + (1 - alpha) B        truth = alpha F + (1 - alpha) disc(B)        (linear light)

Everything is drawn, at any size, and the same each time: head, shoulders and 160 single hairs with known coverage.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = Any

STRANDS = 160
THINGS = 120
LIGHTS = 120
HAIR = (0.36, 0.25, 0.15)
SKIN = (0.80, 0.62, 0.52)
SHIRT = (0.30, 0.42, 0.62)


@dataclasses.dataclass(frozen=True)
class Scene:
    """photo, truth: (H, W, 3) uint8 sRGB; alpha: (H, W) float, coverage by the subject; radius in photo pixels."""

    photo: Array
    truth: Array
    alpha: Array
    radius: float

    def areas(self) -> dict[str, Array]:
        """Boolean pixel sets. `band`: background within one radius of the subject; `edge`: partly covered pixels."""
        background = self.alpha < 0.02
        reached = disc_blur((~background).astype(float), self.radius) > 1e-4
        return {
            "all": np.ones_like(background),
            "band": background & reached,
            "edge": ~background & (self.alpha <= 0.98),
        }

    def mask(self, side: int = 65) -> Array:
        """(side, side) uint8: the coverage as a network of that resolution would give it."""
        small = Image.fromarray(self.alpha.astype(np.float32)).resize((side, side), Image.Resampling.BOX)
        return (255 * np.asarray(small) + 0.5).clip(0, 255).astype(np.uint8)


def make_scene(height: int, width: int, radius: float, seed: int = 0) -> Scene:
    """The scene at one size; `radius` is that of the true disc in photo pixels."""
    rng = np.random.default_rng(seed)
    body, front = _subject(height, width, rng)
    hairs = _strands(height, width, rng)
    front = np.where((body < 0.5)[..., None] & (hairs > 0)[..., None], np.array(HAIR), front)
    alpha = np.maximum(body, hairs)
    behind, light, a = _surroundings(height, width, rng), to_linear(front), alpha[..., None]
    noise = rng.normal(0, 0.004, behind.shape)
    photo = to_bytes(to_srgb(a * light + (1 - a) * behind) + noise)
    truth = to_bytes(to_srgb(a * light + (1 - a) * disc_blur(behind, radius)))
    return Scene(photo, truth, alpha, radius)


def psnr(a: Array, b: Array, where: Array) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 pictures over some pixels."""
    error = ((a.astype(float) - b) ** 2).mean(-1)[where].mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def to_linear(s: Array) -> Array:
    """sRGB 0..1 -> linear light 0..1."""
    return np.where(s <= 0.04045, s / 12.92, ((np.maximum(s, 0) + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Array) -> Array:
    """Linear light -> sRGB, clipped to 0..1."""
    x = np.clip(light, 0, 1)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)


def to_bytes(x: Array) -> Array:
    """0..1 -> uint8, rounded."""
    return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


def disc_blur(x: Array, radius: float) -> Array:
    """Exact convolution with an antialiased disc by FFT; the picture is mirrored at its rim."""
    half, fine = int(np.ceil(radius)) + 1, 8
    t = (np.arange((2 * half + 1) * fine) + 0.5) / fine - (half + 0.5)
    inside = (t[:, None] ** 2 + t[None] ** 2 <= radius * radius).astype(float)
    kernel = inside.reshape(2 * half + 1, fine, 2 * half + 1, fine).mean((1, 3))
    planes = x.reshape(*x.shape[:2], -1)
    out = np.empty(planes.shape)
    size = (x.shape[0] + 2 * half, x.shape[1] + 2 * half)
    spectrum = np.fft.rfft2(kernel / kernel.sum(), size)
    for c in range(planes.shape[2]):
        padded = np.pad(planes[..., c], half, mode="reflect")
        out[..., c] = np.fft.irfft2(np.fft.rfft2(padded) * spectrum, size)[2 * half :, 2 * half :]
    return out.reshape(x.shape)


def _grid(height: int, width: int) -> tuple[Array, Array]:
    """Pixel centres in units of the height, x from the middle."""
    return (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None] + 0.5 - width / 2) / height


def _ellipse(y: Array, x: Array, centre: tuple[float, float], radii: tuple[float, float], soft: float) -> Array:
    """Coverage of an ellipse with a rim about `soft` wide, all in units of the height."""
    distance = (1 - np.hypot((y - centre[0]) / radii[0], (x - centre[1]) / radii[1])) * min(radii)
    return np.clip(distance / soft + 0.5, 0, 1)


def _subject(height: int, width: int, rng: Any) -> tuple[Array, Array]:
    """(coverage, sRGB colour) of head, hair and shoulders."""
    y, x = _grid(height, width)
    soft = 1 / 120
    hair = np.maximum(_ellipse(y, x, (0.36, 0), (0.235, 0.185), soft), _ellipse(y, x, (0.55, 0), (0.24, 0.20), soft))
    body = _ellipse(y, x, (1.12, 0), (0.44, 0.46), soft)
    face = _ellipse(y, x, (0.40, 0), (0.17, 0.125), 1 / 60)[..., None]
    neck = (_ellipse(y, x, (0.62, 0), (0.14, 0.07), 1 / 60))[..., None]
    streaks = _noise(height, width, (6, 90), rng)[..., None] * 0.12
    weave = _noise(height, width, (120, 120), rng)[..., None] * 0.06 + 0.05 * np.sin(60 * y)[..., None]
    shade = (1 - 0.35 * np.clip(x + 0.1, 0, 1))[..., None]
    colour = np.array(HAIR) + streaks
    colour = colour * (1 - body[..., None]) + (np.array(SHIRT) + weave) * body[..., None]
    for part in (neck, face):
        colour = colour * (1 - part) + np.array(SKIN) * shade * part
    return np.maximum(hair, body), np.clip(colour, 0.02, 0.98)


def _strands(height: int, width: int, rng: Any) -> Array:
    """Coverage of single curved hairs that start on the hair's rim."""
    canvas = Image.new("L", (2 * width, 2 * height))
    pen = ImageDraw.Draw(canvas)
    for _ in range(STRANDS):
        around = rng.uniform(-0.15 * np.pi, 1.15 * np.pi)
        x0, y0 = 0.185 * np.cos(around), 0.36 - 0.235 * np.sin(around)
        angle, bend, length = around + rng.normal(0, 0.45), rng.normal(0, 0.5), rng.uniform(0.02, 0.08)
        t = np.linspace(-0.3, 1, 16)
        px = 2 * (width / 2 + height * (x0 + length * t * np.cos(angle + bend * t)))
        py = 2 * height * (y0 - length * t * np.sin(angle + bend * t))
        points = list(zip(px.tolist(), py.tolist(), strict=True))
        pen.line(points, fill=int(rng.uniform(128, 255)), width=max(1, round(height / 512)))
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.float32) / 255


def _noise(height: int, width: int, cells: tuple[int, int], rng: Any) -> Array:
    """Smooth noise in -1..1 with so many cells down and across."""
    coarse = rng.uniform(-1, 1, cells).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), float)


def _surroundings(height: int, width: int, rng: Any) -> Array:
    """Colour clouds and texture, hard-edged things of all sizes and small lights, in linear light."""
    picture = np.full((height, width, 3), 0.35)
    for cells, gain in ((3, 0.25), (12, 0.17), (48, 0.12), (160, 0.12)):
        shape = (cells * height // width + 1, cells)
        grey = _noise(height, width, shape, rng)[..., None]
        tint = np.dstack([_noise(height, width, shape, rng) for _ in range(3)])
        picture = picture + gain * (1.1 * grey + 0.35 * tint)
    y, x = _grid(height, width)
    for size in np.geomspace(0.12, 0.01, THINGS):
        centre, turn = (rng.uniform(0, 1), rng.uniform(-0.5, 0.5) * width / height), rng.uniform(0, np.pi)
        across = (x - centre[1]) * np.cos(turn) + (y - centre[0]) * np.sin(turn)
        along = (y - centre[0]) * np.cos(turn) - (x - centre[1]) * np.sin(turn)
        far = np.maximum(abs(across), abs(along) / rng.uniform(1, 4))
        cover = 0.75 * np.clip((size - far) * height + 0.5, 0, 1)[..., None]
        picture = picture * (1 - cover) + (rng.uniform(0, 1) + rng.uniform(-0.15, 0.15, 3)) * cover
    light = to_linear(np.clip(picture, 0.02, 0.95))
    for _ in range(LIGHTS):
        centre = (rng.uniform(0, 0.6), rng.uniform(-0.5, 0.5) * width / height)
        radius = rng.uniform(1.5, 4) / 1024 * width / height
        spot = np.clip((radius - np.hypot(y - centre[0], x - centre[1])) * height + 0.5, 0, 1)[..., None]
        light = light * (1 - spot) + rng.uniform(0.6, 1, 3) * spot
    return light
