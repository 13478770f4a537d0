"""What the page does, without the page: from an uploaded file to pictures, and to a file again."""

from __future__ import annotations

import dataclasses
import secrets
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.runtime.batch_plan import same_format
from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.bundled import BUNDLED, DEFAULT_MODEL
from portraitlite.runtime.demo.pictures import chequered, reduced
from portraitlite.runtime.depth import DepthGuess
from portraitlite.runtime.errors import InputError, PortraitLiteError
from portraitlite.runtime.layers.paint import paint_layers
from portraitlite.runtime.layers.stack import split_layers
from portraitlite.runtime.photo import Photo, load_photo
from portraitlite.runtime.portrait import DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH, Portrait, PortraitResult
from portraitlite.runtime.save import save_photo

__all__ = ["MAX_UPLOAD_BYTES", "Captioned", "DemoEngine", "Look", "Shown", "Upload"]

MAX_UPLOAD_BYTES = 64 << 20

Bytes = npt.NDArray[np.uint8]
Captioned = tuple[Bytes, str]
"""(H, W, 3) uint8 RGB and one line below it."""


@dataclasses.dataclass(frozen=True)
class Upload:
    """A photo that somebody gave to the page.

    Attributes:
        path: where the server keeps it until it ends.
        preview: the photo, at most `PREVIEW_SIDE` pixels a side.
        width, height: of the whole photo in pixels.
    """

    path: Path
    preview: Photo
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Look:
    """How the portrait shall be; as the arguments of `Portrait`.

    Attributes:
        model: one of `DemoEngine.models`.
        strength, highlights: 0..1.
        depth: how blur grows with distance.
        focus: x, y as fractions of width and height; None: everybody stays sharp.
    """

    model: str = DEFAULT_MODEL
    strength: float = DEFAULT_STRENGTH
    highlights: float = DEFAULT_HIGHLIGHTS
    depth: DepthGuess = DepthGuess.CONSTANT
    focus: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Shown:
    """A portrait at the preview's size.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8, 255 = subject.
        words: one line about it.
    """

    pixels: Bytes
    mask: Bytes
    words: str


class DemoEngine:
    """Portraits for a page. Thread-safe: one call at a time works, the others wait.

    Attributes:
        models: names that a `Look` may have: the bundled ones, and the file that was given.
        first: the one to begin with.
    """

    def __init__(self, model: str | None = None, *, threads: int = 1) -> None:
        """Load the first model, so that a bad one is found before the page opens.

        Args:
            model: name of a bundled model or path of a `.tflite` file that knows persons.
            threads: CPU threads.

        Raises:
            InputError: the model cannot be used.
            MissingDependencyError: no TFLite runtime.
        """
        self._files: dict[str, str | Path] = {name: name for name in BUNDLED}
        self.first = DEFAULT_MODEL
        if model in BUNDLED:
            self.first = model
        elif model is not None:
            self.first = Path(model).name
            self._files = {self.first: Path(model), **self._files}
        self.models = tuple(self._files)
        self._threads = threads
        self._lock = threading.Lock()
        self._renderer = BlurRenderer(threads=threads)
        self._loaded: dict[str, Portrait] = {}
        self._portrait(self.first)

    def load(self, path: Path) -> Upload:
        """Read an uploaded file.

        Raises:
            InputError: too many bytes, or as `load_photo`; the message names the file without its folder.
        """
        if path.is_file() and path.stat().st_size > MAX_UPLOAD_BYTES:
            raise InputError(_too_many_bytes(path.name, path.stat().st_size))
        with self._lock:
            photo = _read(path)
            return Upload(path, reduced(photo), photo.width, photo.height)

    def portrait(self, upload: Upload, look: Look) -> Shown:
        """The portrait of the preview.

        Raises:
            InputError: an unknown model, a number outside its range.
            NothingToDoError: nobody is in the photo, or nobody at the focus point.
        """
        with self._lock:
            result = self._make(upload.preview, look)
        mask = result.subject.resized(upload.preview.height, upload.preview.width)
        kept, found = sum(figure.kept for figure in result.subject.figures), len(result.subject.figures)
        notices = list(upload.preview.notices)
        if look.depth is DepthGuess.GROUND and result.blur_map is None:
            notices.append("the subject's feet are not in the photo, so all of the background is blurred equally")
        words = f"{upload.width}x{upload.height}; {kept} of {found} kept, {_measured(result)}"
        return Shown(result.pixels, mask, "; ".join([words, *notices]))

    def layers(self, upload: Upload, model: str) -> list[Captioned]:
        """The layers of the preview, top first; what one does not show is chequered.

        Raises:
            InputError: an unknown model.
        """
        photo = upload.preview
        with self._lock:
            stack = split_layers(photo, self._portrait(model).segmenter(photo), self._renderer)
            pictures = [
                (chequered(painted, photo.height, photo.width), f"{painted.layer.label} {painted.layer.share:.1%}")
                for painted in paint_layers(stack)
            ]
        return pictures[::-1]

    def compare(self, upload: Upload, look: Look) -> list[Captioned]:
        """The portrait of every model, in the order of `models`; where one sees nobody, the photo and its message.

        Raises:
            InputError: as `portrait`.
        """
        pictures: list[Captioned] = []
        for name in self.models:
            with self._lock:
                try:
                    result = self._make(upload.preview, dataclasses.replace(look, model=name))
                    pictures.append((result.pixels, f"{name}: {_measured(result)}"))
                except PortraitLiteError as error:
                    if error.exit_code != 1:
                        raise
                    pictures.append((upload.preview.pixels, f"{name}: {error}"))
        return pictures

    def file(self, upload: Upload, look: Look) -> Path:
        """The portrait of the whole photo as a file of the photo's kind, with its EXIF as `save_photo` keeps it.

        Raises:
            InputError, NothingToDoError: as `portrait`; or it cannot be written.
        """
        with self._lock:
            photo = _read(upload.path)
            pixels = self._make(photo, look).pixels
            # A folder of its own: another tab may have the same photo and another look.
            folder = upload.path.parent / secrets.token_hex(8)
            folder.mkdir()
            path = folder / f"{upload.path.stem}-portrait{same_format(upload.path)}"
            save_photo(path, pixels, photo)
        return path

    def _make(self, photo: Photo, look: Look) -> PortraitResult:
        return self._portrait(look.model)(
            photo, strength=look.strength, highlights=look.highlights, depth=look.depth, focus=look.focus
        )

    def _portrait(self, name: str) -> Portrait:
        # Names come from a browser: only those that were offered become files.
        if name not in self._files:
            raise InputError(f"there is no model {name[:60]!r} here; choose one of {', '.join(self.models)}")
        if name not in self._loaded:
            self._loaded[name] = Portrait(self._files[name], threads=self._threads)
        return self._loaded[name]


def _read(path: Path) -> Photo:
    try:
        return dataclasses.replace(load_photo(path), source=path.name)
    except PortraitLiteError as error:
        # Where the server keeps its files is of no use on the page.
        raise type(error)(str(error).replace(str(path), path.name)) from error


def _too_many_bytes(name: str, size_bytes: int) -> str:
    limit = MAX_UPLOAD_BYTES >> 20
    return f"{name} has {size_bytes / 2**20:.1f} MiB, the page takes {limit}: use `portraitlite portrait` for it"


def _measured(result: PortraitResult) -> str:
    return f"subject {result.subject.share:.1%}, segment {result.segment_ms:.0f} ms, blur {result.blur_ms:.0f} ms"
