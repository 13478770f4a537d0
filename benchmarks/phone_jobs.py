"""What a phone shall run: a model or a stage of the portrait, with its files on the phone and the harness's options."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.android_harness.model_facts import blur_facts, blur_files, model_facts
from portraitlite.android_harness.phone_harness import run_harness
from portraitlite.android_harness.place import Place
from portraitlite.benchmarks.contestant import BLUR_GRAPHS, read_model
from portraitlite.benchmarks.latency import random_inputs
from portraitlite.benchmarks.record import ModelFacts
from portraitlite.benchmarks.stages import GRAIN, HIGHLIGHTS, PHOTO_SIZE, STRENGTH, Stage, made_mask, made_photo
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur.spec import BlurSpec, bundled_folder
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import read_metadata

__all__ = ["Job", "JobMaker", "Options"]

Options = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Job:
    """One configuration.

    Attributes:
        model: which file; as in `RunRecord`.
        stage: what runs.
        photo_size: width and height of the photo, where the stage has one.
        threads: CPU threads.
        options: of the harness, all but how long.
    """

    model: ModelFacts
    stage: Stage
    photo_size: tuple[int, int] | None
    threads: int
    options: Options

    @property
    def mode(self) -> str:
        """Of the harness."""
        return "run" if self.stage is Stage.INVOKE else self.stage.value


class JobMaker:
    """Puts files in place, each once."""

    def __init__(self, place: Place, program: str, shared: Options, *, seed: int = 0) -> None:
        """
        Args:
            place: where the harness runs.
            program: its path there.
            shared: options of every job: library, accelerator, CPUs.
            seed: of random inputs and made photos.
        """
        self._place, self._program, self._shared, self._seed = place, program, shared, seed
        self._photos: dict[tuple[int, int], npt.NDArray[np.uint8]] = {}
        self._blur_folders: dict[tuple[int, int], str] = {}

    def make(self, model: str | Path, stage: Stage, *, threads: int, photo_size: tuple[int, int] | None = None) -> Job:
        """A job whose files are in place.

        Raises:
            InputError: the model or the size cannot be used.
            DeviceError: a file cannot be sent.
        """
        options: list[tuple[str, str]] = [*self._shared, ("threads", str(threads))]
        facts = self._no_model() if not stage.uses_model else ModelFacts.of(*read_model(model))
        if stage.uses_model:
            options.append(("model", self._place.put(resolve_model(model))))
        if stage is Stage.INVOKE:
            return Job(facts, stage, None, threads, (*options, *self._random(model)))
        size = photo_size or PHOTO_SIZE
        options += [("photo", self._bytes("photo.rgb", self._photo(size))), ("size", f"{size[0]}x{size[1]}")]
        options.append(("facts", self._bytes("facts.txt", self._facts(model if stage.uses_model else None))))
        if stage is not Stage.SEGMENT:
            options.append(("blur", self._blur(size)))
        if stage in (Stage.PLAN, Stage.PORTRAIT):
            options += [("strength", str(STRENGTH)), ("highlights", str(HIGHLIGHTS))]
        if stage is Stage.PLAN:
            options += self._mask()
        if stage is Stage.APPLY:
            options += [("grain", str(GRAIN)), ("plan", self._planned(options))]
        if stage is Stage.PORTRAIT:
            # A made photo may have no subject; with `blur` the work is the same.
            options += [("grain", str(GRAIN)), ("if-no-subject", "blur")]
        return Job(facts, stage, size, threads, tuple(options))

    def _no_model(self) -> ModelFacts:
        graphs = sorted(bundled_folder().glob("*.tflite"))
        return ModelFacts.of(BLUR_GRAPHS, b"".join(path.read_bytes() for path in graphs))

    def _random(self, model: str | Path) -> Options:
        """The same inputs as on the desktop."""
        name, content = read_model(model)
        values = random_inputs(open_model(content, what=name).inputs, self._seed, what=name)
        return tuple(("input", self._bytes(f"input{i}.bin", value.tobytes())) for i, value in enumerate(values))

    def _photo(self, size: tuple[int, int]) -> bytes:
        if size not in self._photos:
            self._photos[size] = made_photo(size, self._seed)
        return self._photos[size].tobytes()

    def _facts(self, model: str | Path | None) -> bytes:
        text = blur_facts(BlurSpec.load(bundled_folder()))
        if model is not None:
            name, content = read_model(model)
            metadata = read_metadata(content)
            if metadata is None:
                raise InputError(f"{name} says nothing about itself; measure --stage invoke, or convert it again")
            text += model_facts(metadata)
        return text.encode()

    def _blur(self, size: tuple[int, int]) -> str:
        if size not in self._blur_folders:
            folder = bundled_folder()
            names = blur_files(size[1], size[0], BlurSpec.load(folder), strength=STRENGTH)
            self._blur_folders[size] = self._place.put_named(
                [folder / name for name in names], f"blur-{size[0]}x{size[1]}"
            )
        return self._blur_folders[size]

    def _mask(self) -> Options:
        mask = made_mask()
        return ("mask", self._bytes("mask.bin", mask.tobytes())), ("mask-size", f"{mask.shape[1]}x{mask.shape[0]}")

    def _planned(self, options: Sequence[tuple[str, str]]) -> str:
        """A plan made by the harness itself, outside of what is timed."""
        folder = self._place.make_folder("planned")
        asked = [
            *options,
            *self._mask(),
            ("strength", str(STRENGTH)),
            ("highlights", str(HIGHLIGHTS)),
            ("dump", folder),
        ]
        run_harness(self._place, self._program, Stage.PLAN.value, asked)
        return f"{folder}/plan.bin"

    def _bytes(self, name: str, content: bytes) -> str:
        """Content of our own as a file there; equal content is sent once."""
        with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            return self._place.put(path)
