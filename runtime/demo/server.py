"""The page on this machine: Gradio mounted in a server of our own, so that nothing of it can reach the network."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from portraitlite.runtime.demo.engine import MAX_UPLOAD_BYTES, DemoEngine
from portraitlite.runtime.demo.guard import Guard
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["listen", "prepare", "serve"]

OVERHEAD_BYTES = 1 << 20  # of a form around an uploaded file
GOODBYE_S = 1  # for open connections at the end; a browser keeps one all the time
BACKLOG = 128


def prepare(folder: Path) -> None:
    """See whether Gradio is there, and tell it to keep its files in `folder` and to leave the network alone.

    Raises:
        MissingDependencyError: it is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise MissingDependencyError("the demo needs Gradio: pip install 'portraitlite[demo]'")
    # All of it is read when Gradio is imported or when files come in.
    tempfile.tempdir = str(folder)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@contextlib.contextmanager
def listen(host: str, port: int) -> Iterator[tuple[str, socket.socket]]:
    """(the page's address, a socket on which browsers can already wait).

    Raises:
        InputError: an unknown host, or a port that is in use or not allowed.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"the host {host!r} is unknown; give an address of this machine, such as 127.0.0.1") from error
    with socket.socket(family, kind, protocol) as waiting:
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            waiting.bind(place)
            waiting.listen(BACKLOG)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"{host} port {port} cannot be used ({reason}); give another --port, 0 is free") from error
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{waiting.getsockname()[1]}/", waiting


def serve(engine: DemoEngine, waiting: socket.socket, *, loopback_only: bool) -> None:
    """Show the page until somebody ends it by Ctrl-C, a hang-up or `kill`; call `prepare` first."""
    import fastapi
    import gradio
    import uvicorn

    from portraitlite.runtime.demo.page import make_page

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gradio.mount_gradio_app(
        app,
        make_page(engine),
        path="/",
        # The system has these fonts: there is nothing to load.
        theme=gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size=MAX_UPLOAD_BYTES,
    )
    guarded = Guard(app, loopback_only=loopback_only, max_bytes=MAX_UPLOAD_BYTES + OVERHEAD_BYTES)
    config = uvicorn.Config(
        guarded, log_level="error", access_log=False, timeout_graceful_shutdown=GOODBYE_S, ws="none"
    )
    server = uvicorn.Server(config)

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # Uvicorn ends well by SIGINT and SIGTERM, and then raises them again: that must not skip the removal of files.
    signals = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, end) for number in signals}
    try:
        server.run(sockets=[waiting])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
