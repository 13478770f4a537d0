"""`Segmenter`: a model file and everything that it says about itself, ready to be called on photos."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from portraitlite.runtime.backends import TensorInfo, open_model
from portraitlite.runtime.bundled import DEFAULT_MODEL, MODELS_FOLDER, resolve_model
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata, read_metadata
from portraitlite.runtime.model_trial import try_model
from portraitlite.runtime.network_input import fit_photo, input_tensor
from portraitlite.runtime.photo import Photo, photo_from_array, photo_from_pil
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.types import OutputKind

__all__ = ["Segmenter", "as_photo"]


class Segmenter:
    """A loaded segmentation model. Not thread-safe: one per thread.

    Attributes:
        metadata: how the model is fed and read.
        sha256: of the file.
        backend: name and version of the runtime.

    Example:
        >>> from portraitlite.runtime import Segmenter
        >>> segmenter = Segmenter("portrait")
        >>> mask = segmenter(numpy_rgb).photo_mask("person")  # (H, W) uint8
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        threads: int = 1,
        backend: str | None = None,
        metadata: ModelMetadata | None = None,
    ) -> None:
        """Load. A file that does not come with portraitlite is first tried in a process of its own (`try_model`).

        Args:
            model: name of a bundled model or path of a `.tflite` file.
            threads: CPU threads.
            backend: `litert`, `tflite_runtime` or `tensorflow`; None takes the first installed.
            metadata: for files that say nothing about themselves (other people's); wins over what the file says.

        Raises:
            InputError: no such file, damaged, without metadata, or not a segmentation model.
            MissingDependencyError: no runtime.
        """
        path = resolve_model(model)
        content = path.read_bytes()
        if path.parent != MODELS_FOLDER:
            try_model(content, backend=backend, what=path.name)
        self._threads = threads
        self._runner = open_model(content, threads=threads, backend=backend, what=path.name)
        found = metadata or read_metadata(content)
        if found is None:
            raise InputError(
                f"{path.name} says nothing about itself (no portraitlite metadata); give `metadata=` (labels, input "
                f"size, fit, output kind) or convert it with `portraitlite convert`"
            )
        self.metadata = found
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.backend = f"{self._runner.backend} {self._runner.backend_version}"
        self._input, self._output = _check_tensors(path.name, self._runner.inputs, self._runner.outputs, found)

    def __call__(self, image: npt.NDArray[np.uint8] | Image.Image | Photo) -> Segmentation:
        """Segment one photo.

        Args:
            image: (H, W, 3) uint8 RGB array, PIL image (its EXIF orientation is applied) or `Photo`.

        Raises:
            InputError: not a usable picture.
        """
        pixels = as_photo(image).pixels
        meta = self.metadata
        source = fit_photo(pixels, meta.input_height, meta.input_width, meta.fit, self._threads)
        (stored,) = self._runner.run({self._input.name: input_tensor(source, self._input, meta)})
        output: npt.NDArray[Any] = np.squeeze(stored, 0)
        if meta.output_kind is OutputKind.LABELS:
            output = output.reshape(output.shape[:2])
        else:
            output = self._output.dequantize(output)
        height, width = pixels.shape[:2]
        return Segmentation(output, meta, height, width, source.used_height, source.used_width)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release by hand: the interpreter goes with the object."""


def as_photo(image: npt.NDArray[np.uint8] | Image.Image | Photo) -> Photo:
    """Whatever a caller has -> `Photo`, without copying an array.

    Raises:
        InputError: of another type, or not a usable picture.
    """
    if isinstance(image, Photo):
        return image
    if isinstance(image, Image.Image):
        return photo_from_pil(image)
    return photo_from_array(image)


def _check_tensors(
    name: str, inputs: tuple[TensorInfo, ...], outputs: tuple[TensorInfo, ...], meta: ModelMetadata
) -> tuple[TensorInfo, TensorInfo]:
    expected = (1, meta.input_height, meta.input_width, 3)
    if len(inputs) != 1 or inputs[0].shape != expected:
        found = [list(info.shape) for info in inputs]
        raise InputError(f"{name} takes inputs {found}; expected one picture {list(expected)}")
    channels = 1 if meta.output_label is not None else len(meta.labels)
    labels = meta.output_kind is OutputKind.LABELS
    shapes = [info.shape for info in outputs]
    fits = len(shapes) == 1 and (
        (len(shapes[0]) == 3 or shapes[0][3:] == (1,)) if labels else len(shapes[0]) == 4 and shapes[0][-1] == channels
    )
    if not fits or shapes[0][0] != 1:
        want = "one label map [1, h, w]" if labels else f"one map [1, h, w, {channels}]"
        raise InputError(f"{name} puts out {[list(s) for s in shapes]}; expected {want} ({meta.output_kind})")
    return dataclasses.replace(inputs[0]), outputs[0]
