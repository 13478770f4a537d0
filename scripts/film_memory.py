"""Whether memory stays the same through a long film: `python scripts/film_memory.py [--frames 5000]`.

Draws a short film with people in motion and a cut, repeats it, and blurs it with the bundled model as
`portraitlite video` does. Prints the memory of the process as it goes; exit code 1 where it has grown by more than
`LIMIT_MB` since the first tenth.
"""

from __future__ import annotations

import argparse
import runpy
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from portraitlite.runtime.video.film import FilmBlur, blur_film
from portraitlite.runtime.video.reader import load_av

SCENES = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "oracles" / "film_scenes.py"))
SHOTS, SHOT_FRAMES = ("walking", "cut", "pan"), 25
HEIGHT, WIDTH = 360, 640
LIMIT_MB = 30.0


def memory_mb() -> float:
    """Resident memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def pictures(count: int) -> Iterator[Any]:
    draw = partial(SCENES["frames"], count=SHOT_FRAMES, height=HEIGHT, width=WIDTH)
    shots = [pixels for name in SHOTS for pixels, _ in draw(SCENES["SCENES"][name])]
    for n in range(count):
        yield shots[n % len(shots)]


def write(path: Path, count: int) -> None:
    av = load_av()
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        video.height, video.width, video.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for picture in pictures(count):
            film.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(video.encode(None))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    frames = parser.parse_args().frames
    used: list[float] = []

    def note(done: int, total: int) -> None:
        used.append(memory_mb())
        if done % max(1, frames // 10) == 0:
            print(f"{done} of {total} frames: {used[-1]:.1f} MB", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.mp4"
        write(source, frames)
        result = blur_film(source, Path(folder) / "out.mp4", FilmBlur(), progress=note)
    growth = max(used[frames // 2 :]) - max(used[: max(1, frames // 10)])
    print(
        f"{result.frames} frames of {result.width}x{result.height}, {result.cuts} cuts, {result.seconds:.0f} s; "
        f"memory grew by {growth:.1f} MB after the first tenth (limit {LIMIT_MB:.0f})"
    )
    return int(growth > LIMIT_MB)


if __name__ == "__main__":
    raise SystemExit(main())
