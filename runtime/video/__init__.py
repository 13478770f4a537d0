"""Films: the portrait blur frame by frame, with masks that do not flicker.

    from portraitlite.runtime.video import FilmBlur, blur_film
    blur_film(Path("in.mp4"), Path("out.mp4"), FilmBlur(), strength=0.6)

Reading and writing files needs the extra `video`, the rest does not.
"""

from portraitlite.runtime.video.film import FilmBlur, FilmResult, blur_film
from portraitlite.runtime.video.film_subject import FilmSubject
from portraitlite.runtime.video.preview import Preview, PreviewCount, TimedFrame, film_source, paced, play
from portraitlite.runtime.video.reader import FilmFacts, FilmFrame, FilmReader
from portraitlite.runtime.video.smoothing import MaskSmoother

__all__ = [
    "FilmBlur",
    "FilmFacts",
    "FilmFrame",
    "FilmReader",
    "FilmResult",
    "FilmSubject",
    "MaskSmoother",
    "Preview",
    "PreviewCount",
    "TimedFrame",
    "blur_film",
    "film_source",
    "paced",
    "play",
]
