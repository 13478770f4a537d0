"""Unpack a model-zoo tarball without trusting it."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath

from portraitlite.runtime.errors import InputError

__all__ = ["MAX_FILES", "MAX_UNPACKED_BYTES", "unpack_tarball"]

MAX_FILES = 64  # a zoo tarball holds 3 to 6
MAX_UNPACKED_BYTES = 2 << 30  # the largest zoo tarball unpacks to about 1 GB


def unpack_tarball(path: Path, folder: Path) -> list[Path]:
    """Write the regular files of a .tar.gz flat into `folder`.

    Everything is checked against the headers before the first byte is written, and again while writing.

    Args:
        path: a `.tar.gz`, `.tgz` or `.tar`.
        folder: existing and empty; owned by the caller.

    Returns:
        The files written.

    Raises:
        InputError: not a tarball, or one with links, devices, absolute paths, `..`, equal names, too many or too
            large files.
    """
    try:
        with tarfile.open(path, "r:*") as archive:
            members: list[tarfile.TarInfo] = []
            for member in archive:
                if len(members) >= MAX_FILES:
                    raise InputError(f"{path.name} holds more than {MAX_FILES} files; a model tarball holds a handful")
                if not member.isdir():
                    _check(path, member)
                    members.append(member)
                    if sum(m.size for m in members) > MAX_UNPACKED_BYTES:
                        raise InputError(f"{path.name} unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB; refused")
            names = [PurePosixPath(m.name).name for m in members]
            if len(set(names)) != len(names):
                raise InputError(f"{path.name} holds two files of one name in different folders; give one of them")
            return [_write(archive, member, folder / name) for member, name in zip(members, names, strict=True)]
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path.name} is not a readable tarball ({error}); download it again") from error
    except Exception as error:  # zlib.error and lzma.LZMAError share no base class but Exception
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path.name} is not a readable tarball ({error}); download it again") from error


def _check(path: Path, member: tarfile.TarInfo) -> None:
    if member.issym() or member.islnk():
        raise InputError(f"{path.name} holds a link ({member.name!r}); a model tarball has plain files only")
    if not member.isreg():
        raise InputError(f"{path.name} holds a special file ({member.name!r}); a model tarball has plain files only")
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or "\0" in member.name or not name.name:
        raise InputError(f"{path.name} holds a path that leads outside ({member.name!r}); refused")


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> Path:
    stream = archive.extractfile(member)
    if stream is None:
        raise InputError(f"{member.name!r} cannot be read from the tarball")
    with stream, target.open("xb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    if target.stat().st_size != member.size:
        raise InputError(f"{member.name!r} is shorter than the tarball says; download it again")
    return target
