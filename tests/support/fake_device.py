"""A phone's adb daemon over TCP: real `adb` programs connect to it and cannot tell the difference.

Spoken: the transport (CNXN, AUTH, OPEN, OKAY, WRTE, CLSE) with keys, and the services of `fake_device_services`. Not
spoken: pseudo-terminals, port forwarding, TLS, compressed transfer; adb then takes plain ways, as with old phones.

    with FakeDevice(root, start=lambda command: ["sh", "-c", command]) as device:
        subprocess.run(["adb", "connect", device.serial])
"""

from __future__ import annotations

import contextlib
import enum
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Auth", "FakeDevice", "Stream"]

VERSION = 0x01000001  # from here on, checksums are not verified
MAX_PAYLOAD = 256 * 1024
HEADER = struct.Struct("<6I")  # command, two arguments, length, checksum, command ^ 0xFFFFFFFF
FEATURES = "shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir"
TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3  # first argument of AUTH


class Auth(enum.Enum):
    """OPEN asks for no key; ACCEPT asks for one and takes it; NEVER leaves the client `unauthorized`; SILENT does not
    answer at all, which adb calls `offline` or `connecting`."""

    OPEN = enum.auto()
    ACCEPT = enum.auto()
    NEVER = enum.auto()
    SILENT = enum.auto()


class Stream:
    """One service inside a connection; used by the service's thread, filled by the connection's."""

    def __init__(self, link: _Link, local: int, remote: int) -> None:
        self._link, self.local, self._remote = link, local, remote
        self._may_write = threading.Semaphore(1)  # one unacknowledged WRTE at a time
        self._inbox, self._news, self.ended = bytearray(), threading.Condition(), False

    def write(self, data: bytes) -> None:
        """Raises ConnectionError where the client is gone."""
        for start in range(0, len(data), self._link.max_payload):
            self._may_write.acquire()
            if self.ended:
                raise ConnectionError("the stream has ended")
            self._link.send(b"WRTE", self.local, self._remote, data[start : start + self._link.max_payload])

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; raises ConnectionError where the client is gone."""
        with self._news:
            self._news.wait_for(lambda: len(self._inbox) >= count or self.ended)
            if len(self._inbox) < count:
                raise ConnectionError("the stream has ended")
            data = bytes(self._inbox[:count])
            del self._inbox[:count]
            return data

    def close(self) -> None:
        """Tell the client, once; a daemon also answers a client's CLSE with its own."""
        if not self.ended:
            self.end()
            with contextlib.suppress(OSError):
                self._link.send(b"CLSE", self.local, self._remote)

    def end(self) -> None:
        with self._news:
            self.ended = True
            self._news.notify_all()
        self._may_write.release()

    def arrived(self, data: bytes) -> None:
        with self._news:
            self._inbox += data
            self._news.notify_all()
        self._link.send(b"OKAY", self.local, self._remote)

    def acknowledged(self) -> None:
        self._may_write.release()


class FakeDevice:
    """A device on a free port of 127.0.0.1.

    Attributes:
        root: folder that plays the phone's file system.
        start: makes the argument vector that runs a shell command.
        auth: see `Auth`; may be changed between connections.
        serial: what to connect to.
        commands: every shell command that came, oldest first.
        refuse_writes: what `adb push` is answered with: an errno, or None to write.
        space_bytes: how much may still be pushed; None is without limit.
    """

    def __init__(
        self,
        root: Path,
        start: Callable[[str], list[str]],
        *,
        auth: Auth = Auth.OPEN,
        port: int = 0,
    ) -> None:
        self.root, self.start, self.auth = root, start, auth
        self.commands: list[str] = []
        self.refuse_writes: int | None = None
        self.space_bytes: int | None = None
        self._links: list[_Link] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.serial = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def unplug(self) -> None:
        """Cut the cable; the server may connect again."""
        links, self._links = self._links, []
        for link in links:
            link.cut()

    def close(self) -> None:
        """Cut the cable for good."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.unplug()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                link = _Link(self, sock)
                self._links.append(link)
                threading.Thread(target=link.serve, daemon=True).start()


class _Link:
    """One adb server that is connected."""

    def __init__(self, device: FakeDevice, sock: socket.socket) -> None:
        self._device, self._sock, self.max_payload = device, sock, 4096
        self._trusted = device.auth is Auth.OPEN
        self._streams: dict[int, Stream] = {}
        self._sending, self._last_id = threading.Lock(), 0

    def send(self, name: bytes, first: int, second: int, data: bytes = b"") -> None:
        code = int.from_bytes(name, "little")
        head = HEADER.pack(code, first, second, len(data), sum(data) & 0xFFFFFFFF, code ^ 0xFFFFFFFF)
        with self._sending:
            self._sock.sendall(head + data)

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        try:
            while True:
                code, first, second, length, _, magic = HEADER.unpack(self._receive(HEADER.size))
                if magic != code ^ 0xFFFFFFFF or length > 1 << 20:
                    raise ConnectionError("not an adb packet")
                self._handle(code.to_bytes(4, "little"), first, second, self._receive(length))
        except OSError:
            pass
        finally:
            for stream in list(self._streams.values()):
                stream.end()
            self._sock.close()

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._sock.recv(count - len(data))
            if not part:
                raise ConnectionError("the client is gone")
            data += part
        return bytes(data)

    def _handle(self, name: bytes, first: int, second: int, data: bytes) -> None:
        if name == b"CNXN":
            self.max_payload = min(MAX_PAYLOAD, second)
            self._greet(ask=True)
        elif name == b"AUTH":
            if first == PUBLIC_KEY and self._device.auth is Auth.ACCEPT:
                self._trusted = True
            self._greet(ask=first == SIGNATURE)
        elif not self._trusted:
            return
        elif name == b"OPEN":
            self._open(first, data.rstrip(b"\0").decode())
        elif (stream := self._streams.get(second)) is not None:
            if name == b"WRTE":
                stream.arrived(data)
            elif name == b"OKAY":
                stream.acknowledged()
            elif name == b"CLSE":
                del self._streams[second]
                stream.close()

    def _greet(self, *, ask: bool) -> None:
        if self._device.auth is Auth.SILENT:
            return
        if self._trusted:
            banner = (
                f"device::ro.product.name=double;ro.product.model=Double;ro.product.device=double;features={FEATURES}"
            )
            self.send(b"CNXN", VERSION, MAX_PAYLOAD, banner.encode())
        elif ask:
            self.send(b"AUTH", TOKEN, 0, os.urandom(20))

    def _open(self, remote: int, name: str) -> None:
        from fake_device_services import find_service

        service = find_service(self._device, name)
        if service is None:
            self.send(b"CLSE", 0, remote)
            return
        self._last_id += 1
        stream = Stream(self, self._last_id, remote)
        self._streams[stream.local] = stream
        self.send(b"OKAY", stream.local, remote)
        threading.Thread(target=self._serve, args=(service, stream), daemon=True).start()

    def _serve(self, service: Callable[[Stream], None], stream: Stream) -> None:
        with contextlib.suppress(OSError):
            service(stream)
        self._streams.pop(stream.local, None)
        stream.close()
