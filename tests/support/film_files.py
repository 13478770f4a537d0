"""Films made by PyAV itself: tiny, of any codec, turn, colour and timing. A figure is green, the rest is red."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from tiny_segmenter import tiny_segmenter

__all__ = ["TinyBlur", "decode", "figure", "sound_packets", "tone_block", "write_film"]

from portraitlite.runtime.video import FilmBlur, FilmResult, blur_film

Bytes = npt.NDArray[np.uint8]
RATE = 30
FINE = Fraction(1, 90_000)


class TinyBlur:
    """Blurs films with a tiny model; without strength, which is quick and shows what else changes."""

    def __init__(self, folder: Path) -> None:
        self.engine = FilmBlur(tiny_segmenter(folder / "tiny.tflite"))

    def __call__(self, source: Path, output: Path, *, strength: float = 0.0, force: bool = False) -> FilmResult:
        return blur_film(source, output, self.engine, strength=strength, force=force)


def figure(height: int, width: int, left: float = 0.3, right: float = 0.7, top: float = 0.2) -> Bytes:
    """(height, width, 3): a green block on red, edges as fractions; the model of `tiny_segmenter` finds it."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = 220
    picture[round(top * height) :, round(left * width) : round(right * width)] = (0, 220, 0)
    return picture


def write_film(
    path: Path,
    frames: Iterable[Bytes],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    turn: int = 0,
    sound: str | None = None,
    options: dict[str, str] | None = None,
    colours: tuple[int, int, int] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encode (H, W, 3) uint8 RGB frames.

    Args:
        path: its suffix names the container.
        frames: of one size.
        codec, pixels: of the picture, as FFmpeg names them.
        times: of the frames in 1/90000 s; None: 30 a second.
        turn: degrees by which players shall turn the picture, counterclockwise.
        sound: codec of a tone as long as the picture; None: silent.
        options: of the encoder.
        colours: matrix, primaries and transfer as numbers of ITU-T H.273.
        metadata: of the film.
    """
    with av.open(str(path), "w") as film:
        film.metadata.update(metadata or {})
        video: Any = film.add_stream(codec, rate=RATE, options=options or {})
        tone: Any = film.add_stream(sound, rate=48_000) if sound else None
        if tone:
            tone.layout = "mono"
        unit = FINE if times else Fraction(1, RATE)
        started, end, played = False, 0.0, 0
        for n, frame in enumerate(frames):
            if not started:
                video.height, video.width, video.pix_fmt = frame.shape[0], frame.shape[1], pixels
                video.time_base = video.codec_context.time_base = unit
                if colours:
                    video.colorspace, video.color_primaries, video.color_trc = colours
                    video.color_range = 1
                if turn:
                    video.set_display_rotation(turn)
                started = True
            spread = 2 if pixels.startswith("yuvj") else 1
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pixels, dst_color_range=spread)
            if colours:
                picture.colorspace, picture.color_primaries, picture.color_trc = colours
            picture.pts, picture.time_base = times[n] if times else n, unit
            end = float(picture.pts * unit) + 1 / RATE
            film.mux(video.encode(picture))
            while tone and played / 48_000 < end:
                film.mux(tone.encode(tone_block(tone, played)))
                played += 1024
        film.mux(video.encode(None))
        if tone:
            film.mux(tone.encode(None))
    return path


def tone_block(stream: Any, start: int) -> Any:
    """1024 samples of the tone for an encoder of floats or bytes."""
    wave = np.sin(np.arange(start, start + 1024) * 0.05)[None] * 0.2
    kind = stream.codec_context.format.name
    samples = (wave * 127 + 128).astype(np.uint8) if kind == "u8" else wave.astype(np.float32)
    block = av.AudioFrame.from_ndarray(samples, format=kind, layout="mono")
    block.sample_rate, block.pts, block.time_base = 48_000, start, Fraction(1, 48_000)
    return block


def decode(path: Path) -> list[tuple[float, float, Bytes]]:
    """(time in s, duration in s, (H, W, 3) uint8 RGB as stored) of every frame."""
    with av.open(str(path)) as film:
        return [
            (float(frame.time), float((frame.duration or 0) * frame.time_base), frame.to_ndarray(format="rgb24"))
            for frame in film.decode(video=0)
        ]


def sound_packets(path: Path) -> list[tuple[float, bytes]]:
    """(time in s, content) of every packet of the first sound."""
    with av.open(str(path)) as film:
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in film.demux(audio=0)
            if packet.pts is not None
        ]
