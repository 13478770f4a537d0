"""A film in, the same film with a blurred background out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.bundled import model_for
from portraitlite.runtime.errors import InputError, NothingToDoError
from portraitlite.runtime.portrait import DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.subject import Keep, SubjectChoice, check_choice
from portraitlite.runtime.video.film_subject import FilmSubject
from portraitlite.runtime.video.reader import FilmFacts, FilmFrame, FilmReader
from portraitlite.runtime.video.writer import check_film_output, open_writer

__all__ = ["FilmBlur", "FilmResult", "blur_film"]

CUT_OFF_SHARE, SPARE_FRAMES = 0.98, 2  # of the frames that a film claims, by its count or by its length


@dataclasses.dataclass(frozen=True)
class FilmResult:
    """What became of a film.

    Attributes:
        facts: of the source.
        width, height: of the frames that were written.
        frames: how many were written.
        with_subject: how many of them show a subject.
        cuts: scene cuts.
        damaged: packets of the source that could not be decoded.
        seconds: of work.
        notices: one-line remarks for the user.
    """

    facts: FilmFacts
    width: int
    height: int
    frames: int
    with_subject: int
    cuts: int
    damaged: int
    seconds: float
    notices: tuple[str, ...]


class FilmBlur:
    """Network and blur graphs, loaded once, for films one after the other. Not thread-safe.

    Attributes:
        segmenter: the network.
        label: class that stays sharp.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        threads: int = 1,
        backend: str | None = None,
        subject: str = "person",
        held: tuple[str, ...] | None = None,
    ) -> None:
        """Arguments and errors as of `Portrait`."""
        self.segmenter = Segmenter(
            model_for(subject, held) if model is None else model, threads=threads, backend=backend
        )
        self.label = subject
        self._choice = SubjectChoice(subject, held=held)
        check_choice(self._choice, self.segmenter.metadata)
        self._renderer = BlurRenderer(threads=threads, backend=backend)

    def subject(
        self, *, keep: Keep | None = None, focus: tuple[float, float] | None = None, smooth: bool = True
    ) -> FilmSubject:
        """Who stays sharp in a new film; arguments as of `Portrait`."""
        keep = keep or (Keep.FOCUS if focus else Keep.ALL)
        choice = dataclasses.replace(self._choice, keep=keep, focus=focus)
        return FilmSubject(self.segmenter, choice, smooth=smooth)

    def render(
        self,
        pixels: npt.NDArray[np.uint8],
        mask: npt.NDArray[np.uint8],
        box: tuple[float, float, float, float],
        *,
        strength: float,
        highlights: float,
    ) -> npt.NDArray[np.uint8]:
        """One frame, (H, W, 3) uint8 RGB, blurred behind a mask. Without grain: that of a photo would stand still."""
        return self._renderer.render(pixels, mask, strength=strength, mask_box=box, highlights=highlights)


def blur_film(
    source: Path,
    output: Path,
    engine: FilmBlur,
    *,
    strength: float = DEFAULT_STRENGTH,
    keep: Keep | None = None,
    focus: tuple[float, float] | None = None,
    highlights: float = DEFAULT_HIGHLIGHTS,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FilmResult:
    """Blur the background of a whole film; it appears whole or not at all.

    Frames that show nobody are blurred all over. Times, turn, aspect and sound are kept.

    Args:
        source: a film that PyAV reads.
        output: .mp4, .m4v, .mov or .mkv.
        engine: network and blur graphs.
        strength, keep, focus, highlights: as of `Portrait`; the figure that is chosen first is followed.
        force: overwrite an existing file.
        progress: called with (frames done, frames there should be; 0 where the film does not say).

    Raises:
        InputError: a film that cannot be used, an output that cannot be written, a number outside 0..1.
        NothingToDoError: no frame shows a subject.
        MissingDependencyError: PyAV is not installed.
    """
    for name, share in (("strength", strength), ("highlights", highlights)):
        if not 0 <= share <= 1:
            raise InputError(f"{name} {share} is outside 0..1")
    check_film_output(output, force=force)
    subject = engine.subject(keep=keep, focus=focus)
    start = time.perf_counter()
    with FilmReader(source) as reader, open_writer(output, reader, force=force) as writer:
        with_subject = 0
        for event in reader.events():
            if not isinstance(event, FilmFrame):
                writer.copy(event)
                continue
            pixels = event.pixels()
            mask = subject(pixels, event.time_s)
            with_subject += mask.found
            done = engine.render(pixels, mask.values, mask.box, strength=strength, highlights=highlights)
            writer.write(done, event)
            if progress:
                progress(writer.frames, max(writer.frames, reader.facts.frames or 0))
        if with_subject == 0:
            raise NothingToDoError(f"no {engine.label} found in {source}; nothing was made of it")
        facts = reader.facts
        width, height = facts.width // 2 * 2, facts.height // 2 * 2
        seconds = time.perf_counter() - start
        notices = tuple(_notices(reader, writer.frames))
        return FilmResult(
            facts, width, height, writer.frames, with_subject, subject.cuts, reader.damaged, seconds, notices
        )


def _notices(reader: FilmReader, frames: int) -> list[str]:
    facts = reader.facts
    notices = []
    if facts.hdr:
        notices.append(f"it is HDR ({facts.hdr}) and became SDR: lights brighter than white are cut off")
    elif facts.bits > 8:
        notices.append(f"its {facts.bits} bits a channel became 8")
    if facts.width % 2 or facts.height % 2:
        notices.append(
            f"the last of its {facts.width}x{facts.height} rows or columns is left out: H.264 needs even sizes"
        )
    if reader.left_out:
        notices.append(f"{reader.left_out} other stream(s) (subtitles, cover, camera data) are left out")
    if reader.damaged:
        notices.append(f"it is damaged: {reader.damaged} packet(s) could not be read")
    if facts.frames and frames + SPARE_FRAMES < CUT_OFF_SHARE * facts.frames:
        notices.append(f"it ends early: {frames} frames of {facts.frames}")
    return notices
