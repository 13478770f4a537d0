"""Our models and our portrait beside others', in one run, in turns.

    python scripts/bench_peers.py DATA [--runs 30] [--portrait-runs 9] [--threads 1] [--cpus 0] [--json FILE]
        [--markdown FILE]

DATA is the folder that holds `models/`. First race: one inference of every bundled model and of every file of
`models/`. Second race: a made photo of 4032x3024 to a portrait with this project, and the same segmentation with a blur
written with OpenCV (the same algorithm, without highlights and grain; and the usual blend with a Gaussian) and with
Pillow (the usual blend). The table goes to stdout; ratios are medians of paired runs with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from portraitlite.benchmarks.affinity import fixed_affinity
from portraitlite.benchmarks.contestant import open_contestant
from portraitlite.benchmarks.desktop import noise_warnings
from portraitlite.benchmarks.environment import read_environment, read_state
from portraitlite.benchmarks.opencv_reference import load_opencv, naive_gaussian, opencv_blur
from portraitlite.benchmarks.record import write_document
from portraitlite.benchmarks.schedule import Schedule, take_turns, timed
from portraitlite.benchmarks.stages import PHOTO_SIZE, made_mask, made_photo
from portraitlite.benchmarks.statistics import (
    LatencyStatistics,
    RatioInterval,
    Stability,
    paired_ratio,
    stability,
    summarize,
)
from portraitlite.runtime import IfNoSubject, Portrait, Segmenter
from portraitlite.runtime.backends import load_backend
from portraitlite.runtime.blur.sizing import disc_radius
from portraitlite.runtime.blur.spec import BlurSpec
from portraitlite.runtime.bundled import BUNDLED
from portraitlite.runtime.save import write_atomically

STRENGTH = 0.6
Bytes = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Row:
    """One contestant; `ratio` is to the first of its race."""

    name: str
    size_bytes: int | None
    input_shape: str
    statistics: LatencyStatistics
    stability: Stability
    ratio: RatioInterval
    latency_ms: tuple[float, ...]


def race_models(paths: Sequence[str | Path], threads: int, runs: int) -> list[Row]:
    """One inference of each."""
    inputs = [input_of(path) for path in paths]
    racing = [open_contestant(path, threads=threads) for path in paths]
    taken = take_turns([one.run_ms for one in racing], Schedule(runs=runs))
    return [
        row(one.model.name.removesuffix(".tflite"), one.model.size_bytes, shape, times, taken[0])
        for one, shape, times in zip(racing, inputs, taken, strict=True)
    ]


def race_portraits(threads: int, runs: int) -> list[Row]:
    """Photo in memory to portrait in memory. The mask is made, so that all blur the same; all segment all the same."""
    cv2 = load_opencv()
    cv2.setNumThreads(threads)
    photo, mask = made_photo(PHOTO_SIZE), made_mask()
    portrait, segmenter = Portrait(threads=threads), Segmenter(threads=threads)
    radius = disc_radius(PHOTO_SIZE[1], PHOTO_SIZE[0], 1, STRENGTH, BlurSpec())

    def pillow() -> Bytes:
        image = Image.fromarray(photo)
        blurred = image.filter(ImageFilter.GaussianBlur(radius / 2))
        weight = Image.fromarray(mask).resize(PHOTO_SIZE, Image.Resampling.BILINEAR)
        return np.asarray(Image.composite(image, blurred, weight))

    def after_segmentation(blur: Callable[[], object]) -> Callable[[], object]:
        return lambda: (segmenter(photo), blur())

    named: dict[str, Callable[[], object]] = {
        "portraitlite": lambda: portrait(photo, strength=STRENGTH, if_no_subject=IfNoSubject.BLUR),
        "portraitlite, no highlights or grain": lambda: portrait(
            photo, strength=STRENGTH, if_no_subject=IfNoSubject.BLUR, highlights=0, grain=0
        ),
        "OpenCV, same algorithm": after_segmentation(lambda: opencv_blur(photo, mask, strength=STRENGTH)),
        "OpenCV, Gaussian blend": after_segmentation(lambda: naive_gaussian(photo, mask, radius=radius)),
        "Pillow, Gaussian blend": after_segmentation(pillow),
    }
    taken = take_turns([timed(run) for run in named.values()], Schedule(runs=runs, warmup=1))
    size = "x".join(map(str, PHOTO_SIZE))
    return [row(name, None, size, times, taken[0]) for name, times in zip(named, taken, strict=True)]


def row(name: str, size: int | None, shape: str, times_ms: tuple[float, ...], first_ms: tuple[float, ...]) -> Row:
    return Row(name, size, shape, summarize(times_ms), stability(times_ms), paired_ratio(times_ms, first_ms), times_ms)


def input_of(path: str | Path) -> str:
    from portraitlite.runtime.backends import open_model
    from portraitlite.runtime.bundled import resolve_model

    (info,) = open_model(resolve_model(path).read_bytes()).inputs
    return f"{info.shape[2]}x{info.shape[1]} {info.dtype}"


def markdown(title: str, rows: Sequence[Row]) -> list[str]:
    lines = [
        f"| {title} | size MB | input | p50 ms | p90 ms | / first [95 %] |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in rows:
        size = "" if one.size_bytes is None else f"{one.size_bytes / 1e6:.2f}"
        ratio = f"{one.ratio.ratio:.2f} [{one.ratio.low:.2f}, {one.ratio.high:.2f}]"
        figures = f"{one.statistics.p50_ms:.1f} | {one.statistics.p90_ms:.1f} | {ratio}"
        lines.append(f"| {one.name} | {size} | {one.input_shape} | {figures} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--portrait-runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpus", type=lambda text: [int(cpu) for cpu in text.split(",")], default=None)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    with fixed_affinity(arguments.cpus):
        before = read_state()
        peers = sorted((arguments.data / "models").glob("*.tflite"))
        models = race_models([*BUNDLED, *peers], arguments.threads, arguments.runs)
        portraits = race_portraits(arguments.threads, arguments.portrait_runs)
        backend, module = load_backend()
        environment = read_environment(backend_version=module.version(), before=before, after=read_state())
    where = (
        f"{arguments.threads} thread{'s' * (arguments.threads > 1)}, {backend} {environment.backend_version}, "
        f"{environment.cpu_model or environment.architecture}, load before {environment.before.load_average_1min}; "
        f"{arguments.runs} and {arguments.portrait_runs} runs in turns"
    )
    text = "\n".join([where, "", *markdown("one inference", models), *markdown("portrait", portraits)])
    print(text)
    if arguments.markdown:
        write_atomically(arguments.markdown, text.encode(), force=True)
    if arguments.json:
        document: dict[str, Any] = {
            "backend": backend,
            "threads": arguments.threads,
            "strength": STRENGTH,
            "models": [dataclasses.asdict(one) for one in models],
            "portraits": [dataclasses.asdict(one) for one in portraits],
            "environment": dataclasses.asdict(environment),
        }
        write_document(arguments.json, document, force=True)
    noise = (
        warning
        for one in (*models, *portraits)
        for warning in noise_warnings(one.statistics, environment, arguments.threads, one.stability)
    )
    for warning in dict.fromkeys(noise):
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    main()
