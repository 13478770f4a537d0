"""The camera's preview: a mask now and then, a picture for every frame, and frames that come too fast are dropped."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.portrait import DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH
from portraitlite.runtime.subject import Keep, SubjectMask
from portraitlite.runtime.video.film import FilmBlur
from portraitlite.runtime.video.reader import FilmFrame, FilmReader

__all__ = ["MASK_RATE", "Preview", "PreviewCount", "film_source", "paced", "play"]

MASK_RATE = 10.0  # masks per second
JITTER = 0.1  # of the time between masks: a camera's frames do not come evenly
PATIENCE_S = 2.0  # with a camera that gives no frame any more; its thread ends with the program

Bytes = npt.NDArray[np.uint8]
TimedFrame = tuple[float, Bytes]
"""Time in seconds and (H, W, 3) uint8 RGB."""


class Preview:
    """Blurs frames as they come. Not thread-safe.

    Example:
        >>> from portraitlite.runtime.video import FilmBlur, Preview
        >>> preview = Preview(FilmBlur())
        >>> shown = [preview(n / 30, numpy_rgb) for n in range(4)]
        >>> shown[0].shape == numpy_rgb.shape, preview.masks  # at 0 and 0.1 s
        (True, 2)

    Attributes:
        masks: how many masks were made.
        subject: the latest mask; None before the first frame.
    """

    def __init__(
        self,
        engine: FilmBlur,
        *,
        mask_rate: float = MASK_RATE,
        strength: float = DEFAULT_STRENGTH,
        keep: Keep | None = None,
        focus: tuple[float, float] | None = None,
        highlights: float = DEFAULT_HIGHLIGHTS,
    ) -> None:
        """
        Args:
            engine: network and blur graphs.
            mask_rate: masks per second; between two of them the last one is used.
            strength, keep, focus, highlights: as of `blur_film`.

        Raises:
            InputError: a mask rate that is not above 0, a choice that contradicts itself.
        """
        if not mask_rate > 0:
            raise InputError(f"the mask rate is {mask_rate}; give masks per second, more than 0")
        self._engine = engine
        self._choose = engine.subject(keep=keep, focus=focus)
        self._wait_s = (1 - JITTER) / mask_rate
        self._look = {"strength": strength, "highlights": highlights}
        self._mask_s = 0.0
        self.masks = 0
        self.subject: SubjectMask | None = None

    def __call__(self, time_s: float, pixels: Bytes) -> Bytes:
        """The blurred frame, (H, W, 3) uint8 RGB.

        Raises:
            InputError: not such a picture, or too small.
        """
        if self.subject is None or time_s - self._mask_s >= self._wait_s or time_s < self._mask_s:
            self.subject = self._choose(pixels, time_s)
            self._mask_s = time_s
            self.masks += 1
        return self._engine.render(pixels, self.subject.values, self.subject.box, **self._look)


@dataclasses.dataclass(frozen=True)
class PreviewCount:
    """What became of a source's frames.

    Attributes:
        shown: frames that were blurred and shown.
        dropped: frames that came while another one was being blurred and were overtaken by a newer one.
        masks: how many masks were made.
        seconds: from the first frame to the last picture.
    """

    shown: int
    dropped: int
    masks: int
    seconds: float


def play(frames: Iterable[TimedFrame], preview: Preview, show: Callable[[float, Bytes], bool | None]) -> PreviewCount:
    """Blur and show the newest frame, again and again, until the source ends or `show` returns False.

    The source runs in a thread of its own and is never waited for: what is shown is never older than the time that one
    picture takes.

    Args:
        frames: a camera, or a film through `film_source`.
        preview: blurs.
        show: called with (time in s, picture) in this thread.

    Raises:
        Exception: whatever the source raises, after the pictures before it.
    """
    slot = _Newest()
    camera = threading.Thread(target=slot.fill, args=(frames,), daemon=True)
    start, shown, masks = time.perf_counter(), 0, preview.masks
    camera.start()
    try:
        while (frame := slot.take()) is not None:
            shown += 1
            if show(frame[0], preview(*frame)) is False:
                break
    finally:
        slot.stop()
        camera.join(PATIENCE_S)
    if slot.error is not None:
        raise slot.error
    return PreviewCount(shown, slot.dropped, preview.masks - masks, time.perf_counter() - start)


def film_source(reader: FilmReader) -> Iterator[TimedFrame]:
    """A film in the place of a camera: its frames at the times at which they would be shown, without sound."""
    return paced((event.time_s, event.pixels()) for event in reader.events() if isinstance(event, FilmFrame))


def paced(frames: Iterable[TimedFrame]) -> Iterator[TimedFrame]:
    """Frames at their own times: the first at once, each later one not before its time."""
    start: float | None = None
    for time_s, pixels in frames:
        now = time.perf_counter()
        start = now - time_s if start is None else start
        if start + time_s > now:
            time.sleep(start + time_s - now)
        yield time_s, pixels


class _Newest:
    """Room for one frame: a newer one takes its place."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: TimedFrame | None = None
        self._over = False
        self.dropped = 0
        self.error: Exception | None = None

    def fill(self, frames: Iterable[TimedFrame]) -> None:
        try:
            for frame in frames:
                with self._changed:
                    if self._over:
                        return
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._changed.notify()
        except Exception as error:  # it belongs to the thread that shows the pictures
            self.error = error
        finally:
            self.stop()

    def take(self) -> TimedFrame | None:
        """The newest frame, waiting for one; None when no more come."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._over)
            frame, self._frame = self._frame, None
            return frame

    def stop(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
