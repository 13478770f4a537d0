"""The portrait path through the native harness: files for it, and what it wrote."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from native_build import host_litert, run_native
from native_steps import Document

from portraitlite.android_harness.model_facts import blur_facts, model_facts
from portraitlite.runtime import ModelMetadata, SubjectChoice
from portraitlite.runtime.blur.spec import BlurSpec, bundled_folder

__all__ = ["NativeFiles", "prepare"]

Bytes = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class NativeFiles:
    """A folder with a photo and facts; runs leave their stages there."""

    folder: Path
    size: str

    def run(self, program: Path, mode: str, *options: str | Path, code: int = 0) -> Document:
        """One run with the photo; options beyond library, photo, facts and dump."""
        shared: list[str | Path] = [
            "--library",
            host_litert(),
            "--photo",
            self.folder / "photo.rgb",
            "--size",
            self.size,
        ]
        shared += ["--facts", self.folder / "facts.txt", "--dump", self.folder, "--warm-up", "0"]
        return run_native(program, mode, *shared, *options, code=code)

    def read(self, name: str, dtype: Any, *shape: int) -> npt.NDArray[Any]:
        """A dumped stage."""
        return np.fromfile(self.folder / f"{name}.bin", dtype).reshape(shape)


def prepare(
    folder: Path, pixels: Bytes, metadata: ModelMetadata | None = None, choice: SubjectChoice | None = None
) -> NativeFiles:
    """Write photo and facts; without metadata the blur's alone."""
    (folder / "photo.rgb").write_bytes(np.ascontiguousarray(pixels).tobytes())
    facts = blur_facts(BlurSpec.load(bundled_folder()))
    if metadata is not None:
        facts += model_facts(metadata, choice)
    (folder / "facts.txt").write_text(facts)
    return NativeFiles(folder, f"{pixels.shape[1]}x{pixels.shape[0]}")
