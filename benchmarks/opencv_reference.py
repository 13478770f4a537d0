"""The portrait blur once more, by hand with OpenCV and numpy: what the graphs' speed is compared with.

The same algorithm as the graphs, without highlights and grain: a guided filter in two passes on a small grid makes the
mask sharp, a bank of K discs blurs the premultiplied background in linear light, and the photo is mixed with it at full
size. It is written as OpenCV is at its best: few passes, bytes where bytes do, full-size work in pieces that stay in
the processor's cache, and nothing done to pieces that hold only subject or only background but what these need. The
discs are exact, so its picture is close to that of the graphs, but not equal.

Needs `pip install opencv-python-headless`. OpenCV's threads are a setting of the whole process: `cv2.setNumThreads`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.levels import level_of_radius
from portraitlite.runtime.blur.sizing import choose_scale, disc_radius
from portraitlite.runtime.blur.spec import BlurSpec
from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["load_opencv", "naive_gaussian", "opencv_blur"]

Bytes = npt.NDArray[np.uint8]
Array = Any  # float32 unless said otherwise; OpenCV's own types know no shapes

PIECE_PIXELS, PIECE_COLUMNS = 256 * 512, 32  # photo pixels and plan columns of a piece of full-size work; measured best
LEAST_WEIGHT = 1e-3


def load_opencv() -> Any:
    """The module cv2.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingDependencyError(f"OpenCV is missing ({error}); pip install opencv-python-headless") from error
    return cv2


