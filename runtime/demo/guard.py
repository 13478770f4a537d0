"""What stands before the page: other sites, large bodies and foreign addresses stay outside."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["CONTENT_POLICY", "Guard", "is_loopback"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# Gradio's scripts need inline code and eval; nothing may come from anywhere else, nor be shown inside another page.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def is_loopback(host: str) -> bool:
    """Whether this name or address (IPv6 with or without brackets) can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware.

    Refused are: a request to another name than this machine's (DNS rebinding), if `loopback_only`; one that a page of
    another site has sent; and a body without a stated length, or with more than `max_bytes`. Every answer gets a
    content policy that allows nothing from elsewhere.
    """

    def __init__(self, app: App, *, loopback_only: bool, max_bytes: int) -> None:
        self._app = app
        self._loopback_only = loopback_only
        self._max_bytes = max_bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # the page uses no websockets

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = [(b"content-security-policy", CONTENT_POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                message["headers"] = [*message.get("headers", ()), *policy]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
            return
        status, text = refusal
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send_guarded({"type": "http.response.start", "status": status, "headers": headers})
        await send_guarded({"type": "http.response.body", "body": f"{text}\n".encode()})

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """(status, one line), or None for a request that may pass."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self._loopback_only and not is_loopback(host.rsplit(":", 1)[0] if not host.endswith("]") else host):
            return 403, "this page is for its own machine: open the address that the program has printed"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "a page of another site may not use this one"
        if scope["method"] in ("GET", "HEAD"):
            return None
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return 411, "the request does not say how long it is"
        if int(length[:20]) > self._max_bytes:
            return 413, f"the request has {length[:20]} bytes, expected at most {self._max_bytes}"
        return None
