"""Speed of the portrait blur beside OpenCV: `python scripts/bench_blur.py [--runs 9] [--strength 0.6] [--json FILE]`.

All contestants take turns in one run, so that a busy machine slows them all; a ratio is the median of the rounds'
ratios. Beside the time on the clock stands the processor time of the process, which other programs on the machine
hardly touch; goals are judged by the clock. Decoding and encoding are left out. Prints a table and which goals hold;
exit code 1 where one does not. The photo is a bundled one, enlarged, the mask that of the bundled model.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.benchmarks.environment import read_environment, read_state
from portraitlite.benchmarks.opencv_reference import load_opencv, naive_gaussian, opencv_blur
from portraitlite.benchmarks.record import write_document
from portraitlite.benchmarks.statistics import summarize
from portraitlite.runtime import Portrait, subject_mask
from portraitlite.runtime.backends import load_backend
from portraitlite.runtime.blur import BlurRenderer
from portraitlite.runtime.blur.sizing import disc_radius

Bytes = npt.NDArray[np.uint8]
Rounds = dict[str, list[float]]  # contestant -> ms, round by round

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "man.jpg"
FULL, PREVIEW = (4032, 3024), (1920, 1080)  # width, height


@dataclasses.dataclass(frozen=True)
class Goal:
    """A ratio of two contestants' times, and its limit: at most, or at least."""

    this: str
    other: str
    limit: float
    at_least: bool = False

    def holds(self, ratio: float) -> bool:
        return ratio >= self.limit if self.at_least else ratio <= self.limit


GOALS = (
    Goal("blur", "OpenCV, in pieces", 0.9),
    Goal("blur", "OpenCV, whole pictures", 0.9),
    Goal("blur", "naive Gaussian", 0.5),
    Goal("portrait", "portrait, 2 threads", 1.7, at_least=True),
    Goal("preview", "portrait", 0.3),
)


def enlarged(size: tuple[int, int]) -> Bytes:
    """The middle of the photo at another size."""
    with Image.open(PHOTO) as image:
        height = image.width * size[1] / size[0]
        top = (image.height - height) / 2
        box = (0, top, image.width, top + height)
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))


def contestants(strength: float) -> dict[str, Callable[[], object]]:
    """What takes turns, loaded and run once."""
    one, two, renderer = Portrait(), Portrait(threads=2), BlurRenderer()
    photo, preview = enlarged(FULL), enlarged(PREVIEW)
    mask = subject_mask(one.segmenter(photo)).resized(192, 256)
    radius = disc_radius(FULL[1], FULL[0], 1, strength, renderer.spec)
    runs: dict[str, Callable[[], object]] = {
        "blur": lambda: renderer.render(photo, mask, strength=strength),
        "OpenCV, in pieces": lambda: opencv_blur(photo, mask, strength=strength),
        "OpenCV, whole pictures": lambda: opencv_blur(photo, mask, strength=strength, in_pieces=False),
        "naive Gaussian": lambda: naive_gaussian(photo, mask, radius=radius),
        "portrait": lambda: one(photo, strength=strength),
        "portrait, 2 threads": lambda: two(photo, strength=strength),
        "preview": lambda: one(preview, strength=strength),
    }
    for run in runs.values():
        run()
    return runs


def measure(strength: float, runs: int) -> tuple[Rounds, Rounds]:
    """Milliseconds of every contestant, round by round: on the clock and of the processor."""
    racing = contestants(strength)
    latency_ms: Rounds = {name: [] for name in racing}
    processor_ms: Rounds = {name: [] for name in racing}
    for _ in range(runs):
        for name, run in racing.items():
            start, worked = time.perf_counter(), time.process_time()
            run()
            latency_ms[name].append(1e3 * (time.perf_counter() - start))
            processor_ms[name].append(1e3 * (time.process_time() - worked))
    return latency_ms, processor_ms


def ratio_of(rounds: Rounds, goal: Goal) -> float:
    return statistics.median(a / b for a, b in zip(rounds[goal.this], rounds[goal.other], strict=True))


def judge(latency_ms: Rounds, processor_ms: Rounds) -> list[dict[str, object]]:
    """Every goal with its ratio."""
    rows: list[dict[str, object]] = []
    for goal in GOALS:
        ratio = ratio_of(latency_ms, goal)
        ratios = {"ratio": ratio, "processor_ratio": ratio_of(processor_ms, goal)}
        rows.append({**dataclasses.asdict(goal), **ratios, "holds": goal.holds(ratio)})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="rounds")
    parser.add_argument("--strength", type=float, default=0.6)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    cv2 = load_opencv()
    cv2.setNumThreads(1)
    before = read_state()
    latency_ms, processor_ms = measure(arguments.strength, arguments.runs)
    environment = read_environment(backend_version=load_backend()[1].version(), before=before, after=read_state())
    statistics_ms = {name: summarize(values) for name, values in latency_ms.items()}
    goals = judge(latency_ms, processor_ms)

    print(f"{FULL[0]}x{FULL[1]}, preview {PREVIEW[0]}x{PREVIEW[1]}, strength {arguments.strength:g}, one thread")
    print("| what | median ms | fastest | median deviation | processor, median ms |\n| --- | --- | --- | --- | --- |")
    for name, row in statistics_ms.items():
        processor = statistics.median(processor_ms[name])
        print(f"| {name} | {row.p50_ms:.0f} | {row.min_ms:.0f} | {row.mad_ms:.0f} | {processor:.0f} |")
    print("\n| ratio | is | of processor time | goal | holds |\n| --- | --- | --- | --- | --- |")
    for row in goals:
        sign = "at least" if row["at_least"] else "at most"
        answer = "yes" if row["holds"] else "no"
        ratios = f"{row['ratio']:.2f} | {row['processor_ratio']:.2f}"
        print(f"| {row['this']} / {row['other']} | {ratios} | {sign} {row['limit']} | {answer} |")
    print(f"\npreview: {1e3 / statistics_ms['preview'].p50_ms:.1f} frames/s")
    if arguments.json:
        document = {
            "strength": arguments.strength,
            "opencv": cv2.__version__,
            "latency_ms": latency_ms,
            "processor_ms": processor_ms,
            "statistics": {name: dataclasses.asdict(row) for name, row in statistics_ms.items()},
            "goals": goals,
            "environment": dataclasses.asdict(environment),
        }
        write_document(arguments.json, document, force=True)
    return int(not all(row["holds"] for row in goals))


if __name__ == "__main__":
    raise SystemExit(main())
