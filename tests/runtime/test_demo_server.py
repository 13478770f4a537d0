"""The verb `demo` and what stands before the page; without Gradio."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime import InputError, MissingDependencyError
from portraitlite.runtime.demo import command
from portraitlite.runtime.demo.guard import Guard, is_loopback
from portraitlite.runtime.demo.page import _answer
from portraitlite.runtime.demo.server import listen


def ask(method: str = "GET", loopback_only: bool = True, kind: str = "http", /, **headers: str) -> tuple[int, str, Any]:
    """(status, body, headers) of a page that says "page", behind the guard; status 0 where nothing answers."""
    sent: list[Any] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("the guard reads no body")

    names = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {"type": kind, "method": method, "headers": [(k.encode(), v.encode()) for k, v in names.items()]}
    asyncio.run(Guard(page, loopback_only=loopback_only, max_bytes=100)(scope, receive, send))
    if not sent:
        return 0, "", {}
    return sent[0]["status"], sent[1]["body"].decode(), dict(sent[0]["headers"])


def test_the_page_is_let_through_with_a_policy() -> None:
    for host in ("127.0.0.1:7860", "localhost", "localhost:1", "[::1]:7860", "[::1]"):
        status, body, headers = ask(host=host)
        assert (status, body) == (200, "page"), host
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert b"http" not in headers[b"content-security-policy"]
    assert ask("POST", content_length="100", origin="http://127.0.0.1:7860")[0] == 200


@pytest.mark.parametrize(
    ("status", "method", "headers"),
    [
        (403, "GET", {"host": "evil.example:7860"}),
        (403, "GET", {"host": "127.0.0.1.evil.example"}),
        (403, "GET", {"host": ""}),
        (403, "GET", {"origin": "http://evil.example"}),
        (403, "POST", {"origin": "http://127.0.0.1:9999", "content_length": "1"}),
        (403, "POST", {"origin": "null", "content_length": "1"}),
        (411, "POST", {}),
        (411, "POST", {"content_length": "-1"}),
        (413, "POST", {"content_length": "101"}),
        (413, "PUT", {"content_length": "9" * 5000}),
    ],
)
def test_the_guard_refuses(status: int, method: str, headers: dict[str, str]) -> None:
    found, body, _ = ask(method, True, "http", **headers)
    assert found == status
    assert body != "page"
    assert body.count("\n") == 1


def test_a_page_for_others_answers_to_any_name() -> None:
    assert ask("GET", False, host="pc.example")[0] == 200
    assert ask("GET", False, host="pc.example", origin="http://evil.example")[0] == 403
    assert ask("GET", True, "websocket")[0] == 0


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("pc", False)],
)
def test_which_hosts_are_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_port_in_use_and_an_unknown_host_are_refused() -> None:
    with listen("127.0.0.1", 0) as (address, waiting):
        port = waiting.getsockname()[1]
        assert address == f"http://127.0.0.1:{port}/"
        with (
            pytest.raises(InputError, match=rf"^127.0.0.1 port {port} cannot be used \(Address already in use\)"),
            listen("127.0.0.1", port),
        ):
            pass
    with pytest.raises(InputError, match="is unknown; give an address of this machine"), listen("not a host", 0):
        pass


def test_without_gradio_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    run = CliRunner().invoke(app, ["demo"])
    assert isinstance(run.exception, MissingDependencyError)
    assert run.exception.exit_code == 3
    assert str(run.exception) == "the demo needs Gradio: pip install 'portraitlite[demo]'"
    assert "GRADIO_TEMP_DIR" not in os.environ


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `serve` was called with; the page does not open, and its folder is gone afterwards."""
    calls: list[dict[str, Any]] = []

    def prepare(folder: Path) -> None:
        calls.append({"folder": folder})
        (folder / "left").mkdir()

    def serve(engine: Any, waiting: socket.socket, *, loopback_only: bool) -> None:
        calls[-1] |= {"engine": engine, "place": waiting.getsockname(), "loopback_only": loopback_only}

    monkeypatch.setattr(command, "prepare", prepare)
    monkeypatch.setattr(command, "serve", serve)
    return calls


def test_this_machine_alone_unless_said_otherwise(served: list[dict[str, Any]]) -> None:
    run = CliRunner().invoke(app, ["demo", "--port", "0", "--model", "scene"])
    assert run.exit_code == 0, run.output
    (call,) = served
    assert call["place"][0] == "127.0.0.1"
    assert call["loopback_only"] is True
    assert call["engine"].first == "scene"
    assert run.stdout == f"http://127.0.0.1:{call['place'][1]}/\n"
    assert "warning" not in run.stderr
    assert not call["folder"].exists()


def test_another_host_is_warned_of(served: list[dict[str, Any]]) -> None:
    run = CliRunner().invoke(app, ["demo", "--port", "0", "--host", "0.0.0.0", "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["models"] == ["portrait", "portrait_fp16", "scene", "scene_fp16"]
    assert "warning: everybody who reaches 0.0.0.0 can use this page" in run.stderr
    assert served[0]["loopback_only"] is False


def test_whatever_fails_is_one_line_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(error: Exception) -> Any:
        raise error

    assert _answer(lambda: (1, 2, "fine"), 2) == (1, 2, "fine")
    assert _answer(lambda: fail(InputError("two\nlines")), 2) == (None, None, "two lines")
    assert _answer(lambda: fail(MemoryError()), 1) == (None, "out of memory; use a smaller picture or model")
    assert capsys.readouterr().err == ""
    nothing, line = _answer(lambda: fail(ZeroDivisionError("a\nb")), 1)
    assert (nothing, line) == (None, "an error of the program (ZeroDivisionError: a b); please report it")
    assert capsys.readouterr().err == "portraitlite: the page met an error of its own: ZeroDivisionError: a b\n"