def opencv_blur(
    photo: Bytes,
    mask: Bytes,
    *,
    strength: float,
    coc: npt.NDArray[np.float32] | None = None,
    spec: BlurSpec | None = None,
    in_pieces: bool = True,
) -> Bytes:
    """The photo with its background blurred, as `BlurRenderer.render` does it.

    Args:
        photo: (H, W, 3) uint8 RGB.
        mask: (mh, mw) uint8 over the whole photo, 255 = subject.
        strength: 0..1.
        coc: (h, w) float32 in 0..1 over the whole photo, blur relative to `strength`; None: the same everywhere.
        spec: the numbers of the blur; None: those of the bundled graphs.
        in_pieces: do the full-size work in pieces that fit the cache, each by what it needs; False: on whole pictures,
            which is the shorter program and several times slower.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    cv2, spec = load_opencv(), spec or BlurSpec()
    height, width = photo.shape[:2]
    choice = choose_scale(height, width, spec)
    s, size = choice.scale, (choice.used_width, choice.used_height)
    below, right = choice.used_height * s - height, choice.used_width * s - width
    whole = cv2.copyMakeBorder(photo, 0, below, 0, right, cv2.BORDER_REPLICATE) if below or right else photo
    rgb = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    small_mask = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    relative = np.ones((1, 1)) if coc is None else cv2.resize(coc, size, interpolation=cv2.INTER_LINEAR)
    level = level_of_radius(np.float64(disc_radius(height, width, s, strength, spec)) * relative, spec)
    level = np.broadcast_to(level, rgb.shape[:2])

    slope, offset, rim = _refine(rgb, small_mask, spec)
    alpha = np.clip((slope * rgb).sum(2) + offset, 0, 1)
    clean = np.maximum(np.maximum(1 - alpha / (1 - spec.trust), 0) ** 2, spec.floor)
    background = _background(rgb, clean, level, spec)
    fade = np.minimum(level * np.float32(spec.fade), 1)
    plan = _Plan(slope, offset, (background * 255 + 0.5).astype(np.uint8), fade, rim)
    if not in_pieces:
        return _mix(whole, plan, s, 0, rgb.shape[0], 0, rgb.shape[1])[:height, :width]
    subject = (np.minimum(slope, 0).sum(2) + offset >= 1) | (fade <= 0)
    behind = (np.maximum(slope, 0).sum(2) + offset <= 0) & (fade >= 1)
    out = whole.copy()
    rows = max(1, PIECE_PIXELS // (PIECE_COLUMNS * s * s))
    for y in range(0, rgb.shape[0], rows):
        for x in range(0, rgb.shape[1], PIECE_COLUMNS):
            bottom, end = min(y + rows, rgb.shape[0]), min(x + PIECE_COLUMNS, rgb.shape[1])
            read = (slice(max(0, y - 1), bottom + 1), slice(max(0, x - 1), end + 1))
            if subject[read].all():
                continue
            piece = (slice(y * s, bottom * s), slice(x * s, end * s))
            if behind[read].all():
                out[piece] = _enlarged(plan.background, s, y, bottom, x, end)
            else:
                out[piece] = _mix(whole, plan, s, y, bottom, x, end)
    return out[:height, :width]


def naive_gaussian(photo: Bytes, mask: Bytes, *, radius: float) -> Bytes:
    """What most programs do: blur the whole photo, put the subject's pixels on top.

    Args:
        photo: (H, W, 3) uint8 RGB.
        mask: (mh, mw) uint8 over the whole photo, 255 = subject.
        radius: of the disc that the Gaussian stands for, in pixels; it gets the disc's diameter and a standard
            deviation of half its radius, which is the disc's own.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    cv2 = load_opencv()
    side = 2 * math.ceil(radius) + 1
    blurred = cv2.GaussianBlur(photo, (side, side), radius / 2)
    weight = cv2.resize(mask, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    mixed: Bytes = cv2.blendLinear(photo, blurred, weight, 1 - weight)
    return mixed


@dataclasses.dataclass(frozen=True)
class _Plan:
    """Low-resolution pictures; alpha = clip(slope . photo + offset, 0, 1) with the photo in 0..1.

    Attributes:
        slope: (h, w, 3) float32.
        offset: (h, w) float32.
        background: (h, w, 3) uint8, blurred.
        fade: (h, w) float32 in 0..1.
        rim: (h, w, 3) float32 in -1..1, the subject's colour less its surroundings'.
    """

    slope: Array
    offset: Array
    background: Array
    fade: Array
    rim: Array


def _refine(rgb: Array, mask: Array, spec: BlurSpec) -> tuple[Array, Array, Array]:
    """Fast guided filter in two passes: slope, offset and rim of the plan."""
    cv2 = load_opencv()
    height, width = mask.shape
    grid = (round(width * spec.guide_side / spec.long_side), round(height * spec.guide_side / spec.long_side))
    guide = cv2.resize(rgb, grid, interpolation=cv2.INTER_LINEAR) - np.float32(0.5)
    shape = cv2.resize(mask, grid, interpolation=cv2.INTER_LINEAR)

    def mean(x: Array, radius: int = spec.box_radius) -> Array:
        return cv2.blur(x, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    r, g, b = cv2.split(guide)
    mr, mg, mb = (mean(x) for x in (r, g, b))
    rr, gg, bb = (mean(x * x) - m * m + spec.eps for x, m in ((r, mr), (g, mg), (b, mb)))
    rg, rb, gb = mean(r * g) - mr * mg, mean(r * b) - mr * mb, mean(g * b) - mg * mb
    i11, i12, i13 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i22, i23, i33 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * i11 + rg * i12 + rb * i13
    target = shape - np.float32(0.5)
    slopes, offset = [r, g, b], target
    for contrast in spec.contrasts:
        mp = mean(target)
        cr, cg, cb = (mean(x * target) - m * mp for x, m in ((r, mr), (g, mg), (b, mb)))
        scale = contrast / determinant
        slopes = [(x * cr + y * cg + z * cb) * scale for x, y, z in ((i11, i12, i13), (i12, i22, i23), (i13, i23, i33))]
        offset = mp * contrast - (slopes[0] * mr + slopes[1] * mg + slopes[2] * mb)
        *slopes, offset = cv2.split(mean(cv2.merge([*slopes, offset])))
        target = np.clip(slopes[0] * r + slopes[1] * g + slopes[2] * b + offset, -0.5, 0.5)
    near = np.minimum(shape * spec.reach, 1)
    alpha = (target + 0.5) * near
    front, back = alpha * alpha, (1 - alpha) ** 2
    fr, fg, fb, front_share = cv2.split(mean(cv2.merge([r * front, g * front, b * front, front]), spec.rim_radius))
    br, bg, bb, back_share = cv2.split(mean(cv2.merge([r * back, g * back, b * back, back]), spec.rim_radius))
    share = 1 / (front_share * back_share + spec.least_share)
    rims = [(f * back_share - b * front_share) * share for f, b in ((fr, br), (fg, bg), (fb, bb))]
    plain = offset + 0.5 - 0.5 * (slopes[0] + slopes[1] + slopes[2])  # of colours that are not centred
    low = cv2.resize(cv2.merge([x * near for x in (*slopes, plain)]), (width, height), interpolation=cv2.INTER_LINEAR)
    rim = cv2.resize(cv2.merge(rims), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(low[..., :3]), np.ascontiguousarray(low[..., 3]), rim


def _background(rgb: Array, clean: Array, level: Array, spec: BlurSpec) -> Array:
    """(h, w, 3) in 0..1: discs over what is surely background, near layers over far ones."""
    cv2 = load_opencv()
    source = cv2.merge([*cv2.split(rgb * rgb * clean[..., None]), clean])
    total = np.zeros_like(source)
    for k in range(spec.layers - 1, -1, -1):
        hat = np.maximum(1 - np.abs(level - k), 0)
        if not hat.any():
            continue
        layer = source * hat[..., None]
        if k:
            layer = cv2.filter2D(layer, cv2.CV_32F, _disc(spec.radii[k]), borderType=cv2.BORDER_CONSTANT)
        total = total * (1 - np.clip(layer[..., 3:], 0, 1)) + layer
    mean = total[..., :3] / np.maximum(total[..., 3:], LEAST_WEIGHT)
    return np.sqrt(np.clip(mean, 0, 1))


@functools.cache  # the graphs have theirs ready, too
def _disc(radius: float, fine: int = 16) -> Array:
    """(n, n) float32, n odd: an antialiased disc of `radius` pixels that sums to 1."""
    half = math.ceil(radius + 0.5)
    side = 2 * half + 1
    at = (np.arange(side * fine) + 0.5) / fine - side / 2
    inside = np.hypot(at[:, None], at) <= radius
    covered = inside.reshape(side, fine, side, fine).mean((1, 3))
    return (covered / covered.sum()).astype(np.float32)


def _enlarged(x: Array, s: int, top: int, bottom: int, left: int, right: int) -> Array:
    """Rows and columns of the plan at full size; reads one more pixel on every side, so that pieces join seamlessly."""
    cv2 = load_opencv()
    above, before = min(1, top), min(1, left)
    part = x[top - above : bottom + 1, left - before : right + 1]
    large = cv2.resize(part, (part.shape[1] * s, part.shape[0] * s), interpolation=cv2.INTER_LINEAR)
    return large[above * s :, before * s :][: (bottom - top) * s, : (right - left) * s]


def _mix(photo: Bytes, plan: _Plan, s: int, top: int, bottom: int, left: int, right: int) -> Bytes:
    """The finished pixels of some rows and columns of the plan; `s` photo pixels each."""
    cv2 = load_opencv()
    place = (s, top, bottom, left, right)
    pixels = photo[top * s : bottom * s, left * s : right * s]
    product = cv2.multiply(_enlarged(plan.slope, *place), pixels, scale=1 / 255, dtype=cv2.CV_32F)
    alpha = cv2.add(cv2.transform(product, np.ones((1, 3), np.float32)), _enlarged(plan.offset, *place))
    np.clip(alpha, 0, 1, out=alpha)
    weight = cv2.multiply(1 - alpha, _enlarged(plan.fade, *place))
    background = _enlarged(plan.background, *place)
    mixed: Bytes = cv2.blendLinear(pixels, background, 1 - weight, weight)
    if plan.rim[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1].any():
        share = cv2.multiply(weight, alpha, scale=255)
        mixed = cv2.add(mixed, cv2.multiply(_enlarged(plan.rim, *place), cv2.merge([share] * 3)), dtype=cv2.CV_8U)
    return mixed
