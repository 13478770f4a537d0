"""The same photos through Python and through the native program, on a phone or here; stage by stage, what differs.

Stages are compared as the program writes them: what the network was fed, what it put out, labels, masks, plan, picture.
Each side works on with its own result, so that a difference shows where it arises and what becomes of it.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.android_harness.model_facts import blur_facts, blur_files, model_facts
from portraitlite.android_harness.phone_harness import HarnessAnswer, run_harness
from portraitlite.android_harness.place import Place
from portraitlite.benchmarks.parity_stages import ParityStage, StageDifference, compare_stage, label_map
from portraitlite.runtime.backends import Runner, open_model
from portraitlite.runtime.blur import BlurRenderer
from portraitlite.runtime.blur.sizing import choose_scale
from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.network_input import fit_photo, input_tensor
from portraitlite.runtime.portrait import DEFAULT_GRAIN, DEFAULT_HIGHLIGHTS, DEFAULT_STRENGTH
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.subject import SubjectChoice, subject_mask
from portraitlite.runtime.types import OutputKind

__all__ = ["ParityRunner", "PhotoParity"]

RUN_LIMIT_S = 900.0
Bytes = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class PhotoParity:
    """One photo.

    Attributes:
        photo: its name.
        width, height: in pixels.
        stages: in the order they run.
        delegation: what the program says of the segmentation model.
    """

    photo: str
    width: int
    height: int
    stages: tuple[StageDifference, ...]
    delegation: str | None

    def stage(self, stage: ParityStage) -> StageDifference:
        """One of them."""
        return next(one for one in self.stages if one.stage == stage)


class ParityRunner:
    """A model on both sides, ready for photos."""

    def __init__(self, place: Place, program: str, shared: Sequence[tuple[str, str]], model: str | Path) -> None:
        """
        Args:
            place: where the program runs.
            program: its path there.
            shared: options of every run: library, accelerator, threads.
            model: bundled name or path of a segmentation model with metadata that knows a person.

        Raises:
            InputError: the model cannot be used.
            DeviceError: it cannot be sent.
        """
        self._place, self._program = place, program
        path = resolve_model(model)
        self._segmenter = Segmenter(model)
        self._runner: Runner = open_model(path.read_bytes(), what=path.name)
        self._renderer = BlurRenderer()
        self._choice = SubjectChoice()
        self._shared = [*shared, ("model", place.put(path))]
        self._folders = 0

    def compare(self, photo: str, pixels: Bytes, *, keep: Callable[[str, Bytes], None] | None = None) -> PhotoParity:
        """One photo.

        Args:
            photo: its name.
            pixels: (H, W, 3) uint8 RGB.
            keep: called with `desktop` and `phone` and their pictures.

        Raises:
            InputError: the program cannot use it.
            DeviceError, CheckFailedError: as `run_harness`.
        """
        here = self._here(pixels)
        there, answer = self._there(pixels, here)
        here[ParityStage.LABELS] = self._labels(here[ParityStage.OUTPUT], pixels)
        there[ParityStage.LABELS] = self._labels(there[ParityStage.OUTPUT], pixels)
        if keep is not None:
            keep("desktop", here[ParityStage.PICTURE])
            keep("phone", there[ParityStage.PICTURE])
        differences = tuple(compare_stage(stage, here[stage], there[stage]) for stage in ParityStage)
        models = {model.text("role"): model.text("delegation") for model in answer.items("models")}
        return PhotoParity(photo, pixels.shape[1], pixels.shape[0], differences, models.get("model"))

    def _here(self, pixels: Bytes) -> dict[ParityStage, npt.NDArray[Any]]:
        """All stages in Python."""
        meta = self._segmenter.metadata
        source = fit_photo(pixels, meta.input_height, meta.input_width, meta.fit)
        fed = input_tensor(source, self._runner.inputs[0], meta)
        (output,) = self._runner.run({self._runner.inputs[0].name: fed})
        found = self._segmenter(pixels)
        subject = subject_mask(found, self._choice)
        mask = subject.values if subject.found else np.zeros_like(subject.values)
        looks: dict[str, Any] = {"strength": DEFAULT_STRENGTH, "mask_box": subject.box}
        looks["highlights"] = DEFAULT_HIGHLIGHTS
        choice = choose_scale(pixels.shape[0], pixels.shape[1], self._renderer.spec)
        return {
            ParityStage.INPUT: fed,
            ParityStage.OUTPUT: output,
            ParityStage.MASK: found.mask(self._choice.label),
            ParityStage.SUBJECT: subject.values,
            ParityStage.PLAN: self._renderer.plan(pixels, mask, choice, **looks),
            ParityStage.PICTURE: self._renderer.render(pixels, mask, grain=DEFAULT_GRAIN, **looks),
        }

    def _there(
        self, pixels: Bytes, here: dict[ParityStage, npt.NDArray[Any]]
    ) -> tuple[dict[ParityStage, npt.NDArray[Any]], HarnessAnswer]:
        """The same stages out of the program's files; sizes and types are those of Python's."""
        height, width = pixels.shape[:2]
        self._folders += 1
        dump = self._place.make_folder(f"stages{self._folders}")
        facts = blur_facts(self._renderer.spec) + model_facts(self._segmenter.metadata, self._choice)
        graphs = blur_files(height, width, self._renderer.spec, strength=DEFAULT_STRENGTH)
        options = [
            *self._shared,
            ("blur", self._place.put_named([bundled_folder() / name for name in graphs], f"blur{self._folders}")),
            ("facts", self._put("facts.txt", facts.encode())),
            ("photo", self._put("photo.rgb", pixels.tobytes())),
            ("size", f"{width}x{height}"),
            ("strength", repr(DEFAULT_STRENGTH)),
            ("highlights", repr(DEFAULT_HIGHLIGHTS)),
            ("grain", repr(DEFAULT_GRAIN)),
            ("if-no-subject", "blur"),
            ("dump", dump),
            ("warm-up", "0"),
        ]
        answer = run_harness(self._place, self._program, "portrait", options, limit_s=RUN_LIMIT_S)
        there = {}
        with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
            target = Path(folder, "stage.bin")
            for stage, wanted in here.items():
                name = f"stages{self._folders}/{stage.value}.bin"
                self._place.fetch(name, target, size_bytes=wanted.nbytes)
                content = np.frombuffer(target.read_bytes(), wanted.dtype.newbyteorder("<"))
                there[stage] = content.reshape(wanted.shape).astype(wanted.dtype)
        return there, answer

    def _labels(self, stored: npt.NDArray[Any], pixels: Bytes) -> npt.NDArray[Any]:
        """Of a raw output, at network size."""
        meta: ModelMetadata = self._segmenter.metadata
        output = np.squeeze(stored, 0)
        if meta.output_kind is not OutputKind.LABELS:
            output = self._runner.outputs[0].dequantize(output)
        used = fit_photo(pixels, meta.input_height, meta.input_width, meta.fit)
        return label_map(
            Segmentation(output, meta, pixels.shape[0], pixels.shape[1], used.used_height, used.used_width)
        )

    def _put(self, name: str, content: bytes) -> str:
        with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            return self._place.put(path)
