"""Find out what a user gave and read it: variables, and what a graph reveals beyond them."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import checkpoint_prefix, read_checkpoint
from portraitlite.convert.sources.facts import Reading
from portraitlite.convert.sources.frozen_graph import read_frozen_graph
from portraitlite.convert.sources.hugging_face import is_hugging_face, read_hugging_face
from portraitlite.convert.sources.keras_file import read_keras_file
from portraitlite.convert.sources.npz import read_npz
from portraitlite.convert.sources.saved_model import is_saved_model, read_saved_model
from portraitlite.convert.sources.tarball import unpack_tarball
from portraitlite.convert.sources.tflite_file import read_tflite
from portraitlite.runtime.errors import InputError

__all__ = ["Source", "SourceKind", "open_source"]

TARBALL_SUFFIXES = (".tar.gz", ".tgz", ".tar")
READERS: dict[str, tuple[str, Callable[[Path], Reading]]] = {
    ".pb": ("frozen graph", read_frozen_graph),
    ".keras": ("Keras file", read_keras_file),
    ".h5": ("Keras file", read_keras_file),
    ".tflite": ("tflite", read_tflite),
    ".npz": ("npz", lambda path: Reading(read_npz(path))),
}
SourceKind = str


@dataclasses.dataclass(frozen=True)
class Source:
    """What a source holds.

    Attributes:
        name: of the file or folder, without its parents.
        kind: `tarball`, `checkpoint`, `frozen graph`, `SavedModel`, `Keras file`, `tflite`, `Hugging Face folder` or
            `npz`.
        sha256: of the given file; of a folder or checkpoint, of its largest file.
        variables: official name -> float32 value; optimizer slots dropped.
        facts: field of `DeepLabSpec` -> (value, reason), where a graph reveals it.
        notices: one-line remarks.
        ranges: tensor name -> (minimum, maximum) that quantization-aware training learned; empty elsewhere.
    """

    name: str
    kind: SourceKind
    sha256: str
    variables: dict[str, npt.NDArray[np.float32]]
    facts: dict[str, tuple[Any, str]] = dataclasses.field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    notices: tuple[str, ...] = ()


def open_source(path: Path) -> Source:
    """Read any kind of source that can be converted.

    A zoo tarball, TF1 checkpoint (prefix, `.index` or folder), frozen graph, SavedModel, Keras file, `.tflite`, Hugging
    Face folder or `.npz` of official variables. Nothing that is read is run.

    Raises:
        InputError: it is none of these, or damaged.
    """
    if path.name.endswith(TARBALL_SUFFIXES) and path.is_file():
        return _tarball(path)
    if path.suffix in READERS and path.is_file():
        kind, read = READERS[path.suffix]
        return _source(path, kind, path, read(path))
    if path.is_dir():
        if is_saved_model(path):
            return _source(path, "SavedModel", _largest(path), read_saved_model(path))
        if is_hugging_face(path):
            return _source(path, "Hugging Face folder", _largest(path), read_hugging_face(path))
        return _checkpoint(_only_checkpoint(path, path))
    if path.suffix == ".index" and path.is_file():
        return _checkpoint(checkpoint_prefix(path))
    index = path.with_name(path.name + ".index")
    if index.is_file():
        return _checkpoint(checkpoint_prefix(index))
    known = "a tarball, a TF1 checkpoint (NAME.index with NAME.data-*), " + ", ".join(READERS)
    if path.exists():
        raise InputError(
            f"{path.name} is none of the sources that can be converted: {known}, a SavedModel or HF folder"
        )
    raise InputError(f"{path} does not exist; give a name of the zoo (`portraitlite zoo`) or a path: {known}")


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _source(path: Path, kind: SourceKind, hashed: Path, reading: Reading) -> Source:
    return Source(
        path.name, kind, sha256_of(hashed), reading.variables, reading.facts.spec_fields(), dict(reading.ranges)
    )


def _tarball(path: Path) -> Source:
    """Variables from the checkpoint, facts from the graph beside it; without a checkpoint, all from the graph."""
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as name:
        folder = Path(name)
        unpack_tarball(path, folder)
        graphs = sorted(folder.glob("*.pb"))
        if len(graphs) == 1 and not list(folder.glob("*.index")):
            return _source(path, "tarball", path, read_frozen_graph(graphs[0]))
        variables = read_checkpoint(_only_checkpoint(folder, path))
        if len(graphs) != 1:
            return _source(path, "tarball", path, Reading(variables))
        try:
            graph = read_frozen_graph(graphs[0])
        except InputError as error:  # the checkpoint has all that is needed; the graph would only have spared flags
            source = _source(path, "tarball", path, Reading(variables))
            return dataclasses.replace(source, notices=(f"its frozen graph was not used: {error}",))
        return _source(path, "tarball", path, Reading(variables, graph.facts, graph.ranges))


def _checkpoint(prefix: Path) -> Source:
    data = min(prefix.parent.glob(prefix.name + ".data-*"))
    return _source(prefix, "checkpoint", data, Reading(read_checkpoint(prefix)))


def _largest(folder: Path) -> Path:
    return max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: (p.stat().st_size, str(p)))


def _only_checkpoint(folder: Path, given: Path) -> Path:
    found = sorted(folder.glob("*.index"))
    if not found:
        raise InputError(f"{given.name} holds no TF1 checkpoint (a file NAME.index); found {_names(folder)}")
    if len(found) > 1:
        raise InputError(f"{given.name} holds several checkpoints ({_names(folder, '*.index')}); give one by its path")
    return checkpoint_prefix(found[0])


def _names(folder: Path, pattern: str = "*") -> str:
    names = sorted(p.name for p in folder.glob(pattern))
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "") if names else "nothing"
