"""Fetch one tarball of the zoo: the only place that uses the network, and only when it is asked to.

Nothing that the server says is believed: neither the length nor the kind of file, nor where a redirect leads. What
arrives goes into NAME.part, which a later run continues, and becomes NAME once it is a whole gzip file.
"""

from __future__ import annotations

import dataclasses
import datetime
import gzip
import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from portraitlite.convert.sources.tarball import MAX_UNPACKED_BYTES
from portraitlite.convert.zoo.folder import record_path, tarball_path
from portraitlite.convert.zoo.model import ZooModel
from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.save import write_atomically

__all__ = ["DownloadRecord", "download"]

CHUNK_BYTES = 1 << 16
MAX_REDIRECTS = 5
RESUME = "run it again, it goes on from there"

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class DownloadRecord:
    """What lies beside a tarball as JSON.

    Attributes:
        url: that was asked for.
        size_bytes, sha256: of the tarball.
        downloaded: when, UTC, ISO 8601.
    """

    url: str
    size_bytes: int
    sha256: str
    downloaded: str


def download(
    model: ZooModel,
    zoo_dir: Path,
    *,
    mirror: str | None = None,
    stall_timeout_s: float = 30.0,
    progress: Progress = lambda stage, done, total: None,
) -> DownloadRecord:
    """Fetch the tarball of `model` into `zoo_dir` and record its sha256 beside it. Replaces what is there.

    Args:
        model: of the catalogue.
        zoo_dir: made if it does not exist.
        mirror: http or https address of a folder that has the tarball; None takes the published one, by https.
        stall_timeout_s: give up when nothing arrives for so long.
        progress: called with (stage, done, total) in KiB.

    Raises:
        InputError: the mirror is no such address, the server has something else under the name, or the folder
            cannot be written.
        MissingDependencyError: the server cannot be reached, fails, stalls or breaks off. What arrived stays.
    """
    url = model.url if mirror is None else f"{mirror.rstrip('/')}/{model.file}"
    if "?" in url or "#" in url or not _is_address(url):
        raise InputError(f"{mirror!r} is no address to download from, expected https://HOST/FOLDER")
    target = tarball_path(model, zoo_dir)
    part = target.with_name(f"{target.name}.part")
    try:
        zoo_dir.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, model, stall_timeout_s, progress)
        _check_gzip(part, url)
        with part.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        record = DownloadRecord(url, part.stat().st_size, sha256, now)
        os.replace(part, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{zoo_dir} cannot be written ({reason}): free some space or choose another --zoo-dir"
        ) from error
    document = json.dumps(dataclasses.asdict(record), indent=2) + "\n"
    write_atomically(record_path(model, zoo_dir), document.encode(), force=True)
    return record


def _fetch(url: str, part: Path, model: ZooModel, stall_timeout_s: float, progress: Progress) -> None:
    """Fill `part` up to the length that the server promised."""
    limit = model.size_limit_bytes
    held = part.stat().st_size if part.exists() else 0
    with _open(url, held if held <= limit else 0, stall_timeout_s) as response:
        start, expected = _extent(response)
        if start not in (0, held):
            part.unlink(missing_ok=True)
            raise InputError(f"{url} did not go on from byte {held} as asked: run it again, it starts afresh")
        if expected is not None and expected > limit:
            raise InputError(f"{url} has {expected} bytes, expected {model.size_text}: refused; try another --mirror")
        if response.headers.get_content_maintype() == "text" and "Content-Type" in response.headers:
            raise InputError(f"{url} is a text or web page, expected a .tar.gz: try another --mirror")
        done = start
        total = expected or int((model.size_mib or 0) * (1 << 20))
        with part.open("ab" if start else "wb") as stream:
            while done <= limit and (chunk := _read(response, done)):
                stream.write(chunk)
                done += len(chunk)
                progress("download, KiB", done >> 10, max(done, total) >> 10)
    if done > limit:
        part.unlink()
        raise InputError(f"{url} goes on after {limit} bytes, expected {model.size_text}: refused")
    if expected is not None and done < expected:
        raise MissingDependencyError(f"{url} broke off after {done} of {expected} bytes: {RESUME}")


def _open(url: str, start: int, stall_timeout_s: float) -> http.client.HTTPResponse:
    """The response to a request for everything from byte `start`; it may come from the first byte all the same."""
    # Put together by hand: the usual opener also reads file: and ftp:, and a redirect's body without a bound.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    headers = {"User-Agent": "portraitlite", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    place = url
    for _ in range(MAX_REDIRECTS + 1):
        request = urllib.request.Request(place, headers=headers)  # noqa: S310 - http and https only, see _is_address
        try:
            response: http.client.HTTPResponse = opener.open(request, timeout=stall_timeout_s)
            return response
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (301, 302, 303, 307, 308) and "Location" in error.headers:
                    place = _redirected(place, error.headers["Location"])
                    continue
                if error.code == 416 and start:  # the file is shorter than what was held of it
                    return _open(url, 0, stall_timeout_s)
                if error.code < 500:
                    raise InputError(f"{place} answered {error.code}: try another --mirror") from error
                raise MissingDependencyError(
                    f"{place} answered {error.code}: try again later or another --mirror"
                ) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise MissingDependencyError(
                f"{place} cannot be reached ({_reason(error)}): check the connection or give another --mirror"
            ) from error
    raise InputError(f"{url} redirects more than {MAX_REDIRECTS} times: try another --mirror")


def _read(response: http.client.HTTPResponse, done: int) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise MissingDependencyError(f"the download stopped after {done} bytes ({_reason(error)}): {RESUME}") from error


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte of the body, -1 if that is unclear, and length of the whole file, None if the server does not say."""
    if response.status != 206:
        return 0, response.length
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", response.headers.get("Content-Range", ""))
    return (int(match[1]), int(match[2])) if match else (-1, None)


def _redirected(place: str, location: str) -> str:
    try:
        target = urljoin(place, location)
    except ValueError:
        target = location
    if not _is_address(target) or (urlsplit(place).scheme, urlsplit(target).scheme) == ("https", "http"):
        raise InputError(f"{place} redirects to {target!r}, which is not safe to follow: try another --mirror")
    return target


def _is_address(url: str) -> bool:
    """http or https, with a host, without a password, in printable ASCII."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    whole = parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and parts.username is None
    return whole and re.search(r"[^!-~]", url) is None


def _reason(error: Exception) -> str:
    """In printable characters: part of it may be what the server sent."""
    cause = getattr(error, "reason", error)
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return "".join(c if c.isprintable() else "?" for c in text) or type(cause).__name__


def _check_gzip(part: Path, url: str) -> None:
    """Read the whole file once: its checksum finds what was cut short, or put together from two different files."""
    unpacked = 0
    try:
        with gzip.open(part) as stream:
            while chunk := stream.read(1 << 20):
                unpacked += len(chunk)
                if unpacked > MAX_UNPACKED_BYTES:
                    raise gzip.BadGzipFile(f"unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
        if not unpacked:
            raise gzip.BadGzipFile("empty")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        part.unlink()
        raise InputError(f"{url} is not a whole .tar.gz ({error}): run it again or try another --mirror") from error
