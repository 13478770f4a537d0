"""Films in: frames as upright RGB with their times, and the sound's packets as they are."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.photo import MIN_SIDE
from portraitlite.runtime.video.colour import Orientation, describe_hdr, frame_orientation, to_rgb

__all__ = ["FilmFacts", "FilmFrame", "FilmReader", "load_av", "reason"]

MAX_FRAME_PIXELS = 8192 * 4608
MAX_DAMAGED_IN_A_ROW = 100
MAX_WAITING_BYTES = 64 << 20  # of sound before the first frame

_EXPECTED = "expected an MP4, MOV, MKV, WebM or AVI film"
# No playlists and no other formats that name further files or addresses.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,flv"
_DEFAULT_RATE = Fraction(30)


@dataclasses.dataclass(frozen=True)
class FilmFacts:
    """What a film says about itself.

    Attributes:
        width, height: of the upright frames in pixels.
        codec: of the picture.
        bits: per channel.
        hdr: `HLG` or `PQ`; None for SDR.
        rate: frames per second on average; None if unknown.
        frames: how many there should be; None if unknown.
        orientation: how stored frames become upright.
    """

    width: int
    height: int
    codec: str
    bits: int
    hdr: str | None
    rate: Fraction | None
    frames: int | None
    orientation: Orientation


@dataclasses.dataclass(frozen=True)
class FilmFrame:
    """One decoded frame.

    Attributes:
        raw: PyAV's frame.
        pts: presentation time in units of the stream's time base, ascending from frame to frame.
        time_s: the same in seconds.
        orientation: how it becomes upright.
    """

    raw: Any
    pts: int
    time_s: float
    orientation: Orientation

    def pixels(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, upright."""
        return to_rgb(self.raw, self.orientation)


class FilmReader:
    """An open film. Close it, or use it in a `with` block.

    Attributes:
        source: the name used in messages.
        facts: about the film.
        video: PyAV's stream of the picture.
        sounds: PyAV's streams of sound.
        left_out: how many other streams there are (subtitles, covers, camera data).
        damaged: packets that could not be decoded, so far.
    """

    def __init__(self, path: Path) -> None:
        """Open the film and decode its first frame.

        Raises:
            InputError: no film, damaged from the start, without picture, too small or too large.
            MissingDependencyError: PyAV is not installed.
        """
        av = load_av()
        self.source = str(path)
        if not path.is_file():
            raise InputError(f"{path} does not exist or is no file, {_EXPECTED}: check the name")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty, {_EXPECTED}: copy it again")
        self.damaged = 0
        options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
        try:
            # An absolute path: FFmpeg would take a name such as `concat:x` for a protocol.
            self.container = av.open(str(path.resolve()), container_options=options, metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as error:
            raise InputError(f"{path} cannot be read ({reason(error)}), {_EXPECTED}, whole") from error
        try:
            self._start()
        except BaseException:
            self.container.close()
            raise

    def events(self) -> Iterator[Any]:
        """Everything in the order of the file: a `FilmFrame` for each frame, PyAV packets for sound. Once only.

        Raises:
            InputError: frames of another size come, or nothing but damage.
        """
        time_base = self.video.time_base or 1 / _DEFAULT_RATE
        step = max(1, round(1 / ((self.facts.rate or _DEFAULT_RATE) * time_base)))
        last: int | None = None
        for event in self._decoded:
            if not hasattr(event, "planes"):
                yield event
                continue
            size = (event.height, event.width)
            if size != self._stored_size:
                old, new = (f"{width}x{height}" for height, width in (self._stored_size, size))
                raise InputError(f"{self.source} changes from {old} to {new} pixels: cut it there and do both parts")
            pts = event.pts
            # Raw streams have no times, broken ones repeat them.
            if last is None:
                last = 0 if pts is None else int(pts)
            else:
                last = last + step if pts is None else max(int(pts), last + 1)
            yield FilmFrame(event, last, float(last * time_base), self.facts.orientation)

    def _start(self) -> None:
        # Covers are streams of their own; they would show the film as it was.
        from av.stream import Disposition

        pictures = [each for each in self.container.streams.video if not each.disposition & Disposition.attached_pic]
        if not pictures:
            raise InputError(f"{self.source} has no moving picture, {_EXPECTED}")
        self.video = pictures[0]
        if self.video.codec_context is None:
            raise InputError(f"{self.source} has a picture of a kind that FFmpeg does not know: convert it to H.264")
        self.video.thread_type = "AUTO"
        # FFmpeg knows no name for some, such as a phone's spatial sound, and no file takes those.
        self.sounds = [each for each in self.container.streams.audio if each.codec_context is not None]
        self.left_out = len(self.container.streams) - 1 - len(self.sounds)
        found = (self.video.codec_context.width, self.video.codec_context.height)
        if found[0] * found[1] > MAX_FRAME_PIXELS:
            raise InputError(f"{self.source} has frames of {found[0]}x{found[1]} pixels: make it smaller first")
        decoded = self._decode()
        begin, waiting_bytes = [], 0
        for event in decoded:
            begin.append(event)
            if hasattr(event, "planes"):
                break
            waiting_bytes += event.size
            if waiting_bytes > MAX_WAITING_BYTES:
                raise InputError(
                    f"{self.source} has {waiting_bytes >> 20} MB of sound before its first frame: cut it off"
                )
        else:
            raise InputError(f"{self.source} has no frame that can be decoded, {_EXPECTED}: copy it again")
        self._decoded = itertools.chain(begin, decoded)
        first = begin[-1]
        self._stored_size = (first.height, first.width)
        turn = frame_orientation(first)
        height, width = self._stored_size[::-1] if turn.swap else self._stored_size
        if min(width, height) < MIN_SIDE:
            raise InputError(f"{self.source} has {width}x{height} pixels, expected at least {MIN_SIDE} a side")
        bits = max((component.bits for component in first.format.components), default=8)
        codec = self.video.codec_context.name
        rate = self.video.average_rate or None
        self.facts = FilmFacts(width, height, codec, bits, describe_hdr(first), rate, self._frames(rate), turn)

    def _frames(self, rate: Fraction | None) -> int | None:
        if self.video.frames > 0:
            return int(self.video.frames)
        if self.video.duration and self.video.time_base:
            seconds = float(self.video.duration * self.video.time_base)
        elif self.container.duration and self.container.duration > 0:
            seconds = self.container.duration / 1e6
        else:
            return None
        return max(1, round(seconds * float(rate))) if rate else None

    def _decode(self) -> Iterator[Any]:
        """PyAV's frames of the picture and packets of the sound."""
        av = load_av()
        in_a_row = 0
        packets = self.container.demux([self.video, *self.sounds])
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                self.damaged += 1  # a file that ends in the middle
                packet = None
            if packet is None:
                return
            if packet.stream is not self.video and packet.stream.index != self.video.index:
                if packet.dts is not None:
                    yield packet
                continue
            try:
                yield from packet.decode()
                in_a_row = 0
            except av.FFmpegError as error:
                self.damaged += 1
                in_a_row += 1
                if in_a_row > MAX_DAMAGED_IN_A_ROW:
                    found = f"{in_a_row} damaged packets in a row"
                    raise InputError(f"{self.source} has {found} ({reason(error)}): copy it again") from error

    def close(self) -> None:
        """Give the file back."""
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load_av() -> Any:
    """PyAV.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise MissingDependencyError("films need PyAV: pip install 'portraitlite[video]'") from error


def reason(error: Exception) -> str:
    """FFmpeg's, short enough for one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:120]
