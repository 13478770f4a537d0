"""Downloads from servers on loopback that work, break off, stall and lie. No other address is ever asked."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.zoo import MODELS, ZooModel
from portraitlite.convert.zoo import download as download_module
from portraitlite.convert.zoo.download import download
from portraitlite.runtime.errors import InputError, MissingDependencyError

Answer = Callable[[BaseHTTPRequestHandler], object]

MODEL = dataclasses.replace(MODELS[0], size_mib=1.0)
PAYLOAD = gzip.compress(np.random.default_rng(3).bytes(300_000), mtime=0)
SHORT_S = 0.3


class Site:
    """A server that answers every request by `answer` and remembers path and Range of each."""

    def __init__(self) -> None:
        self.answer: Answer = whole
        self.requests: list[tuple[str, str | None]] = []
        self.release = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append((self.path, self.headers.get("Range")))
                site.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients hang up here on purpose

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(
    handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, *, length: int | None = None, **headers: str
) -> None:
    """`length` is what the server claims; None claims nothing."""
    handler.send_response(status)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler: BaseHTTPRequestHandler) -> None:
    """Everything, whatever range was asked for."""
    reply(handler, PAYLOAD, length=len(PAYLOAD))


def ranged(handler: BaseHTTPRequestHandler) -> None:
    """What a real server does."""
    match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if match is None:
        return whole(handler)
    start, size = int(match[1]), len(PAYLOAD)
    if start >= size:
        return reply(handler, b"", 416, length=0, Content_Range=f"bytes */{size}")
    rest = PAYLOAD[start:]
    return reply(handler, rest, 206, length=len(rest), Content_Range=f"bytes {start}-{size - 1}/{size}")


def cut_after(count: int) -> Answer:
    return lambda handler: reply(handler, PAYLOAD[:count], length=len(PAYLOAD))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = Site()
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "zoo"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


PART, RECORD = f"{MODEL.file}.part", f"{MODEL.file}.json"


def assert_complete(folder: Path) -> None:
    assert names(folder) == {MODEL.file, RECORD}
    assert (folder / MODEL.file).read_bytes() == PAYLOAD


def test_a_download_is_whole_and_its_hash_recorded(site: Site, folder: Path) -> None:
    moves: list[tuple[str, int, int]] = []
    record = download(MODEL, folder, mirror=f"{site.url}/models/", progress=lambda *move: moves.append(move))
    assert_complete(folder)
    assert site.requests == [(f"/models/{MODEL.file}", None)]
    assert json.loads((folder / RECORD).read_text()) == dataclasses.asdict(record)
    assert record.sha256 == hashlib.sha256(PAYLOAD).hexdigest()
    assert (record.size_bytes, record.url) == (len(PAYLOAD), f"{site.url}/models/{MODEL.file}")
    assert [done for _, done, _ in moves] == sorted(done for _, done, _ in moves)
    assert moves[-1][1:] == (len(PAYLOAD) >> 10, len(PAYLOAD) >> 10)


def test_one_that_broke_off_goes_on(site: Site, folder: Path) -> None:
    site.answer = cut_after(100_000)
    with pytest.raises(MissingDependencyError, match=f"after 100000 of {len(PAYLOAD)} bytes: run it again, it goes on"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == {PART}
    site.answer = ranged
    download(MODEL, folder, mirror=site.url)
    assert_complete(folder)
    assert [asked for _, asked in site.requests] == [None, "bytes=100000-"]


def test_a_server_without_ranges_starts_afresh(site: Site, folder: Path) -> None:
    site.answer = cut_after(100_000)
    with pytest.raises(MissingDependencyError):
        download(MODEL, folder, mirror=site.url)
    site.answer = whole
    download(MODEL, folder, mirror=site.url)
    assert_complete(folder)


def test_a_part_as_long_as_the_file_or_longer_starts_afresh(site: Site, folder: Path) -> None:
    site.answer = ranged
    folder.mkdir(parents=True)
    (folder / PART).write_bytes(PAYLOAD + b"more")
    download(MODEL, folder, mirror=site.url)
    assert_complete(folder)
    assert [asked for _, asked in site.requests] == [f"bytes={len(PAYLOAD) + 4}-", None]


def test_a_part_beyond_the_bound_is_not_gone_on_with(site: Site, folder: Path) -> None:
    site.answer = ranged
    folder.mkdir(parents=True)
    (folder / PART).write_bytes(bytes(MODEL.size_limit_bytes + 1))
    download(MODEL, folder, mirror=site.url)
    assert_complete(folder)
    assert [asked for _, asked in site.requests] == [None]


@pytest.mark.parametrize("content_range", [f"bytes 5-9/{len(PAYLOAD)}", "bytes x-y/z", "bytes 50000-/*"])
def test_a_server_that_goes_on_elsewhere_is_refused(site: Site, folder: Path, content_range: str) -> None:
    folder.mkdir(parents=True)
    (folder / PART).write_bytes(PAYLOAD[:50_000])
    site.answer = lambda handler: reply(handler, PAYLOAD[5:10], 206, length=5, Content_Range=content_range)
    with pytest.raises(InputError, match="did not go on from byte 50000 as asked: run it again"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


def test_a_range_that_nobody_asked_for_is_refused(site: Site, folder: Path) -> None:
    site.answer = lambda handler: reply(handler, PAYLOAD, 206, length=len(PAYLOAD))
    with pytest.raises(InputError, match="did not go on from byte 0 as asked"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


def test_halves_of_two_files_are_found_out(site: Site, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / PART).write_bytes(PAYLOAD[:50_000][:-1] + bytes([PAYLOAD[49_999] ^ 1]))
    site.answer = ranged
    with pytest.raises(InputError, match=r"is not a whole \.tar\.gz"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


@pytest.mark.parametrize("sent", [0, 120_000])
def test_a_stall_ends_and_keeps_what_came(site: Site, folder: Path, sent: int) -> None:
    def stall(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, PAYLOAD[:sent], length=len(PAYLOAD))
        site.release.wait(20)

    site.answer = stall
    with pytest.raises(MissingDependencyError, match=f"stopped after {sent} bytes .*timed out.*: run it again"):
        download(MODEL, folder, mirror=site.url, stall_timeout_s=SHORT_S)
    assert names(folder) == {PART}
    assert (folder / PART).read_bytes() == PAYLOAD[:sent]


def test_a_server_that_never_answers(site: Site, folder: Path) -> None:
    site.answer = lambda handler: site.release.wait(20)
    with pytest.raises(MissingDependencyError, match=r"cannot be reached .*timed out"):
        download(MODEL, folder, mirror=site.url, stall_timeout_s=SHORT_S)
    assert names(folder) == set()


def test_no_server_at_all(folder: Path, site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(MissingDependencyError, match=r"cannot be reached .*refused"):
        download(MODEL, folder, mirror=f"http://127.0.0.1:{port}")
    assert site.requests == []


def test_a_length_beyond_the_bound_is_refused_unread(site: Site, folder: Path) -> None:
    site.answer = lambda handler: reply(handler, b"", length=MODEL.size_limit_bytes + 1)
    with pytest.raises(InputError, match=f"has {MODEL.size_limit_bytes + 1} bytes, expected 1 MB: refused"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


def test_a_body_without_end_is_bounded(site: Site, folder: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, b"")
        while not site.release.is_set():
            handler.wfile.write(PAYLOAD)

    site.answer = endless
    with pytest.raises(InputError, match=f"goes on after {MODEL.size_limit_bytes} bytes"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (PAYLOAD, len(PAYLOAD) - 1000),  # says less than it has
        (PAYLOAD[:-1000], None),  # ends early without having said how long it is
        (b"PK\x03\x04 a zip", 10),
        (b"", 0),
        (PAYLOAD + b"tail", len(PAYLOAD) + 4),
    ],
)
def test_what_is_not_a_whole_gzip_is_thrown_away(site: Site, folder: Path, body: bytes, length: int | None) -> None:
    site.answer = lambda handler: reply(handler, body, length=length)
    with pytest.raises(InputError, match=r"is not a whole \.tar\.gz"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


def test_a_file_of_unstated_length_is_taken_when_it_is_whole(site: Site, folder: Path) -> None:
    site.answer = lambda handler: reply(handler, PAYLOAD)
    download(dataclasses.replace(MODEL, size_mib=None), folder, mirror=site.url)
    assert_complete(folder)


def test_a_bomb_is_not_unpacked_to_the_end(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "MAX_UNPACKED_BYTES", 2 << 20)
    bomb = gzip.compress(bytes(8 << 20))
    site.answer = lambda handler: reply(handler, bomb, length=len(bomb))
    with pytest.raises(InputError, match="unpacks to more than 2 MiB"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


@pytest.mark.parametrize(
    ("status", "error"), [(404, InputError), (403, InputError), (304, InputError), (500, MissingDependencyError)]
)
def test_refusals(site: Site, folder: Path, status: int, error: type[Exception]) -> None:
    site.answer = lambda handler: reply(handler, b"", status, length=0)
    with pytest.raises(error, match=f"answered {status}: try"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()


def test_a_web_page_is_not_a_model(site: Site, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / PART).write_bytes(PAYLOAD[:10])  # a login page must not cost what was there already
    page = b"<!DOCTYPE html><title>Log in</title>"
    site.answer = lambda handler: reply(handler, page, length=len(page), Content_Type="text/html")
    with pytest.raises(InputError, match=r"is a text or web page, expected a .tar.gz"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == {PART}


def test_what_the_server_says_cannot_drive_the_terminal(site: Site, folder: Path) -> None:
    site.answer = lambda handler: handler.wfile.write(b"\x1b[2Jhello\r\n\r\n")
    with pytest.raises(MissingDependencyError) as caught:
        download(MODEL, folder, mirror=site.url)
    assert str(caught.value).isprintable()


def test_a_redirect_is_followed_with_its_query(site: Site, folder: Path) -> None:
    def hop(handler: BaseHTTPRequestHandler) -> None:
        if "token" in handler.path:
            return whole(handler)
        return reply(handler, b"", 302, length=0, Location="/elsewhere?token=1")

    site.answer = hop
    record = download(MODEL, folder, mirror=site.url)
    assert_complete(folder)
    assert [path for path, _ in site.requests] == [f"/{MODEL.file}", "/elsewhere?token=1"]
    assert "token" not in record.url  # it may be a secret


@pytest.mark.parametrize(
    "location", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "http://u:p@127.0.0.1/", "http://["]
)
def test_redirects_to_other_schemes_are_refused(site: Site, folder: Path, location: str) -> None:
    site.answer = lambda handler: reply(handler, b"", 302, length=0, Location=location)
    with pytest.raises(InputError, match="not safe to follow"):
        download(MODEL, folder, mirror=site.url)
    assert names(folder) == set()
    assert len(site.requests) == 1


def test_a_redirect_may_not_leave_https() -> None:
    with pytest.raises(InputError, match="not safe to follow"):
        download_module._redirected("https://host/a", "http://host/a")
    assert download_module._redirected("https://host/a/b", "../c") == "https://host/c"
    with pytest.raises(InputError, match="not safe to follow"):
        download_module._redirected("https://host/a", "HTTP://host/a")
    assert download_module._redirected("http://host/a", "https://other/a") == "https://other/a"


def test_redirects_in_a_circle_end(site: Site, folder: Path) -> None:
    site.answer = lambda handler: reply(handler, b"", 307, length=0, Location=handler.path)
    with pytest.raises(InputError, match="redirects more than 5 times"):
        download(MODEL, folder, mirror=site.url)
    assert len(site.requests) == 6


@pytest.mark.parametrize(
    "mirror",
    [
        *("", "nonsense", "ftp://host", "file:///etc", "http://", "http://h:0", "http://h:99999", "http://["),
        *("http://user:secret@host", "http://host/?query", "http://host/#part"),
        *("http://h/a b", "http://host/\x1b[2J", "http://hôte"),
    ],
)
def test_what_is_not_a_mirror(folder: Path, mirror: str) -> None:
    with pytest.raises(InputError, match=r"no address to download from, expected https://HOST/FOLDER") as caught:
        download(MODEL, folder, mirror=mirror)
    assert not folder.exists()
    assert str(caught.value).isprintable()


def test_a_folder_that_cannot_be_made(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot be written .*choose another --zoo-dir"):
        download(MODEL, tmp_path / "file" / "zoo", mirror=site.url)
    assert site.requests == []


def test_the_official_address_is_asked_by_https_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(url: str, *_: Any) -> Any:
        asked.append(url)
        raise MissingDependencyError("no network in tests")

    monkeypatch.setattr(download_module, "_open", refuse)
    model: ZooModel = MODELS[0]
    with pytest.raises(MissingDependencyError, match="no network"):
        download(model, folder)
    assert asked == [f"https://download.tensorflow.org/models/{model.file}"]
