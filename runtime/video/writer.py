"""Films out: H.264 at the times of the source, its sound copied, whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.errors import InputError
from portraitlite.runtime.save import check_target, whole_file
from portraitlite.runtime.video.colour import to_film
from portraitlite.runtime.video.reader import FilmFrame, FilmReader, load_av, reason

__all__ = ["FilmWriter", "check_film_output", "open_writer"]

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
_QUALITY = {"crf": "18", "preset": "medium"}  # 18: no visible loss, x264's own advice
_OF_THE_FILE = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder", "duration"})


def check_film_output(path: Path, *, force: bool) -> None:
    """Refuse an output film that could not be written later; call it before the work.

    Raises:
        InputError: another suffix than .mp4, .m4v, .mov or .mkv, or as `check_target`.
    """
    if path.suffix.lower() not in _FORMATS:
        found = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise InputError(f"the output {path} {found}, expected one of {', '.join(_FORMATS)}: rename it")
    check_target(path, force=force)


class FilmWriter:
    """Takes frames and sound of one film in the order in which its reader gives them."""

    def __init__(self, container: Any, reader: FilmReader) -> None:
        self._container = container
        self._reader = reader
        self._video: Any = None  # known with the first frame
        self._sounds: dict[int, Any] = {}
        self._sounded: dict[int, int] = {}
        self._waiting: list[Any] = []
        self._duration: dict[int, int] = {}
        self.frames = 0

    def write(self, pixels: npt.NDArray[np.uint8], frame: FilmFrame) -> None:
        """A finished frame, (H, W, 3) uint8 RGB, in place of `frame`."""
        picture = to_film(pixels, frame.raw)
        if not self._video:
            self._begin(picture)
        picture.pts, picture.time_base = frame.pts, self._reader.video.time_base
        if frame.raw.duration:
            self._duration[frame.pts] = int(frame.raw.duration)
        self._mux(self._video.encode(picture))
        self.frames += 1

    def copy(self, packet: Any) -> None:
        """A packet of sound."""
        if self._video is None:
            self._waiting.append(packet)  # streams have to be known before the first packet is written
            return
        index = packet.stream.index
        if index in self._sounded and packet.dts <= self._sounded[index]:
            self._reader.damaged += 1  # no file takes sound that goes back in time
            return
        self._sounded[index] = packet.dts
        packet.stream = self._sounds[index]
        av = load_av()
        try:
            self._container.mux(packet)
        except (av.InvalidDataError, av.ArgumentError):
            self._reader.damaged += 1  # it does not parse; a picture without this bit of sound is better than none

    def finish(self) -> None:
        """Write what the encoder still holds. At least one frame must have been written."""
        self._mux(self._video.encode(None))

    def _begin(self, picture: Any) -> None:
        source = self._reader.video
        rate = self._reader.facts.rate or 30
        self._video = self._container.add_stream("libx264", rate=rate, options=dict(_QUALITY))
        context = self._video.codec_context
        self._video.width, self._video.height, self._video.pix_fmt = picture.width, picture.height, "yuv420p"
        self._video.time_base = context.time_base = source.time_base
        aspect = source.sample_aspect_ratio
        if aspect:
            context.sample_aspect_ratio = 1 / aspect if self._reader.facts.orientation.swap else aspect
        context.color_range = picture.color_range
        context.colorspace, context.color_primaries = picture.colorspace, picture.color_primaries
        context.color_trc = picture.color_trc
        for sound in self._reader.sounds:
            copied = self._copied(sound)
            if sound.language:
                copied.metadata["language"] = sound.language
            self._sounds[sound.index] = copied
        kept = {key: text for key, text in self._reader.container.metadata.items() if key.lower() not in _OF_THE_FILE}
        self._container.metadata.update(kept)
        for packet in self._waiting:
            self.copy(packet)
        self._waiting.clear()

    def _copied(self, sound: Any) -> Any:
        try:
            return self._container.add_stream_from_template(sound)
        except ValueError as error:
            kind, codec = self._container.format.name, sound.codec_context.name
            raise InputError(
                f"{self._reader.source} has sound of the kind {codec}, which {kind} cannot hold: name the output .mkv"
            ) from error

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            # Encoders lose it; without it the last frame of a film with changing rate is too short or too long.
            packet.duration = self._duration.pop(packet.pts, packet.duration)
            self._container.mux(packet)


@contextlib.contextmanager
def open_writer(path: Path, reader: FilmReader, *, force: bool = False) -> Iterator[FilmWriter]:
    """A writer whose film takes the place of `path` at the end, or disappears on any failure.

    Raises:
        InputError: as `check_film_output`, no space, or sound that the kind of file cannot hold.
    """
    av = load_av()
    check_film_output(path, force=force)
    kind = _FORMATS[path.suffix.lower()]
    with whole_file(path, force=force) as stream:
        try:
            # By name: an index in front of the film means reading the file again.
            options = {"movflags": "faststart"} if kind != "matroska" else {}
            with av.open(stream.name, "w", format=kind, container_options=options) as container:
                writer = FilmWriter(container, reader)
                yield writer
                writer.finish()
        except av.FFmpegError as error:
            raise InputError(f"{path} cannot be written ({reason(error)}): free some space or choose .mkv") from error
