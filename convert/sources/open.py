"""Find out what a user gave and read its variables."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import checkpoint_prefix, read_checkpoint
from portraitlite.convert.sources.tarball import unpack_tarball
from portraitlite.runtime.errors import InputError

__all__ = ["Source", "open_source"]

TARBALL_SUFFIXES = (".tar.gz", ".tgz", ".tar")


@dataclasses.dataclass(frozen=True)
class Source:
    """What a source holds.

    Attributes:
        name: of the file, without folders.
        kind: `tarball` or `checkpoint`.
        sha256: of the given file (tarball) or of the checkpoint's data file.
        variables: official name -> float32 value; optimizer slots dropped.
    """

    name: str
    kind: str
    sha256: str
    variables: dict[str, npt.NDArray[np.float32]]


def open_source(path: Path) -> Source:
    """Read a zoo tarball, a TF1 checkpoint (prefix, `.index` or folder).

    Raises:
        InputError: it is none of these, or damaged.
    """
    if path.name.endswith(TARBALL_SUFFIXES) and path.is_file():
        with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
            unpack_tarball(path, Path(folder))
            return Source(path.name, "tarball", sha256_of(path), read_checkpoint(_only_checkpoint(Path(folder), path)))
    if path.is_dir():
        return _checkpoint(_only_checkpoint(path, path))
    if path.suffix == ".index" and path.is_file():
        return _checkpoint(checkpoint_prefix(path))
    index = path.with_name(path.name + ".index")
    if index.is_file():
        return _checkpoint(checkpoint_prefix(index))
    if path.exists():
        raise InputError(
            f"{path.name} is neither a tarball ({', '.join(TARBALL_SUFFIXES)}) nor a TF1 checkpoint (NAME.index with "
            f"NAME.data-*); these sources can be converted"
        )
    raise InputError(f"{path} does not exist; give a zoo tarball or a TF1 checkpoint")


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _checkpoint(prefix: Path) -> Source:
    data = min(prefix.parent.glob(prefix.name + ".data-*"))
    return Source(prefix.name, "checkpoint", sha256_of(data), read_checkpoint(prefix))


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
