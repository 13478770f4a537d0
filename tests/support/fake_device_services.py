"""What the double of a phone offers to adb: commands (`shell,v2`, `shell`, `exec`) and files (`sync`)."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import struct
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from fake_device import FakeDevice, Stream

__all__ = ["find_service"]

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
FRAME = struct.Struct("<BI")
STAT_V2 = struct.Struct("<4sIQQ4IQ3q")  # tag, error, device, inode, mode, links, user, group, size, three times


def find_service(device: FakeDevice, name: str) -> Callable[[Stream], None] | None:
    """The service that a client asks for; None is refused."""
    kind, _, command = name.partition(":")
    if kind.startswith("shell,v2"):
        return partial(_shell, device, command)
    if kind in ("shell", "exec"):
        return partial(_old_shell, device, command)
    return partial(_sync, device) if kind == "sync" else None


def _start(device: FakeDevice, command: str, stderr: int) -> subprocess.Popen[bytes]:
    device.commands.append(command)
    pipe = subprocess.PIPE
    return subprocess.Popen(device.start(command), stdin=pipe, stdout=pipe, stderr=stderr, start_new_session=True)


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    """A phone's daemon does this when the client goes away: a program dies with the cable."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGHUP)


def _old_shell(device: FakeDevice, command: str, stream: Stream) -> None:
    with _start(device, command, subprocess.STDOUT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            while part := os.read(process.stdout.fileno(), 65536):
                stream.write(part)
        except OSError:
            _hang_up(process)


def _shell(device: FakeDevice, command: str, stream: Stream) -> None:
    with _start(device, command, subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        threading.Thread(target=_feed, args=(process, stream), daemon=True).start()
        pipes = ((STDOUT, process.stdout), (STDERR, process.stderr))
        carriers = [threading.Thread(target=_carry, args=(stream, *pipe), daemon=True) for pipe in pipes]
        for carrier in carriers:
            carrier.start()
        for carrier in carriers:
            carrier.join()
        code = process.wait()
    stream.write(FRAME.pack(EXIT, 1) + bytes([code if code >= 0 else 128 - code]))


def _carry(stream: Stream, kind: int, pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        while part := os.read(pipe.fileno(), 32768):
            stream.write(FRAME.pack(kind, len(part)) + part)


def _feed(process: subprocess.Popen[bytes], stream: Stream) -> None:
    assert process.stdin is not None
    try:
        while True:
            kind, length = FRAME.unpack(stream.read(FRAME.size))
            data = stream.read(length)
            if kind == STDIN:
                process.stdin.write(data)
                process.stdin.flush()
            elif kind == CLOSE_STDIN:
                process.stdin.close()
    except (OSError, ValueError):
        _hang_up(process)


# ---- files ---------------------------------------------------------------------------------------------------------


def _sync(device: FakeDevice, stream: Stream) -> None:
    while True:
        request, length = struct.unpack("<4sI", stream.read(8))
        argument = stream.read(length).decode()
        if request == b"QUIT":
            return
        if request == b"SEND":
            _receive(device, stream, argument)
            continue
        path = _inside(device, argument)
        if request == b"RECV":
            _send(stream, path)
        elif request == b"STAT":
            stream.write(_stat_v1(path))
        elif request in (b"LST2", b"STA2"):
            stream.write(_stat_v2(request, path, follow=request == b"STA2"))
        elif request in (b"LIST", b"LIS2"):
            _list(stream, path, second=request == b"LIS2")
        else:
            return


def _inside(device: FakeDevice, path: str) -> Path:
    """An absolute path on the phone; its `..` cannot climb out of the root."""
    return Path(str(device.root) + os.path.normpath("/" + path.lstrip("/")))


def _fail(stream: Stream, number: int) -> None:
    text = os.strerror(number).encode()
    stream.write(struct.pack("<4sI", b"FAIL", len(text)) + text)


def _receive(device: FakeDevice, stream: Stream, argument: str) -> None:
    """The client sends everything before it listens, so that an error is told after the last part."""
    name, _, mode = argument.rpartition(",")
    path, failure, left = _inside(device, name), device.refuse_writes, device.space_bytes
    content = bytearray()
    while True:
        tag, length = struct.unpack("<4sI", stream.read(8))
        if tag == b"DONE":  # its length field is the time of the last change
            break
        content += stream.read(length)
        if left is not None and len(content) > left:
            failure = errno.ENOSPC
    try:
        if failure is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(stat.S_IMODE(int(mode)))
            os.utime(path, (length, length))
            if left is not None:
                device.space_bytes = left - len(content)
    except OSError as error:
        failure = error.errno or errno.EIO
    if failure is None:
        stream.write(struct.pack("<4sI", b"OKAY", 0))
    else:
        _fail(stream, failure)


def _send(stream: Stream, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        _fail(stream, error.errno or errno.EIO)
        return
    for start in range(0, len(content), 65536):
        part = content[start : start + 65536]
        stream.write(struct.pack("<4sI", b"DATA", len(part)) + part)
    stream.write(struct.pack("<4sI", b"DONE", 0))


def _stat_v1(path: Path) -> bytes:
    """All zeros for a missing file; this version has no errors."""
    fields = (0, 0, 0)
    with contextlib.suppress(OSError):
        found = path.lstat()
        fields = (found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime))
    return struct.pack("<4s3I", b"STAT", *fields)


def _stat_v2(tag: bytes, path: Path, *, follow: bool) -> bytes:
    try:
        found = path.stat(follow_symlinks=follow)
    except OSError as error:
        return STAT_V2.pack(tag, error.errno or errno.EIO, *[0] * 10)
    identity = (found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_size)
    return STAT_V2.pack(tag, 0, *identity, int(found.st_atime), int(found.st_mtime), int(found.st_ctime))


def _list(stream: Stream, path: Path, *, second: bool) -> None:
    for child in sorted(path.iterdir()) if path.is_dir() else []:
        name = child.name.encode()
        if second:
            stream.write(_stat_v2(b"DNT2", child, follow=False) + struct.pack("<I", len(name)) + name)
        else:
            _, mode, size, changed = struct.unpack("<4s3I", _stat_v1(child))
            stream.write(struct.pack("<4s4I", b"DENT", mode, size, changed, len(name)) + name)
    stream.write(b"DONE" + bytes(STAT_V2.size if second else 16))
