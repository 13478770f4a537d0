"""Speed of the smoothed preview beside a 12-megapixel portrait: `python scripts/bench_preview.py [--rounds 5]`.

They take turns, so that a busy machine slows them all: one portrait, then one second of preview of 30 frames, in which
a mask is made every tenth of a second and smoothed, then the same blur without making masks. Every frame is rendered,
none dropped. Beside the time on the clock stands the processor time of the process; the goal is judged by the clock.
Decoding and encoding are left out. The picture is a bundled one, enlarged, and moves by two pixels a frame. Exit code 1
where the goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.benchmarks.environment import read_environment, read_state
from portraitlite.runtime import Portrait
from portraitlite.runtime.backends import load_backend
from portraitlite.runtime.portrait import DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH
from portraitlite.runtime.video import FilmBlur, Preview

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "man.jpg"
FULL, FRAME, RATE = (4032, 3024), (1920, 1080), 30
LIMIT = 0.3  # of the portrait's time, for one frame of the preview

Bytes = npt.NDArray[np.uint8]


def enlarged(size: tuple[int, int]) -> Bytes:
    """The middle of the photo at another size, (width, height)."""
    with Image.open(PHOTO) as image:
        height = image.width * size[1] / size[0]
        box = (0, (image.height - height) / 2, image.width, (image.height + height) / 2)
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds on the clock and of the processor."""
    start, worked = time.perf_counter(), time.process_time()
    run()
    return 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - worked)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    portrait, engine = Portrait(threads=arguments.threads), FilmBlur(threads=arguments.threads)
    photo, still = enlarged(FULL), enlarged(FRAME)
    frames = [np.ascontiguousarray(np.roll(still, 2 * n, 1)) for n in range(RATE)]
    preview = Preview(engine)
    shown = 0

    def one_second() -> None:
        nonlocal shown
        for frame in frames:
            preview(shown / RATE, frame)
            shown += 1

    def blur_alone() -> None:
        assert preview.subject is not None
        for frame in frames:
            engine.render(frame, preview.subject.values, preview.subject.box, strength=strength, highlights=highlights)

    strength, highlights = DEFAULT_STRENGTH, DEFAULT_HIGHLIGHTS
    portrait(photo)
    preview(-1.0, still)
    before = read_state()
    rows = []
    for _ in range(arguments.rounds):
        whole, second, blur = timed(lambda: portrait(photo)), timed(one_second), timed(blur_alone)
        rows.append([*whole, *(value / RATE for value in (*second, *blur))])
    where = read_environment(backend_version=load_backend()[1].version(), before=before, after=read_state())
    clock, worked = (statistics.median(row[2 + n] / row[n] for row in rows) for n in range(2))
    middle = [statistics.median(column) for column in zip(*rows, strict=True)]
    print("| what | median ms | processor, median ms |\n| --- | --- | --- |")
    print(f"| portrait, {FULL[0]}x{FULL[1]} | {middle[0]:.0f} | {middle[1]:.0f} |")
    print(f"| one frame of the preview, {FRAME[0]}x{FRAME[1]} | {middle[2]:.0f} | {middle[3]:.0f} |")
    print(f"| of it the blur | {middle[4]:.0f} | {middle[5]:.0f} |")
    print(f"| ratio (goal: at most {LIMIT}) | {clock:.2f} | {worked:.2f} |")
    print(
        f"\n{1e3 / middle[2]:.1f} frames/s, {preview.masks} masks for {shown} frames; {arguments.threads} thread(s), "
        f"{arguments.rounds} rounds, {where.cpu_model}, load {where.before.load_average_1min:.1f} before"
    )
    return int(clock > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
